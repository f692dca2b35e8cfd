// SPDX-License-Identifier: MIT
#include <pagesim/workload/binary_trace.hpp>
#include <pagesim/workload/ops.hpp>

#include "binary_layout.hpp"
#include "byte_source.hpp"
#include "little_endian.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pagesim {

namespace {

constexpr std::uint64_t pages_end = 1ULL << access_record::vpn_bits;

// A block of records that says how many it has.
bool plausible_records(std::uint32_t size) { return size > 0 && size <= block_records; }

} // namespace

binary_stream::binary_stream(std::string path, content_hash hashing) : path_{std::move(path)} {
    auto opened = open_byte_source(path_, hashing);
    if (auto* wrong = std::get_if<std::string>(&opened)) {
        error_ = input_error{.file = path_, .line = 0, .reason = std::move(*wrong)};
    } else {
        source_ = std::move(std::get<std::unique_ptr<byte_source>>(opened));
    }
    block_.reserve(block_records);
}

binary_stream::~binary_stream() = default;

stream_item binary_stream::fail(std::string reason) {
    if (!error_) {
        error_ = input_error{
            .file = path_, .line = 0, .reason = fmt::format("at byte {}: {}", at_, std::move(reason))};
    }
    return *error_;
}

bool binary_stream::read(std::span<char> to, std::string_view what) {
    if (error_) return false;
    const read_result r = source_->read(to);
    at_ += r.bytes;
    if (r.bytes == to.size()) return true;
    static_cast<void>(
        fail(r.failure.empty() ? fmt::format("the trace ends within {}", what) : std::string{r.failure}));
    return false;
}

std::uint64_t binary_stream::read_u64(std::string_view what) {
    std::array<char, 8> bytes{};
    return read(bytes, what) ? get_le<std::uint64_t>(bytes.data()) : 0;
}

bool binary_stream::read_name(std::string& out, std::uint64_t length, std::string_view what) {
    if (length > longest_name) {
        static_cast<void>(fail(fmt::format("{}: a name of {} bytes", what, length)));
        return false;
    }
    std::vector<char> bytes(padded(length));
    if (!read(bytes, what)) return false;
    out.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    return true;
}

bool binary_stream::read_ranges(std::uint64_t count) {
    std::uint64_t above = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t first = read_u64("its ranges");
        const std::uint64_t end = read_u64("its ranges");
        const std::uint64_t flags = read_u64("its ranges");
        if (error_) return false;
        if (first < above || first >= end || end > pages_end || flags != private_frames) {
            static_cast<void>(
                fail(fmt::format("range {} is not one: pages {} to {}, flags {}", i, first, end, flags)));
            return false;
        }
        header_.ranges.push_back({.first = vpn{first}, .end = vpn{end}});
        above = end;
    }
    return true;
}

const std::optional<input_error>& binary_stream::open() {
    if (std::exchange(opened_, true) || error_) return error_;
    std::array<char, fixed_header_bytes> fixed{};
    if (!read(fixed, "its header")) return error_;
    const char* at = fixed.data();
    if (std::string_view{at, 8} != binary_trace_magic) {
        static_cast<void>(fail("this is no binary trace"));
        return error_;
    }
    const auto format = get_le<std::uint32_t>(at + 8);
    const auto header_bytes = get_le<std::uint32_t>(at + 12);
    const auto range_count = get_le<std::uint32_t>(at + 64);
    const auto name_bytes = get_le<std::uint32_t>(at + 68);
    header_.window = get_le<std::uint64_t>(at + 16);
    header_.counts = {.records = get_le<std::uint64_t>(at + 24),
                      .skipped = get_le<std::uint64_t>(at + 32),
                      .accesses = get_le<std::uint64_t>(at + 40)};
    header_.touched = {get_le<std::uint64_t>(at + 48)};
    header_.source_hash = get_le<std::uint64_t>(at + 56);
    if (format != binary_trace_version) {
        static_cast<void>(fail(fmt::format("the trace is of version {}; this program reads version {}",
                                           format, binary_trace_version)));
    } else if (range_count > most_ranges ||
               header_bytes != padded(fixed_header_bytes + 24 * std::size_t{range_count} + name_bytes)) {
        static_cast<void>(
            fail(fmt::format("the header of {} bytes can't hold {} ranges and a name of {} bytes",
                             header_bytes, range_count, name_bytes)));
    } else if (read_ranges(range_count)) {
        static_cast<void>(read_name(header_.source_name, name_bytes, "its header"));
    }
    return error_;
}

stream_item binary_stream::next() {
    if (open()) return *error_;
    if (ended_) return end_of_stream{};
    return next_item();
}

