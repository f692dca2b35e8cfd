// SPDX-License-Identifier: MIT
#include <pagesim/workload/drmemtrace.hpp>

#include "little_endian.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::size_t entry_bytes = 12;
constexpr std::uint64_t most_versions = 255;

constexpr std::uint16_t type_read = 0;
constexpr std::uint16_t type_write = 1;
constexpr std::uint16_t first_instruction = 10;
constexpr std::uint16_t last_instruction = 16;
constexpr std::uint16_t type_bundle = 17;
constexpr std::uint16_t type_process = 24;
constexpr std::uint16_t type_header = 25;
constexpr std::uint16_t type_footer = 26;
constexpr std::uint16_t type_taken_jump = 48;
constexpr std::uint16_t type_untaken_jump = 49;
constexpr std::uint16_t last_type = 63; // later versions may add some; more is garbage
constexpr std::uint16_t longest_instruction = 32;
constexpr std::uint16_t most_in_a_bundle = 8;

constexpr bool is_instruction(std::uint16_t type) {
    return (type >= first_instruction && type <= last_instruction) || type == type_taken_jump ||
           type == type_untaken_jump;
}

} // namespace

drmemtrace_stream::drmemtrace_stream(std::string path, content_hash hashing)
    : record_trace{std::move(path), hashing, instruction_role::fetched_here, entry_bytes} {}

std::string drmemtrace_stream::take(const char* record) {
    const entry e{.type = get_le<std::uint16_t>(record),
                  .size = get_le<std::uint16_t>(record + 2),
                  .address = get_le<std::uint64_t>(record + 4)};
    if (at_ == part::before_header) return take_header(e);
    at_ = e.type == type_footer ? part::behind_footer : part::body;
    return take_body(e);
}

std::string drmemtrace_stream::take_header(const entry& e) {
    if (e.type != type_header)
        return "this is no header: not a drmemtrace, or one that was not processed (raw/ needs DynamoRIO's "
               "drraw2trace first)";
    if (e.address > most_versions && (e.address & 0xffffffffU) <= most_versions)
        return "this is a 32-bit trace, whose records have 8 bytes; only 64-bit ones can be read";
    if (e.address == 0 || e.address > most_versions)
        return fmt::format("the header is of version {}", e.address);
    at_ = part::body;
    pass_over();
    return {};
}

std::string drmemtrace_stream::take_body(const entry& e) {
    if (e.type == type_read || e.type == type_write) {
        refer_to(e, e.type == type_read ? reference_kind::load : reference_kind::store);
        return {};
    }
    if (is_instruction(e.type)) {
        if (e.size == 0 || e.size > longest_instruction)
            return fmt::format("an instruction of {} bytes", e.size);
        count_record();
        fetch_at(e.address, e.size);
        return {};
    }
    if (e.type == type_bundle) return fetch_bundle(e);
    if (e.type > last_type) return fmt::format("a record of the unknown type {}", e.type);
    if (e.type == type_process) {
        process_ = e.address;
        if (!first_process_) first_process_ = e.address;
    }
    pass_over();
    return {};
}

// Of another process, or of the kernel.
bool drmemtrace_stream::left_out(std::uint64_t address, std::uint64_t size) {
    if (first_process_ && process_ != *first_process_) {
        skip_here("a reference of another process");
        return true;
    }
    if (address >= user_address_end || address + size > user_address_end) {
        skip_here("an address beyond 48 bits");
        return true;
    }
    return false;
}

void drmemtrace_stream::fetch_at(std::uint64_t address, std::uint64_t size) {
    next_pc_ = address + size;
    if (left_out(address, size)) return;
    const std::uint64_t first = address >> page_shift;
    const std::uint64_t last = (address + size - 1) >> page_shift;
    fetch(first);
    if (last != first) refer(last, reference_kind::load);
}

std::string drmemtrace_stream::fetch_bundle(const entry& e) {
    if (e.size == 0 || e.size > most_in_a_bundle) return fmt::format("a bundle of {} instructions", e.size);
    count_record();
    for (unsigned i = 0; i < e.size; ++i) {
        const std::uint64_t length = e.address >> (8 * i) & 0xffU;
        if (length == 0 || length > longest_instruction)
            return fmt::format("an instruction of {} bytes in a bundle", length);
        fetch_at(next_pc_, length);
    }
    return {};
}

void drmemtrace_stream::refer_to(const entry& e, reference_kind kind) {
    count_record();
    const std::uint64_t bytes = std::max<std::uint64_t>(e.size, 1); // 0: the recorder did not know
    if (left_out(e.address, bytes)) return;
    const std::uint64_t first = e.address >> page_shift;
    const std::uint64_t last = (e.address + bytes - 1) >> page_shift;
    for (std::uint64_t page = first; page <= last; ++page) refer(page, kind);
}

std::string drmemtrace_stream::at_end() {
    if (at_ == part::body) return "the trace ends without a footer: it was cut off";
    return {};
}

bool looks_like_drmemtrace(std::string_view head) {
    return head.size() >= entry_bytes && get_le<std::uint16_t>(head.data()) == type_header &&
           get_le<std::uint32_t>(head.data() + 4) - 1 < most_versions;
}

} // namespace pagesim
