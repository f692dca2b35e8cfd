// SPDX-License-Identifier: MIT
// The report: snapshots of files of /proc and /sys, in memory that the kernel does not know of.
#pragma once

#include <cstdint>
#include <string_view>

namespace lab {

void open_report();
// What was said, under `kind`.
void tell(std::string_view kind, std::string_view content);
// What a file holds now, under `kind`; nothing if it isn't there. The label says which snapshot it belongs to.
struct moment {
    std::string_view label;
    std::uint64_t operation = 0; // how many came before
};
void snapshot_of(std::string_view kind, const char* path, const moment& when);
// /proc/vmstat, with what CPUs counted for themselves put in first.
void snapshot_of_vmstat(const moment& when);
// All that a result tells of one moment.
void snapshot_of_all(const moment& when);
void close_report();
void fail_report(std::string_view reason);

} // namespace lab
