// SPDX-License-Identifier: MIT
#include <pagesim/machine/file_calls.hpp>

#include <algorithm>

namespace pagesim {

void file_calls::open(const op_file& op) {
    const auto [it, is_new] = files_.try_emplace(op.name, nullptr);
    if (is_new) it->second = &parts_.cache.create(op.name, op.pages, file_kind::regular);
    descriptors_.insert_or_assign(op.name, &parts_.cache.open(*it->second));
}

void file_calls::begin(const op_transfer& op) {
    open_file& file = opened(op.name);
    outcome_ = fault_outcome::resolved;
    const std::uint64_t end = op.page + op.pages.value;
    if (op.what == op_transfer::action::pread) {
        call_ = transfer<file_read_cursor>{.file = &file, .next = op.page, .end = end, .cursor = {}};
    } else {
        call_ = transfer<file_write_cursor>{.file = &file, .next = op.page, .end = end, .cursor = {}};
    }
}

void file_calls::begin(const op_descriptor& op) {
    outcome_ = fault_outcome::resolved;
    switch (op.what) {
    case op_descriptor::action::close:
        parts_.cache.close(opened(op.name));
        descriptors_.erase(op.name);
        break;
    case op_descriptor::action::fsync: call_ = fsync_call{.file = opened(op.name).of, .cursor = {}}; break;
    }
}

void file_calls::begin(const op_drop& /*op*/) {
    outcome_ = fault_outcome::resolved;
    call_ = drop_caches_cursor{};
}

void file_calls::close_all() {
    for (const auto& [name, file] : descriptors_) parts_.cache.close(*file);
    descriptors_.clear();
    dirty_pages_of_exiting(parts_.bdi, dirtied_);
    dirtied_ = {};
}

step_result file_calls::step_of(std::monostate& /*none*/) { return step_done; }

template <typename Cursor, typename Begin, typename Step>
step_result file_calls::transfer_step(transfer<Cursor>& t, Begin begin_call, Step step_call) {
    if (!t.begun && parts_.cpu.fatal_signal_pending()) return step_done;
    if (!std::exchange(t.begun, true))
        begin_call(t.cursor, *t.file, t.next, std::min(pages_per_call, t.end - t.next));
    const step_result r = step_call(parts_.fc, t.cursor);
    if (!r.done()) return r;
    outcome_ = t.cursor.outcome;
    t.next += pages_per_call;
    t.begun = false;
    return outcome_ == fault_outcome::resolved && t.next < t.end ? step_again : step_done;
}

step_result file_calls::step_of(transfer<file_read_cursor>& t) {
    return transfer_step(t, begin_file_read, file_read_step);
}

step_result file_calls::step_of(transfer<file_write_cursor>& t) {
    const auto begin_write = [this](file_write_cursor& c, open_file& f, std::uint64_t first,
                                    std::uint64_t pages) { begin_file_write(c, f, first, pages, dirtied_); };
    return transfer_step(t, begin_write, file_write_step);
}

step_result file_calls::step() {
    const step_result r = std::visit([this](auto& call) { return step_of(call); }, call_);
    if (r.done()) call_ = std::monostate{};
    return r;
}

} // namespace pagesim
