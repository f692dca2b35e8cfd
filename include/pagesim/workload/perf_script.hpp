// SPDX-License-Identifier: MIT
// Reader of perf's samples as text: perf script -F comm,pid,tid,time,event,addr, or less (tid,time,addr; then a
// thread is all that is told, and taken for the process).
//
//        sort   671/671    1390.662709:     page-faults:     55cf1d49f018
//        sort   671/671    1390.662950:          1 cpu/mem-stores/P:     7ffd0a2b1c08  |OP STORE|...
//        sort   671 [001]  1390.663012: exceptions:page_fault_user: address=0x7f22a0 ip=0x40 error_code=0x6
//
// Recorded by `perf record -d -e page-faults -c 1 PROGRAM` (each fault) or `perf mem record PROGRAM` (some
// accesses). A line is a time, "seconds.places:", with what precedes it (a name, a process, a CPU) and what
// follows: a period and an event, which may be missing, and the address, in hexadecimal; one with a symbol
// behind it is that of an instruction, as perf script prints without -F, and no address. A store is told by
// "store" in the event's name, by OP STORE behind the address, or by bit 1 of an error_code; anything else is
// a load, a page fault too, which does not say what it was.
//
// The first line's process is the one; lines of another, of an address beyond 48 bits and of none are
// skipped. So are call chains (lines that begin by a tab) and comments (#). Samples are not all references: a
// run shows the order in which memory was wanted, not how often.
#pragma once

#include <pagesim/workload/trace_stream.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pagesim {

// The parts of a line around its time.
struct perf_line {
    static constexpr std::uint64_t no_process = ~std::uint64_t{0}; // no number stands before the time
    std::uint64_t ns = 0;
    std::uint64_t process = no_process;
    std::string_view rest; // behind the time
};
// Nothing: no time such as 12.345678: is in it.
[[nodiscard]] std::optional<perf_line> split_perf_line(std::string_view line);

class perf_script_stream final : public text_trace {
public:
    explicit perf_script_stream(std::string path, content_hash hashing = content_hash::none)
        : text_trace{std::move(path), hashing, comments::by_hash} {}

private:
    [[nodiscard]] std::string take(std::string_view line) override;
    [[nodiscard]] bool is_of_first_process(const perf_line& p);

    bool begun_ = false;
    std::uint64_t process_ = perf_line::no_process;
};

} // namespace pagesim
