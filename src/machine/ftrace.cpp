// SPDX-License-Identifier: MIT
#include <pagesim/machine/ftrace.hpp>

#include <pagesim/version.hpp>

#include <fmt/compile.h>

#include <algorithm>
#include <array>
#include <variant>

namespace pagesim {

namespace {

constexpr sim_duration counter_interval = milliseconds(1);

} // namespace

std::string gfp_names(std::uint64_t gfp) {
    struct named {
        std::uint64_t bits;
        std::string_view name;
    };
    // Larger sets first, as the kernel tries them.
    constexpr std::array<named, 14> names{
        {{gfp::highuser_movable.word(), "GFP_HIGHUSER_MOVABLE"},
         {gfp::kernel.word(), "GFP_KERNEL"},
         {(gfp::reclaim | gfp_flags{gfp_flag::io}).word(), "GFP_NOFS"},
         {gfp::noio.word(), "GFP_NOIO"},
         {gfp_flags{gfp_flag::highmem}.word(), "__GFP_HIGHMEM"},
         {gfp_flags{gfp_flag::high}.word(), "__GFP_HIGH"},
         {gfp_flags{gfp_flag::io}.word(), "__GFP_IO"},
         {gfp_flags{gfp_flag::fs}.word(), "__GFP_FS"},
         {gfp_flags{gfp_flag::nowarn}.word(), "__GFP_NOWARN"},
         {gfp_flags{gfp_flag::noretry}.word(), "__GFP_NORETRY"},
         {gfp_flags{gfp_flag::nomemalloc}.word(), "__GFP_NOMEMALLOC"},
         {gfp_flags{gfp_flag::reclaimable}.word(), "__GFP_RECLAIMABLE"},
         {gfp_flags{gfp_flag::movable}.word(), "__GFP_MOVABLE"},
         {gfp_flags{gfp_flag::direct_reclaim}.word(), "__GFP_DIRECT_RECLAIM"}}};
    std::string out;
    const auto add = [&out](std::string_view name) {
        if (!out.empty()) out += '|';
        out += name;
    };
    for (const named& n : names) {
        if ((gfp & n.bits) != n.bits) continue;
        add(n.name);
        gfp &= ~n.bits;
    }
    if ((gfp & gfp_flags{gfp_flag::kswapd_reclaim}.word()) != 0) add("__GFP_KSWAPD_RECLAIM");
    return out.empty() ? "none" : out;
}

void ftrace_writer::begin(const machine& m, std::string_view about) {
    machine_ = &m;
    fmt::format_to(std::back_inserter(buffer_), "# tracer: nop\n#\n# pagesim {}\n# {}\n#\n", version, about);
    if (dialect_ == ftrace_dialect::of_6_1) {
        fmt::format_to(std::back_inserter(buffer_),
                       "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
                       "#              | |         |   |||||     |         |\n");
    } else {
        fmt::format_to(std::back_inserter(buffer_),
                       "#           TASK-PID   CPU#  ||||   TIMESTAMP  FUNCTION\n"
                       "#              | |       |   ||||      |         |\n");
    }
}

void ftrace_writer::finish() { flush(); }

void ftrace_writer::flush() {
    if (buffer_.size() > 0) out_({buffer_.data(), buffer_.size()});
    buffer_.clear();
}

task_name ftrace_writer::label(std::uint32_t task) {
    if (task == tracepoints::sched_switch::idle) return name_of_task(*machine_, task);
    if (task >= names_.size()) names_.resize(task + 1);
    if (!names_[task]) names_[task] = name_of_task(*machine_, task);
    return *names_[task];
}

void ftrace_writer::prefix(context c) {
    const bool five = dialect_ == ftrace_dialect::of_6_1; // characters of flags
    if (line_of_ != current_) {
        const task_name w = label(current_);
        line_begin_ = fmt::format("{:>16}-{:<{}} [000] ", w.comm, w.pid, five ? 7 : 5);
        line_of_ = current_;
    }
    buffer_.append(line_begin_);
    const std::string_view flags =
        c == context::lock_held ? (five ? "d...." : "d...") : (five ? "....." : "....");
    buffer_.append(flags);
    const std::uint64_t us = now_.ns / 1000;
    fmt::format_to(std::back_inserter(buffer_), FMT_COMPILE(" {:>5}.{:06}: "), us / 1'000'000,
                   us % 1'000'000);
}

void ftrace_writer::on(sim_time time, const tracepoint& t) {
    if (machine_ == nullptr) return; // the machine is being made
    if (is_decision(t)) return;      // a kernel's log has no such line
    now_ = time;
    std::visit([this](const auto& point) { write(point); }, t);
    if (now_ >= next_counters_) write_counters();
}

void ftrace_writer::write_counters() {
    next_counters_ = now_ + counter_interval;
    const machine_parts& parts = machine_->parts();
    const std::uint32_t pid = label(current_).pid;
    const auto counter = [&](std::string_view name, std::uint64_t value) {
        line(context::plain, "tracing_mark_write: C|{}|{}|{}", pid, name, value);
    };
    const zone& z = parts.home.zones().back();
    counter("nr_free_pages", parts.home.nr_free_pages());
    counter("wmark_min", z.wmark_pages(wmark_level::min));
    counter("wmark_low", z.wmark_pages(wmark_level::low));
    counter("wmark_high", z.wmark_pages(wmark_level::high));
    for (unsigned l = 0; l < nr_lru_lists; ++l) {
        counter(fmt::format("nr_{}", lru_list_name(static_cast<lru_list>(l))),
                parts.lru.size(static_cast<lru_list>(l)));
    }
}

} // namespace pagesim
