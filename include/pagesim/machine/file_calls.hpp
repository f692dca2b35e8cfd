// SPDX-License-Identifier: MIT
// A process's open files, and the system call on one of them that is under way.
//
// Files are known by name: the first open of a name makes the file, with nothing of it cached. A read or write of many
// pages is made in calls of at most 16 pages, as the recording program of the ops language does.
#pragma once

#include <pagesim/machine/parts.hpp>
#include <pagesim/process/file_read.hpp>
#include <pagesim/process/file_write.hpp>
#include <pagesim/process/writeback_calls.hpp>
#include <pagesim/workload/access_stream.hpp>

#include <map>
#include <string>
#include <variant>

namespace pagesim {

inline constexpr std::uint64_t pages_per_call = 16;

class file_calls {
public:
    explicit file_calls(machine_parts& parts) : parts_{parts} {}

    // These are over at once.
    void open(const op_file& op);
    [[nodiscard]] open_file& opened(const std::string& name) { return *descriptors_.at(name); }
    [[nodiscard]] std::size_t descriptors() const { return descriptors_.size(); }
    // These take their time: call step() until it is done.
    void begin(const op_transfer& op);
    void begin(const op_descriptor& op);
    void begin(const op_drop& op);

    [[nodiscard]] bool active() const { return !std::holds_alternative<std::monostate>(call_); }
    step_result step();
    // Of the call that is over.
    [[nodiscard]] fault_outcome outcome() const { return outcome_; }
    // What this process has dirtied, for its faults too.
    [[nodiscard]] task_dirty& dirtied() { return dirtied_; }
    // Of all descriptors, as at exit.
    void close_all();

private:
    // A read or write of many pages, call by call.
    template <typename Cursor>
    struct transfer {
        open_file* file = nullptr;
        std::uint64_t next = 0;
        std::uint64_t end = 0;
        bool begun = false;
        Cursor cursor;
    };

    struct fsync_call {
        mapping* file = nullptr;
        fsync_cursor cursor;
    };

    step_result step_of(std::monostate& none);
    step_result step_of(fsync_call& call) { return fsync_file(parts_.wb, *call.file, call.cursor); }
    step_result step_of(drop_caches_cursor& c) {
        return drop_caches(parts_.wb, parts_.rc, drop_what::both, c);
    }
    step_result step_of(transfer<file_read_cursor>& t);
    step_result step_of(transfer<file_write_cursor>& t);
    template <typename Cursor, typename Begin, typename Step>
    step_result transfer_step(transfer<Cursor>& t, Begin begin_call, Step step_call);

    machine_parts& parts_;
    std::map<std::string, mapping*> files_;         // that this process ever opened
    std::map<std::string, open_file*> descriptors_; // open now
    std::variant<std::monostate, transfer<file_read_cursor>, transfer<file_write_cursor>, fsync_call,
                 drop_caches_cursor>
        call_;
    fault_outcome outcome_ = fault_outcome::resolved;
    task_dirty dirtied_;
};

} // namespace pagesim
