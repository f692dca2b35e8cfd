// SPDX-License-Identifier: MIT
#include <pagesim/workload/oracle_general.hpp>

#include "little_endian.hpp"

#include <fmt/format.h>

#include <limits>

namespace pagesim {

namespace {

constexpr std::size_t record_size = 24;
constexpr std::uint64_t ns_per_second = 1'000'000'000;

constexpr bool is_later_or_none(std::int64_t next, std::int64_t number) {
    return next == -1 || next > number;
}

std::int64_t next_of(const char* record) {
    return static_cast<std::int64_t>(get_le<std::uint64_t>(record + 16));
}

} // namespace

oracle_general_stream::oracle_general_stream(std::string path, object_placement placement,
                                             content_hash hashing)
    : record_trace{std::move(path), hashing, instruction_role::time_only, record_size}, objects_{placement} {}

std::string oracle_general_stream::take(const char* record) {
    const auto seconds = get_le<std::uint32_t>(record);
    const object_id id{get_le<std::uint64_t>(record + 4)};
    const auto bytes = get_le<std::uint32_t>(record + 12);
    ++number_;
    if (!is_later_or_none(next_of(record), number_))
        return fmt::format("request {}: the next one for its object is {}, which is not later", number_,
                           next_of(record));
    if (bytes == 0) {
        count_record();
        skip_here("an object of size 0");
        return {};
    }
    const auto place = objects_.find(id, bytes);
    if (!place) {
        met_no_page_ = objects_.placement() == object_placement::by_number;
        return met_no_page_ ? fmt::format("object {} of {} bytes is not a page", id.value, bytes)
                            : std::string{"the objects need more than 48 bits of address"};
    }
    count_record();
    pass_time(sim_time{seconds * ns_per_second});
    sweep(place->first, place->pages, reference_kind::load);
    return {};
}

bool looks_like_oracle_general(std::string_view head) {
    constexpr std::int64_t most_requests = 1LL << 40U;
    if (head.size() < record_size) return false;
    std::uint32_t time = 0;
    for (std::int64_t number = 1; head.size() >= record_size; ++number, head.remove_prefix(record_size)) {
        const std::int64_t next = next_of(head.data());
        const auto now = get_le<std::uint32_t>(head.data());
        const bool none = next == -1 || next == std::numeric_limits<std::int64_t>::max();
        if (now < time || (!none && (next <= number || next > most_requests))) return false;
        time = now;
    }
    return true;
}

} // namespace pagesim
