// SPDX-License-Identifier: MIT
#include <pagesim/machine/oom_killer.hpp>

#include <pagesim/machine/process.hpp>

#include <algorithm>

namespace pagesim {

std::optional<std::int64_t> oom_badness(const oom_candidate& p, page_count total, oom_score rule) {
    if (!p.has_mm || p.is == oom_candidate::state::reaped || p.oom_score_adj == oom_score_adj_min)
        return std::nullopt;
    const auto used = static_cast<std::int64_t>(p.rss() + p.swap_entries + p.table_pages);
    const std::int64_t points = used + p.oom_score_adj * static_cast<std::int64_t>(total.value / 1000);
    return rule == oom_score::at_least_one ? std::max<std::int64_t>(points, 1) : points;
}

oom_choice select_bad_process(std::span<const oom_candidate> processes, page_count total, oom_score rule) {
    using state = oom_candidate::state;
    oom_choice chosen;
    for (std::size_t i = 0; i < processes.size(); ++i) {
        const oom_candidate& p = processes[i];
        if (p.is == state::dead_victim) continue;
        if (p.is == state::victim) return {.what = oom_choice::verdict::wait_for_victim};
        const std::optional<std::int64_t> points = oom_badness(p, total, rule);
        if (!points) continue;
        if (chosen.what == oom_choice::verdict::process && *points < chosen.points) continue;
        chosen = {.what = oom_choice::verdict::process, .index = i, .points = *points};
    }
    return chosen;
}

} // namespace pagesim
