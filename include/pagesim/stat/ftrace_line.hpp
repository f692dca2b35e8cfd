// SPDX-License-Identifier: MIT
// One line of ftrace text, as tracefs shows it, or as trace-cmd report and perf script print it:
//
//     kswapd0-37    [000] d....     6.893560: mm_vmscan_lru_isolate: isolate_mode=0 classzone=3 order=0 ...    tracefs
//     kswapd0-37    [000]     6.893560: mm_vmscan_lru_isolate: isolate_mode=0 classzone=3 ...                trace-cmd
//     kswapd0    37 [000]     6.893560: vmscan:mm_vmscan_lru_isolate: isolate_mode=0 classzone=3 ...              perf
//
// A name of a task may hold blanks, dashes, colons and brackets; its thread group, in parentheses behind the pid, may be
// there or not.
//
// Source: kernel/trace/trace_output.c, tools/perf/builtin-script.c, Linux 5.8 to 6.12.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pagesim {

// Views into the line.
struct ftrace_line {
    std::string_view comm;
    std::uint32_t pid = 0;
    std::uint64_t us = 0; // of the trace's clock; digits beyond microseconds are dropped
    std::string_view event;
    std::string_view fields;

    // The word behind "name=".
    [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const;
    // The same as a decimal number; a sign is allowed, and a negative number counts as 0. Nothing if it is missing, or not
    // a number of 64 bits.
    [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) const;
};

// Nothing: the line is not an event.
[[nodiscard]] std::optional<ftrace_line> parse_ftrace_line(std::string_view line);

} // namespace pagesim