stream_item binary_stream::next_item() {
    std::array<char, 24> bytes{};
    if (!read(bytes, "an item's head, or has no end")) return *error_;
    const item_head head{.kind = get_le<std::uint32_t>(bytes.data()),
                         .size = get_le<std::uint32_t>(bytes.data() + 4),
                         .records = get_le<std::uint64_t>(bytes.data() + 8),
                         .accesses = get_le<std::uint64_t>(bytes.data() + 16)};
    counts_.records = head.records;
    counts_.accesses = head.accesses;
    switch (head.kind) {
    case item_end: return finish(head);
    case item_records: return next_records(head);
    case item_anon:
    case item_unmap:
    case item_mlock:
    case item_munlock:
    case item_madvise: return next_region(head);
    case item_sleep: return next_sleep(head);
    case item_mark: return next_mark(head);
    case item_file:
    case item_map:
    case item_pread:
    case item_pwrite: return next_file_item(head);
    case item_close: return next_descriptor(head, op_descriptor::action::close);
    case item_fsync: return next_descriptor(head, op_descriptor::action::fsync);
    case item_drop: return head.size == 0 ? stream_item{op_drop{}} : fail("a drop that is none");
    default: return fail(fmt::format("an item of the unknown kind {}", head.kind));
    }
}

stream_item binary_stream::next_records(const item_head& head) {
    if (!plausible_records(head.size))
        return fail(fmt::format("a block of {} records; 1 to {} are possible", head.size, block_records));
    block_.resize(head.size);
    if (!read(bytes_of(block_), "a block of records")) return *error_;
    swap_order(block_);
    checksum_.add(block_);
    records_ += head.size;
    return access_block{.records = block_};
}

stream_item binary_stream::next_region(const item_head& head) {
    const bool advises = head.kind == item_madvise;
    const std::uint32_t numbers = advises ? 24 : 16;
    if (head.size < numbers) return fail("a region without its pages");
    const std::uint64_t first = read_u64("a region");
    const std::uint64_t pages = read_u64("a region");
    const std::uint64_t number = advises ? read_u64("a region") : 0;
    std::string name;
    if (!read_name(name, head.size - numbers, "a region")) return *error_;
    if (pages == 0 || first >= pages_end || pages > pages_end - first)
        return fail(fmt::format("a region of {} pages from page {} on", pages, first));
    if (head.kind == item_anon) return map_region(std::move(name), first, pages);
    if (head.kind == item_unmap) return unmap_region(std::move(name), first, pages);
    if (advises) return advise_part(std::move(name), first, pages, number);
    const auto what = head.kind == item_mlock ? op_lock::action::mlock : op_lock::action::munlock;
    return lock_part(std::move(name), first, pages, what);
}

bool binary_stream::within_a_region(std::uint64_t first, std::uint64_t pages) const {
    const auto above = regions_.upper_bound(first);
    return above != regions_.begin() && std::prev(above)->second >= first + pages;
}

stream_item binary_stream::advise_part(std::string name, std::uint64_t first, std::uint64_t pages,
                                       std::uint64_t number) {
    if (!within_a_region(first, pages))
        return fail(fmt::format("{} pages at page {} are not within one region", pages, first));
    const auto what = advice_from_number(number);
    if (!what) return fail(fmt::format("advice {}, which is none", number));
    return op_advise{.name = std::move(name), .first = vpn{first}, .pages = {pages}, .what = *what};
}

stream_item binary_stream::lock_part(std::string name, std::uint64_t first, std::uint64_t pages,
                                     op_lock::action what) {
    if (!within_a_region(first, pages))
        return fail(fmt::format("{} pages at page {} are not within one region", pages, first));
    return op_lock{.name = std::move(name), .first = vpn{first}, .pages = {pages}, .what = what};
}

stream_item binary_stream::map_region(std::string name, std::uint64_t first, std::uint64_t pages) {
    const auto overlaps = [&](std::uint64_t begin, std::uint64_t end) {
        return begin < first + pages && first < end;
    };
    if (regions_.size() == most_regions) return fail(fmt::format("more than {} regions", most_regions));
    const auto above = regions_.upper_bound(first);
    bool taken = above != regions_.end() && overlaps(above->first, above->second);
    if (above != regions_.begin()) {
        const auto below = std::prev(above);
        taken = taken || overlaps(below->first, below->second);
    }
    for (const page_range& r : header_.ranges) taken = taken || overlaps(raw(r.first), raw(r.end));
    if (taken) return fail(fmt::format("region {} lies where another one is", in_quotes(name)));
    regions_.emplace(first, first + pages);
    return op_anon{.name = std::move(name), .first = vpn{first}, .pages = {pages}};
}

stream_item binary_stream::unmap_region(std::string name, std::uint64_t first, std::uint64_t pages) {
    const auto it = regions_.find(first);
    if (it == regions_.end() || it->second != first + pages)
        return fail(fmt::format("no region {} of {} pages at page {}", in_quotes(name), pages, first));
    regions_.erase(it);
    return op_unmap{.name = std::move(name), .first = vpn{first}, .pages = {pages}};
}

