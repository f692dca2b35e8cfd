// SPDX-License-Identifier: MIT
#include <pagesim/workload/champsim.hpp>

#include "little_endian.hpp"

#include <fmt/format.h>

namespace pagesim {

namespace {

constexpr std::size_t standard_bytes = 64;
constexpr std::size_t cloudsuite_bytes = 96;

} // namespace

champsim_stream::champsim_stream(std::string path, champsim_record kind, content_hash hashing)
    : record_trace{std::move(path), hashing, instruction_role::fetched_here,
                   kind == champsim_record::standard ? standard_bytes : cloudsuite_bytes},
      written_{kind == champsim_record::standard ? slots{.at = 16, .count = 2} : slots{.at = 24, .count = 4}},
      read_{kind == champsim_record::standard ? slots{.at = 32, .count = 4} : slots{.at = 56, .count = 4}} {}

void champsim_stream::refer_to(const char* record, slots s, reference_kind kind) {
    for (unsigned i = 0; i < s.count; ++i) {
        const auto address = get_le<std::uint64_t>(record + s.at + 8 * std::size_t{i});
        if (address == 0) continue;
        if (address >= user_address_end) {
            skip_here("an address beyond 48 bits");
        } else {
            refer(address >> page_shift, kind);
        }
    }
}

std::string champsim_stream::take(const char* record) {
    const auto ip = get_le<std::uint64_t>(record);
    const auto is_branch = static_cast<unsigned char>(record[8]);
    const auto taken = static_cast<unsigned char>(record[9]);
    if (ip == 0 || is_branch > 1 || taken > 1)
        return fmt::format("this is no ChampSim record (ip {:#x}, is_branch {}, taken {})", ip, is_branch,
                           taken);
    count_record();
    if (ip >= user_address_end) {
        skip_here("an instruction beyond 48 bits of address");
        return {};
    }
    fetch(ip >> page_shift);
    refer_to(record, read_, reference_kind::load);
    refer_to(record, written_, reference_kind::store);
    return {};
}

bool looks_like_champsim(std::string_view head) {
    constexpr std::uint64_t kernel_begin = 0xffff800000000000ULL;
    const auto is_address = [](std::uint64_t a) { return a < user_address_end || a >= kernel_begin; };
    if (head.size() < standard_bytes) return false;
    for (; head.size() >= standard_bytes; head.remove_prefix(standard_bytes)) {
        const auto ip = get_le<std::uint64_t>(head.data());
        if (ip == 0 || !is_address(ip) || static_cast<unsigned char>(head[8]) > 1 ||
            static_cast<unsigned char>(head[9]) > 1)
            return false;
        for (std::size_t at = 16; at < standard_bytes; at += 8) {
            if (!is_address(get_le<std::uint64_t>(head.data() + at))) return false;
        }
    }
    return true;
}

} // namespace pagesim
