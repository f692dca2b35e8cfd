// SPDX-License-Identifier: MIT
#include <pagesim/stat/vmscan_log.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace pagesim {

namespace {

constexpr std::array<std::string_view, vmscan_log::nr_lists> list_names{
    "inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable"};
constexpr std::string_view prefix = "mm_vmscan_";

constexpr std::size_t index_of(vmscan_log::kind k) { return static_cast<std::size_t>(k); }
constexpr std::size_t anon = index_of(vmscan_log::kind::anon);
constexpr std::size_t file = index_of(vmscan_log::kind::file);

// RECLAIM_WB_FILE or RECLAIM_WB_ANON, and perhaps more.
std::optional<std::size_t> kind_of(const ftrace_line& line) {
    const auto flags = line.text("flags");
    if (!flags) return std::nullopt;
    if (flags->find("RECLAIM_WB_FILE") != std::string_view::npos) return file;
    if (flags->find("RECLAIM_WB_ANON") != std::string_view::npos) return anon;
    return std::nullopt;
}

std::optional<std::size_t> list_of(const ftrace_line& line) {
    const auto name = line.text("lru");
    if (!name) return std::nullopt;
    const auto* at = std::find(list_names.begin(), list_names.end(), *name);
    if (at == list_names.end()) return std::nullopt;
    return static_cast<std::size_t>(at - list_names.begin());
}

// The numbers of a line. Whether one was missing is asked in the end.
class numbers {
public:
    explicit numbers(const ftrace_line& line) : line_{line} {}
    std::uint64_t operator()(std::string_view name) {
        const auto n = line_.number(name);
        complete_ = complete_ && n.has_value();
        return n.value_or(0);
    }
    // One that not every kernel tells.
    [[nodiscard]] std::uint64_t or_zero(std::string_view name) const {
        return line_.number(name).value_or(0);
    }
    [[nodiscard]] bool complete() const { return complete_; }

private:
    const ftrace_line& line_;
    bool complete_ = true;
};

bool add_isolated(const ftrace_line& line, vmscan_log::task& t) {
    numbers n{line};
    const auto list = list_of(line);
    const vmscan_log::isolated more{
        .calls = 1, .scanned = n("nr_scanned"), .skipped = n.or_zero("nr_skipped"), .taken = n("nr_taken")};
    if (!list || !n.complete()) return false;
    vmscan_log::isolated& sum = t.lists[*list];
    sum.calls += more.calls;
    sum.scanned += more.scanned;
    sum.skipped += more.skipped;
    sum.taken += more.taken;
    return true;
}

void add(vmscan_log::shrunk& sum, const vmscan_log::shrunk& more) {
    sum.calls += more.calls;
    sum.scanned += more.scanned;
    sum.reclaimed += more.reclaimed;
    sum.writeback += more.writeback;
    sum.immediate += more.immediate;
    sum.activated += more.activated;
    sum.kept += more.kept;
    sum.unmap_failed += more.unmap_failed;
}

void add(vmscan_log::aged& sum, const vmscan_log::aged& more) {
    sum.taken += more.taken;
    sum.kept += more.kept;
    sum.deactivated += more.deactivated;
}

bool add_shrunk(const ftrace_line& line, vmscan_log::task& t) {
    numbers n{line};
    const auto kind = kind_of(line);
    const std::uint64_t priority = n("priority");
    const vmscan_log::shrunk more{.calls = 1,
                                  .scanned = n("nr_scanned"),
                                  .reclaimed = n("nr_reclaimed"),
                                  .writeback = n("nr_writeback"),
                                  .immediate = n("nr_immediate"),
                                  .activated = n.or_zero("nr_activate_anon") + n.or_zero("nr_activate_file"),
                                  .kept = n("nr_ref_keep"),
                                  .unmap_failed = n("nr_unmap_fail")};
    if (!kind || !n.complete() || priority >= vmscan_log::nr_priorities) return false;
    add(t.inactive[*kind][priority], more);
    return true;
}

bool add_aged(const ftrace_line& line, vmscan_log::task& t) {
    numbers n{line};
    const auto kind = kind_of(line);
    const std::uint64_t priority = n("priority");
    const vmscan_log::aged more{
        .taken = n("nr_taken"), .kept = n("nr_active"), .deactivated = n("nr_deactivated")};
    if (!kind || !n.complete() || priority >= vmscan_log::nr_priorities) return false;
    add(t.active[*kind][priority], more);
    return true;
}

bool add_written(const ftrace_line& line, vmscan_log::task& t) {
    const auto kind = kind_of(line);
    if (kind) ++t.written[*kind];
    return kind.has_value();
}

bool add_throttled(const ftrace_line& line, vmscan_log::task& t) {
    auto us = line.number("usect_delayed"); // as the kernel spells it
    if (!us) us = line.number("usec_delayed");
    const auto reason = line.text("reason");
    if (!us || !reason) return false;
    vmscan_log::throttled& sum = t.throttles[std::string{*reason}];
    ++sum.times;
    sum.us += *us;
    return true;
}

bool end_direct_reclaim(const ftrace_line& line, vmscan_log::task& t) {
    const auto reclaimed = line.number("nr_reclaimed");
    if (!reclaimed) return false;
    ++t.ended;
    t.direct_reclaimed += *reclaimed;
    if (t.since && *t.since <= line.us) t.latencies.push_back(line.us - *t.since);
    t.since.reset();
    return true;
}

// "... cache items 32 delta 12 total_scan 12 priority 9" ends in "total_scan N last shrinker return val M".
bool add_slab(const ftrace_line& line, vmscan_log::task& t) {
    constexpr std::string_view result = "last shrinker return val ";
    const std::size_t at = line.fields.find(result);
    if (at == std::string_view::npos) return false;
    const std::string_view word = line.fields.substr(at + result.size());
    std::uint64_t n = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), n).ec != std::errc{}) return false;
    t.slab_scanned += n;
    return true;
}

} // namespace