stream_item binary_stream::next_file_item(const item_head& head) {
    if (head.size < 16) return fail("a file without its pages");
    const std::uint64_t first = read_u64("a file");
    const std::uint64_t pages = read_u64("a file");
    std::string name;
    if (!read_name(name, head.size - 16, "a file")) return *error_;
    if (pages == 0 || pages > most_file_pages.value || first >= pages_end || pages > pages_end - first)
        return fail(fmt::format("{} pages of a file from page {} on", pages, first));
    if (head.kind == item_file) return open_file_item(std::move(name), pages);
    const auto it = files_.find(name);
    if (it == files_.end() || !it->second.open)
        return fail(fmt::format("no open file {} here", in_quotes(name)));
    if (head.kind == item_map) return map_file(std::move(name), first, pages);
    if (first >= it->second.pages || pages > it->second.pages - first)
        return fail(fmt::format("{} pages at page {} lead beyond file {}", pages, first, in_quotes(name)));
    const auto what = head.kind == item_pread ? op_transfer::action::pread : op_transfer::action::pwrite;
    return op_transfer{.name = std::move(name), .page = first, .pages = {pages}, .what = what};
}

stream_item binary_stream::open_file_item(std::string name, std::uint64_t pages) {
    const auto [it, is_new] = files_.try_emplace(name, known_file{.pages = pages, .open = false});
    if (it->second.open) return fail(fmt::format("file {} is open already", in_quotes(name)));
    if (it->second.pages != pages)
        return fail(fmt::format("file {} has {} pages, not {}", in_quotes(name), it->second.pages, pages));
    it->second.open = true;
    return op_file{.name = std::move(name), .pages = {pages}};
}

stream_item binary_stream::map_file(std::string name, std::uint64_t first, std::uint64_t pages) {
    if (pages != files_.find(name)->second.pages)
        return fail(fmt::format("a mapping of {} pages of file {}", pages, in_quotes(name)));
    stream_item mapped = map_region(std::move(name), first, pages);
    const auto* region = std::get_if<op_anon>(&mapped);
    if (region == nullptr) return mapped;
    return op_map{.name = region->name, .first = region->first, .pages = region->pages};
}

stream_item binary_stream::next_descriptor(const item_head& head, op_descriptor::action what) {
    std::string name;
    if (!read_name(name, head.size, "a file's name")) return *error_;
    const auto it = files_.find(name);
    if (it == files_.end() || !it->second.open)
        return fail(fmt::format("no open file {} here", in_quotes(name)));
    if (what == op_descriptor::action::close) it->second.open = false;
    return op_descriptor{.name = std::move(name), .what = what};
}

stream_item binary_stream::next_sleep(const item_head& head) {
    const std::uint64_t ns = read_u64("a sleep");
    if (error_) return *error_;
    if (head.size != 8 || ns > milliseconds(longest_sleep_ms).ns) return fail("a sleep that is none");
    return op_sleep{nanoseconds(ns)};
}

stream_item binary_stream::next_mark(const item_head& head) {
    op_mark mark;
    if (!read_name(mark.label, head.size, "a mark")) return *error_;
    return mark;
}

stream_item binary_stream::finish(const item_head& head) {
    const std::uint64_t records = read_u64("its end");
    const std::uint64_t checksum = read_u64("its end");
    if (error_) return *error_;
    if (head.size != 16 || records != records_)
        return fail(fmt::format("the end tells of {} records, {} came", records, records_));
    if (checksum != checksum_.value()) return fail("the records' checksum is wrong: the trace is damaged");
    counts_.skipped = header_.counts.skipped;
    std::array<char, 1> more{};
    const read_result r = source_->read(more);
    if (r.bytes != 0) return fail("bytes follow the end of the trace");
    if (!r.failure.empty()) return fail(r.failure);
    ended_ = true;
    return end_of_stream{};
}

std::uint64_t binary_stream::hash() {
    if (source_ == nullptr) return 0;
    source_->file().drain();
    return source_->file().hash();
}

std::variant<binary_scan, input_error> scan_binary_trace(const std::string& path) {
    binary_stream s{path, content_hash::fnv1a};
    if (const auto& error = s.open()) return *error;
    return binary_scan{.header = s.header(), .file_hash = s.hash()};
}

bool is_binary_trace(const std::string& path) {
    auto opened = open_byte_source(path, content_hash::none);
    auto* source = std::get_if<std::unique_ptr<byte_source>>(&opened);
    if (source == nullptr) return false;
    std::array<char, 8> head{};
    const read_result r = (*source)->read(head);
    return r.bytes == head.size() && std::string_view{head.data(), head.size()} == binary_trace_magic;
}

} // namespace pagesim
