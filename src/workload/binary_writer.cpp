// SPDX-License-Identifier: MIT
#include <pagesim/workload/binary_trace.hpp>

#include "binary_layout.hpp"
#include "little_endian.hpp"

namespace pagesim {

namespace {

constexpr std::uint64_t checksum_prime = 0x100000001b3ULL;

std::vector<char> region_payload(vpn first, page_count pages, const std::string& name) {
    std::vector<char> out;
    put_le(out, raw(first));
    put_le(out, pages.value);
    out.insert(out.end(), name.begin(), name.end());
    return out;
}

// A command as an item; an end of stream is item_end without a payload.
struct encoded {
    std::uint32_t kind = item_end;
    std::vector<char> payload;
};

encoded encode(const op_anon& op) { return {item_anon, region_payload(op.first, op.pages, op.name)}; }
encoded encode(const op_unmap& op) { return {item_unmap, region_payload(op.first, op.pages, op.name)}; }
encoded encode(const op_map& op) { return {item_map, region_payload(op.first, op.pages, op.name)}; }
encoded encode(const op_file& op) { return {item_file, region_payload(vpn{0}, op.pages, op.name)}; }
encoded encode(const op_mark& op) { return {item_mark, {op.label.begin(), op.label.end()}}; }
encoded encode(const op_drop& /*op*/) { return {item_drop, {}}; }

encoded encode(const op_lock& op) {
    const bool lock = op.what == op_lock::action::mlock;
    return {lock ? item_mlock : item_munlock, region_payload(op.first, op.pages, op.name)};
}

encoded encode(const op_advise& op) {
    encoded e{item_madvise, {}};
    put_le(e.payload, raw(op.first));
    put_le(e.payload, op.pages.value);
    put_le(e.payload, static_cast<std::uint64_t>(op.what));
    e.payload.insert(e.payload.end(), op.name.begin(), op.name.end());
    return e;
}

encoded encode(const op_transfer& op) {
    const bool read = op.what == op_transfer::action::pread;
    return {read ? item_pread : item_pwrite, region_payload(vpn{op.page}, op.pages, op.name)};
}

encoded encode(const op_descriptor& op) {
    const bool close = op.what == op_descriptor::action::close;
    return {close ? item_close : item_fsync, {op.name.begin(), op.name.end()}};
}

encoded encode(const op_sleep& op) {
    encoded e{item_sleep, {}};
    put_le(e.payload, op.duration.ns);
    return e;
}

encoded encode(const end_of_stream& /*end*/) { return {}; }
encoded encode(const access_block& /*block*/) { return {}; }
encoded encode(const input_error& /*error*/) { return {}; }

encoded encode(const stream_item& item) {
    return std::visit([](const auto& i) { return encode(i); }, item);
}

} // namespace

void binary_checksum::add(std::span<const access_record> records) {
    std::size_t i = 0;
    for (; i < records.size() && next_ % 4 != 0; ++i, ++next_)
        lanes_[next_ % 4] = (lanes_[next_ % 4] ^ records[i].word()) * checksum_prime;
    std::array<std::uint64_t, 4> lanes = lanes_;
    for (; i + 4 <= records.size(); i += 4) {
        for (unsigned l = 0; l < 4; ++l) lanes[l] = (lanes[l] ^ records[i + l].word()) * checksum_prime;
    }
    lanes_ = lanes;
    for (; i < records.size(); ++i, ++next_)
        lanes_[next_ % 4] = (lanes_[next_ % 4] ^ records[i].word()) * checksum_prime;
}

std::uint64_t binary_checksum::value() const {
    std::uint64_t h = 0xcbf29ce484222325ULL;
    for (const std::uint64_t lane : lanes_) h = (h ^ lane) * checksum_prime;
    return h;
}

binary_trace_writer::binary_trace_writer(byte_sink& to, const binary_trace_header& header) : to_{to} {
    PAGESIM_ASSERT(header.ranges.size() <= most_ranges && header.source_name.size() <= longest_name);
    const std::size_t bare = fixed_header_bytes + 24 * header.ranges.size() + header.source_name.size();
    std::vector<char> out{binary_trace_magic.begin(), binary_trace_magic.end()};
    put_le(out, binary_trace_version);
    put_le(out, static_cast<std::uint32_t>(padded(bare)));
    for (const std::uint64_t n : {header.window, header.counts.records, header.counts.skipped,
                                  header.counts.accesses, header.touched.value, header.source_hash})
        put_le(out, n);
    put_le(out, static_cast<std::uint32_t>(header.ranges.size()));
    put_le(out, static_cast<std::uint32_t>(header.source_name.size()));
    for (const page_range& r : header.ranges) {
        put_le(out, raw(r.first));
        put_le(out, raw(r.end));
        put_le(out, private_frames);
    }
    out.insert(out.end(), header.source_name.begin(), header.source_name.end());
    out.resize(padded(bare), 0);
    failure_ = to_.write(out);
}

std::string binary_trace_writer::put_item(std::uint32_t kind, std::uint64_t size, std::uint64_t so_far,
                                          std::span<const char> payload) {
    if (!failure_.empty()) return failure_;
    std::vector<char> head;
    put_le(head, kind);
    put_le(head, static_cast<std::uint32_t>(size));
    put_le(head, so_far);
    put_le(head, accesses_);
    failure_ = to_.write(head);
    if (failure_.empty()) failure_ = to_.write(payload);
    const std::vector<char> zeros(padded(payload.size()) - payload.size(), 0);
    if (failure_.empty() && !zeros.empty()) failure_ = to_.write(zeros);
    return failure_;
}

std::string binary_trace_writer::write(const stream_item& item, std::uint64_t so_far) {
    if (const auto* block = std::get_if<access_block>(&item)) {
        checksum_.add(block->records);
        records_ += block->records.size();
        for (const access_record r : block->records) accesses_ += r.accesses();
        std::vector<access_record> copy{block->records.begin(), block->records.end()};
        swap_order(copy);
        return put_item(item_records, copy.size(), so_far, bytes_of(copy));
    }
    const encoded e = encode(item);
    if (e.kind != item_end) return put_item(e.kind, e.payload.size(), so_far, e.payload);
    PAGESIM_ASSERT(std::holds_alternative<end_of_stream>(item));
    std::vector<char> payload;
    put_le(payload, records_);
    put_le(payload, checksum_.value());
    return put_item(item_end, payload.size(), so_far, payload);
}

} // namespace pagesim
