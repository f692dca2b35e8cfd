// SPDX-License-Identifier: MIT
#include "proc_directory.hpp"

#include "output.hpp"
#include "usage_error.hpp"
#include "word_file.hpp"

#include <pagesim/machine/proc_files.hpp>
#include <pagesim/machine/proc_machine.hpp>
#include <pagesim/machine/proc_pages.hpp>
#include <pagesim/machine/proc_pid.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <vector>

namespace pagesim::program {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 10> machine_files{"vmstat",       "meminfo",   "zoneinfo", "buddyinfo",
                                                         "pagetypeinfo", "swaps",     "uptime",   "stat",
                                                         "kpagecount",   "kpageflags"};
constexpr std::array<std::string_view, 10> process_files{"maps",    "smaps",        "smaps_rollup", "pagemap",
                                                         "status",  "stat",         "statm",        "comm",
                                                         "cmdline", "oom_score_adj"};
constexpr std::string_view snapshot_prefix = "at-";
constexpr std::string_view partial = ".partial";

// ---- what an earlier run left

bool is_pid(std::string_view name) {
    return !name.empty() && name.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<fs::path> directories_in(const fs::path& dir) {
    std::vector<fs::path> out;
    std::error_code ignored;
    for (const fs::directory_entry& e : fs::directory_iterator{dir, ignored}) {
        if (!e.is_symlink(ignored) && e.is_directory(ignored)) out.push_back(e.path());
    }
    return out;
}

// Errors do not matter: a directory that holds something else stays.
void remove_snapshot_in(const fs::path& dir) {
    std::error_code ignored;
    for (const std::string_view name : machine_files) fs::remove(dir / name, ignored);
    for (const fs::path& sub : directories_in(dir)) {
        if (!is_pid(sub.filename().string())) continue;
        for (const std::string_view name : process_files) fs::remove(sub / name, ignored);
        fs::remove(sub, ignored);
    }
}

void remove_earlier_run(const fs::path& dir) {
    remove_snapshot_in(dir);
    for (const fs::path& sub : directories_in(dir)) {
        const std::string name = sub.filename().string();
        if (name != partial && !name.starts_with(snapshot_prefix)) continue;
        remove_snapshot_in(sub);
        std::error_code ignored;
        fs::remove(sub, ignored);
    }
}

// ---- writing

void make_directory(const fs::path& dir) {
    std::error_code error;
    fs::create_directory(dir, error);
    if (error) throw program_error{fmt::format("{}: can't be made: {}", dir.string(), error.message())};
}

// Gives what is whole its name. A directory in which somebody else keeps something takes ours beside that.
void publish(const fs::path& from, const fs::path& to) {
    std::error_code error;
    if (fs::is_directory(from, error) && fs::is_directory(to, error)) {
        std::vector<fs::path> inside;
        for (const fs::directory_entry& e : fs::directory_iterator{from}) inside.push_back(e.path());
        for (const fs::path& one : inside) publish(one, to / one.filename());
        fs::remove(from, error);
        return;
    }
    fs::rename(from, to, error);
    if (error) throw program_error{fmt::format("{}: can't be made: {}", to.string(), error.message())};
}

// A word a frame.
void write_frames(const fs::path& file, const machine_parts& m,
                  void (*read)(const machine_parts&, pfn, std::span<std::uint64_t>)) {
    constexpr std::uint64_t chunk = 8192;
    word_file out{file.string()};
    std::vector<std::uint64_t> words;
    const std::uint64_t frames = m.frames.size().value;
    for (std::uint64_t n = 0; n < frames; n += chunk) {
        words.assign(std::min(chunk, frames - n), 0);
        read(m, pfn{n}, words);
        const bool all_zero = std::all_of(words.begin(), words.end(), [](auto w) { return w == 0; });
        if (!all_zero) out.put(n, words);
    }
    out.finish(frames);
}

void write_pagemap(const fs::path& file, const machine_parts& m, const mm* space) {
    word_file out{file.string()};
    if (space != nullptr) {
        for_each_pagemap_entry(m, *space, [&out](vpn n, std::uint64_t entry) { out.put(raw(n), entry); });
    }
    out.finish(space == nullptr ? 0 : raw(pagemap_end(*space)));
}

void write_process(const fs::path& dir, const machine_parts& m, const workload_task& p) {
    make_directory(dir);
    const auto put = [&dir](std::string_view name, const std::string& text) {
        write_file((dir / name).string(), text);
    };
    const mm* const space = proc_mm(p);
    put("maps", space == nullptr ? "" : format_maps(m, *space));
    put("smaps", space == nullptr ? "" : format_smaps(m, *space));
    put("smaps_rollup", space == nullptr ? "" : format_smaps_rollup(m, *space));
    write_pagemap(dir / "pagemap", m, space);
    put("status", format_pid_status(p));
    put("stat", format_pid_stat(p));
    put("statm", format_pid_statm(p));
    put("comm", std::string{p.name()} + '\n');
    put("cmdline", space == nullptr ? "" : std::string{p.name()} + '\0');
    put("oom_score_adj", fmt::format("{}\n", p.oom_score_adj()));
}

void write_machine(const fs::path& dir, const machine& m) {
    make_directory(dir);
    const auto put = [&dir](std::string_view name, const std::string& text) {
        write_file((dir / name).string(), text);
    };
    const machine_parts& parts = m.parts();
    put("vmstat", format_vmstat(parts.snapshot(), parts.config.profile.vmstat));
    put("meminfo", format_meminfo(parts, committed_pages(m)));
    put("zoneinfo", format_zoneinfo(parts));
    put("buddyinfo", format_buddyinfo(parts.home));
    put("pagetypeinfo", format_pagetypeinfo(parts.home));
    put("swaps", format_swaps(parts));
    put("uptime", format_uptime(m));
    put("stat", format_stat(m));
    write_frames(dir / "kpageflags", parts, read_kpageflags);
    write_frames(dir / "kpagecount", parts, read_kpagecount);
    for (const workload_task* p : m.processes()) {
        if (has_proc_entry(*p)) write_process(dir / fmt::format("{}", p->pid()), parts, *p);
    }
}

// All or nothing.
void write_partial(const fs::path& dir, const machine& m) {
    try {
        write_machine(dir, m);
    } catch (const program_error&) {
        remove_snapshot_in(dir);
        std::error_code ignored;
        fs::remove(dir, ignored);
        throw;
    }
}

// "at-000002s", "at-000002.500s": as many digits as the interval needs.
std::string snapshot_name(sim_time due, sim_duration every) {
    constexpr std::uint64_t second = 1'000'000'000;
    std::string fraction = fmt::format(".{:09}", due.ns % second);
    std::size_t digits = 9;
    for (std::uint64_t unit = 1000; digits > 0 && every.ns % unit == 0; unit *= 1000) digits -= 3;
    fraction.resize(digits == 0 ? 0 : digits + 1);
    return fmt::format("{}{:06}{}s", snapshot_prefix, due.ns / second, fraction);
}

} // namespace

proc_directory::proc_directory(const std::string& path, sim_duration every) : path_{path}, every_{every} {
    if (path_.empty()) return;
    std::error_code error;
    fs::create_directories(path_, error);
    if (!error) {
        remove_earlier_run(path_);
        fs::create_directory(path_ / partial, error); // whether we may write
    }
    if (error) throw usage_error{fmt::format("--proc: {}: can't be written to: {}", path, error.message())};
    fs::remove(path_ / partial, error);
    if (every.ns > 0) due_ = sim_time{} + every;
}

void proc_directory::take_snapshot(const machine& m) {
    const std::uint64_t turn = m.now().ns / every_.ns;
    due_ = sim_time{} + every_ * (turn + 1);
    try {
        write_partial(path_ / partial, m);
        publish(path_ / partial, path_ / snapshot_name(sim_time{} + every_ * turn, every_));
    } catch (const program_error& e) {
        failure_ = e.what();
        due_ = never;
        fmt::print(stderr, "pagesim: {}; no more snapshots are taken\n", failure_);
    }
}

void proc_directory::finish(const machine& m) {
    if (path_.empty()) return;
    write_partial(path_ / partial, m);
    publish(path_ / partial, path_);
    if (!failure_.empty()) throw program_error{fmt::format("a snapshot is missing: {}", failure_)};
}

} // namespace pagesim::program
