// SPDX-License-Identifier: MIT
// A run as ftrace text: what /sys/kernel/tracing/trace would show with the vmscan, kmem and sched events on.
//
//              init-1       [000] d....     6.893560: mm_vmscan_lru_isolate: isolate_mode=0 classzone=3 order=0 ...
//     comm, pid, CPU, flags, seconds.microseconds, event, fields
//
// Dialects: 6.1 and 5.8 as the kernels write; `postprocess` is what trace-vmscan-postprocess.pl of
// Documentation/trace/postprocess reads, whose patterns are older than both kernels (zid=, may_writepage=,
// classzone_idx=, mm_vmscan_writepage).
//
// For Perfetto, which knows no vmscan event in text, the same is said in its words (tracing_mark_write): direct reclaim as
// slices named mm_vmscan_direct_reclaim, and at most once a millisecond of simulated time the curves of free pages,
// watermarks and list sizes. sched_switch draws kswapd0.
//
// Simulated time zero is the machine's boot. A task is named by its comm and pid; kernel threads have the pids 40 and
// up. A page's address is not known and printed as zeros. Lines that begin with # say which program, configuration and
// input it was.
//
// Source: include/trace/events/vmscan.h, kmem.h, sched.h and kernel/trace/trace_output.c, Linux 5.8 and 6.1.
#pragma once

#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/task_name.hpp>
#include <pagesim/stat/trace_event.hpp>

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pagesim {

enum class ftrace_dialect : std::uint8_t { of_5_8, of_6_1, postprocess };

class ftrace_writer final : public trace_sink {
public:
    // Called with whole lines, some kilobytes at a time.
    using output = std::function<void(std::string_view)>;

    ftrace_writer(ftrace_dialect dialect, output out) : dialect_{dialect}, out_{std::move(out)} {}

    // Before the first step. The header; `about` is one line without its end. `m` outlives the writer's last event.
    void begin(const machine& m, std::string_view about);
    // What is left is written.
    void finish();

    void on(const trace_event& /*e*/) override {}
    void on(sim_time time, const tracepoint& t) override;

private:
    enum class context : std::uint8_t { plain, lock_held };
    struct throttle {
        std::uint32_t task;
        sim_time began;
        tracepoints::throttled point;
    };

    void write(const tracepoints::wakeup_kswapd& t);
    void write(const tracepoints::kswapd_wake& t);
    void write(const tracepoints::kswapd_sleep& t);
    void write(const tracepoints::direct_reclaim_begin& t);
    void write(const tracepoints::direct_reclaim_end& t);
    void write(const tracepoints::lru_isolate& t);
    void write(const tracepoints::lru_shrink_inactive& t);
    void write(const tracepoints::lru_shrink_active& t);
    void write(const tracepoints::write_page& t);
    void write(const tracepoints::shrink_slab_start& t);
    void write(const tracepoints::shrink_slab_end& t);
    void write(const tracepoints::throttled& t);
    void write(const tracepoints::page_alloc& t);
    void write(const tracepoints::page_free& t);
    void write(const tracepoints::sched_switch& t);
    void write(const tracepoints::scan_count& /*t*/) {}
    void write(const tracepoints::workingset_refault& /*t*/) {}
    void write(const tracepoints::observed& /*t*/) {}
    void write_throttled(const throttle& over);
    void write_counters();

    [[nodiscard]] task_name label(std::uint32_t task);
    [[nodiscard]] std::string pfn_text(std::uint64_t pfn) const; // decimal before 5.15
    void prefix(context c);
    template <typename... Args>
    void line(context c, fmt::format_string<Args...> text, const Args&... args) {
        prefix(c);
        fmt::vformat_to(std::back_inserter(buffer_), text, fmt::make_format_args(args...));
        buffer_.push_back('\n');
        if (buffer_.size() >= flush_at) flush();
    }
    void flush();

    static constexpr std::size_t flush_at = 1U << 16U;

    ftrace_dialect dialect_;
    output out_;
    const machine* machine_ = nullptr;
    fmt::memory_buffer buffer_;
    sim_time now_{};
    sim_time next_counters_{};
    std::uint32_t current_ = tracepoints::sched_switch::idle;
    std::vector<throttle> throttled_;             // who sleeps
    std::vector<std::optional<task_name>> names_; // by task, once asked for: a task keeps its name
    std::uint32_t line_of_ = ~std::uint32_t{1};   // the task whose beginning of a line is ready
    std::string line_begin_;
};

// kernel: show_gfp_flags(), the bits that are modelled.
[[nodiscard]] std::string gfp_names(std::uint64_t gfp);

} // namespace pagesim