std::uint64_t vmscan_log::task::scanned() const { return lists[0].scanned + lists[2].scanned; }
std::uint64_t vmscan_log::task::refilled() const { return lists[1].scanned + lists[3].scanned; }

std::uint64_t vmscan_log::task::reclaimed() const {
    std::uint64_t n = 0;
    for (const auto& of_kind : inactive) {
        for (const shrunk& s : of_kind) n += s.reclaimed;
    }
    return n;
}

std::uint64_t vmscan_log::task::deactivated() const {
    std::uint64_t n = 0;
    for (const auto& of_kind : active) {
        for (const aged& a : of_kind) n += a.deactivated;
    }
    return n;
}

void vmscan_log::task::add(const task& other) {
    for (std::size_t i = 0; i < nr_lists; ++i) {
        lists[i].calls += other.lists[i].calls;
        lists[i].scanned += other.lists[i].scanned;
        lists[i].skipped += other.lists[i].skipped;
        lists[i].taken += other.lists[i].taken;
    }
    for (std::size_t k = 0; k < nr_kinds; ++k) {
        written[k] += other.written[k];
        for (std::size_t i = 0; i < nr_priorities; ++i) {
            pagesim::add(inactive[k][i], other.inactive[k][i]);
            pagesim::add(active[k][i], other.active[k][i]);
        }
    }
    for (const auto& [reason, t] : other.throttles) {
        throttles[reason].times += t.times;
        throttles[reason].us += t.us;
    }
    wakeups += other.wakeups;
    wakes += other.wakes;
    sleeps += other.sleeps;
    begun += other.begun;
    ended += other.ended;
    direct_reclaimed += other.direct_reclaimed;
    slab_scanned += other.slab_scanned;
    latencies.insert(latencies.end(), other.latencies.begin(), other.latencies.end());
}

// "# entries-in-buffer/entries-written: 8773/98258   #P:1": the rest was overwritten.
void vmscan_log::take_comment(std::string_view line) {
    constexpr std::string_view entries = "entries-in-buffer/entries-written: ";
    const std::size_t at = line.find(entries);
    if (at == std::string_view::npos) return;
    const char* const end = line.data() + line.size();
    std::uint64_t kept = 0;
    std::uint64_t written = 0;
    const auto first = std::from_chars(line.data() + at + entries.size(), end, kept);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '/') return;
    if (std::from_chars(first.ptr + 1, end, written).ec != std::errc{}) return;
    if (written > kept) lost_ += written - kept;
}

