// SPDX-License-Identifier: MIT
// /proc of the simulated machine as a directory: at the end of the run, and as it was every so often.
//
//     DIR/vmstat meminfo zoneinfo buddyinfo pagetypeinfo swaps uptime stat kpageflags kpagecount     at the end
//     DIR/1001/maps smaps smaps_rollup pagemap status stat statm cmdline comm oom_score_adj          a process
//     DIR/at-000002s/...                                                                             the same, 2 s
//                                                                                                    after the start
//
// A snapshot is taken between two steps of the machine and only reads it, so it does not change the run. It is put
// together in DIR/.partial and then renamed: what has its name is whole, whatever becomes of the run. If one can't be
// written, that is said, no more are taken, and the run goes on.
//
// What an earlier run left in DIR (files and directories of exactly these names) is taken out first; all else stays.
#pragma once

#include <pagesim/machine/machine.hpp>

#include <filesystem>
#include <string>

namespace pagesim::program {

class proc_directory {
public:
    // Makes the directory. `every`: 0 for the end alone. Without a path all calls do nothing. Throws usage_error if it
    // can't be written to.
    proc_directory(const std::string& path, sim_duration every);

    // Between two steps.
    void see(const machine& m) {
        if (m.now() >= due_) take_snapshot(m);
    }
    // The run has ended. Throws program_error if this or an earlier snapshot could not be written.
    void finish(const machine& m);

private:
    void take_snapshot(const machine& m);

    std::filesystem::path path_;
    sim_duration every_;
    sim_time due_ = never;
    std::string failure_; // why a snapshot is missing
};

} // namespace pagesim::program