std::string vmscan_log::take(std::string_view text) {
    if (text.find_first_not_of(" \t") == std::string_view::npos) return {};
    if (text.front() == '#') {
        take_comment(text);
        return {};
    }
    if (text.starts_with("CPU:")) { // "CPU:0 [LOST 1234 EVENTS]"
        constexpr std::string_view word = "[LOST ";
        const std::size_t at = text.find(word);
        std::uint64_t n = 0;
        if (at != std::string_view::npos &&
            std::from_chars(text.data() + at + word.size(), text.data() + text.size(), n).ec == std::errc{}) {
            lost_ += n;
            return {};
        }
    }
    if (text.starts_with("cpus=") || text.starts_with("version = "))
        return {}; // the head of trace-cmd report
    const auto line = parse_ftrace_line(text);
    if (!line) {
        ++bad_;
        return "this is not an event: task-pid [cpu] flags seconds: event: fields";
    }
    const bool of_slab = line->event.starts_with("mm_shrink_slab_");
    if (!line->event.starts_with(prefix) && !of_slab) {
        ++others_;
        return {};
    }
    if (!take_event(*line)) {
        ++bad_;
        return fmt::format("{} has not the fields that it has in Linux 5.8 to 6.12", line->event);
    }
    if (events_++ == 0) first_us_ = line->us;
    last_us_ = std::max(last_us_, line->us);
    return {};
}

bool vmscan_log::take_event(const ftrace_line& line) {
    task& t = tasks_[{std::string{line.comm}, line.pid}];
    if (line.event == "mm_shrink_slab_start") return true;
    if (line.event == "mm_shrink_slab_end") return add_slab(line, t);
    const std::string_view what = line.event.substr(prefix.size());
    if (what == "lru_isolate") return add_isolated(line, t);
    if (what == "lru_shrink_inactive") return add_shrunk(line, t);
    if (what == "lru_shrink_active") return add_aged(line, t);
    if (what == "writepage" || what == "write_folio") return add_written(line, t);
    if (what == "throttled") return add_throttled(line, t);
    if (what == "wakeup_kswapd") return ++t.wakeups > 0;
    if (what == "kswapd_wake") return ++t.wakes > 0;
    if (what == "kswapd_sleep") return ++t.sleeps > 0;
    if (what == "direct_reclaim_begin") {
        t.since = line.us;
        return ++t.begun > 0;
    }
    if (what == "direct_reclaim_end") return end_direct_reclaim(line, t);
    return true; // of memory cgroups and of one node: who it was and what was scanned is told by the others
}

vmscan_log::task vmscan_log::sum(bool kswapd) const {
    task all;
    for (const auto& [who, t] : tasks_) {
        if (who.is_kswapd() == kswapd) all.add(t);
    }
    return all;
}

std::vector<std::pair<std::string, std::uint64_t>> vmscan_log::counters() const {
    const task kswapd = sum(true);
    const task direct = sum(false);
    task all = kswapd;
    all.add(direct);
    std::array<shrunk, nr_kinds> inactive{};
    for (std::size_t k = 0; k < nr_kinds; ++k) {
        for (const shrunk& s : all.inactive[k]) pagesim::add(inactive[k], s);
    }
    return {{"pgscan_kswapd", kswapd.scanned()},
            {"pgscan_direct", direct.scanned()},
            {"pgscan_anon", all.lists[0].scanned},
            {"pgscan_file", all.lists[2].scanned},
            {"pgsteal_kswapd", kswapd.reclaimed()},
            {"pgsteal_direct", direct.reclaimed()},
            {"pgsteal_anon", inactive[anon].reclaimed},
            {"pgsteal_file", inactive[file].reclaimed},
            {"pgrefill", all.refilled()},
            {"pgdeactivate", all.deactivated()},
            {"nr_vmscan_write", all.written[anon] + all.written[file]},
            {"pageoutrun", all.wakes},
            {"allocstall", direct.begun}};
}

std::string_view vmscan_log::list_name(std::size_t list) { return list_names[list]; }

std::uint64_t percentile(const std::vector<std::uint64_t>& sorted, unsigned percent) {
    const std::size_t rank = (sorted.size() * percent + 99) / 100;
    return sorted[rank == 0 ? 0 : rank - 1];
}

} // namespace pagesim
