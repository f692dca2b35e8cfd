// SPDX-License-Identifier: MIT
#include "live_view.hpp"

#include <pagesim/machine/report.hpp>
#include <pagesim/machine/task_name.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace pagesim::program {

namespace {

constexpr std::size_t bar_width = 40;

// 950, 12.3k, 4.56M.
std::string short_number(double n) {
    if (n >= 1e6) return fmt::format("{:.2f}M", n / 1e6);
    if (n >= 1e4) return fmt::format("{:.1f}k", n / 1e3);
    return fmt::format("{:.0f}", n);
}

std::string bar(std::uint64_t part, std::uint64_t all, char mark) {
    const std::uint64_t filled = all == 0 ? 0 : std::min<std::uint64_t>(part * bar_width / all, bar_width);
    return std::string(filled, mark) + std::string(bar_width - filled, ' ');
}

// Free pages, with the watermarks as m, l and h on the bar.
std::string zone_line(const zone& z) {
    const std::uint64_t managed = z.managed().value;
    std::string line = bar(z.nr_free_pages(), managed, '=');
    for (const auto& [level, letter] :
         {std::pair{wmark_level::high, 'h'}, {wmark_level::low, 'l'}, {wmark_level::min, 'm'}}) {
        if (managed > 0) line[std::min(z.wmark_pages(level) * bar_width / managed, bar_width - 1)] = letter;
    }
    return fmt::format("  free {:<12} [{}] {:>9}  min {} low {} high {}\n", zone_name(z.type()), line,
                       z.nr_free_pages(), z.wmark_pages(wmark_level::min), z.wmark_pages(wmark_level::low),
                       z.wmark_pages(wmark_level::high));
}

} // namespace

live_moment moment_of(const machine& m, std::chrono::duration<double> host) {
    return {.time = m.now(), .stat = m.stat(), .accesses = totals_of(m).accesses, .host = host};
}

std::string live_text(const machine& m, const live_moment& before, const live_moment& now, double done) {
    const double simulated = static_cast<double>((now.time - before.time).ns) / 1e9;
    const double host = (now.host - before.host).count();
    const auto rate = [&](vm_item i) {
        const auto n = static_cast<double>(now.stat.raw(i) - before.stat.raw(i));
        return short_number(simulated > 0 ? n / simulated : 0);
    };
    std::string out =
        fmt::format("{:>12.6f} s simulated   {} accesses, {} a second of the host{}\n",
                    static_cast<double>(now.time.ns) / 1e9, now.accesses,
                    short_number(host > 0 ? static_cast<double>(now.accesses - before.accesses) / host : 0),
                    done < 0 ? "" : fmt::format("   {:.0f} %", done * 100));
    for (const zone& z : m.parts().home.zones()) out += zone_line(z);
    std::uint64_t all = 0;
    for (unsigned l = 0; l < nr_lru_lists; ++l) all += m.parts().lru.size(static_cast<lru_list>(l));
    for (unsigned l = 0; l < nr_lru_lists; ++l) {
        const auto list = static_cast<lru_list>(l);
        out += fmt::format("  {:<17} [{}] {:>9}\n", lru_list_name(list),
                           bar(m.parts().lru.size(list), all, '#'), m.parts().lru.size(list));
    }
    out += "  by simulated second      kswapd     direct\n";
    out += fmt::format("    scanned            {:>10} {:>10}    faults  {:>10}   major {:>10}\n",
                       rate(vm_item::pgscan_kswapd), rate(vm_item::pgscan_direct), rate(vm_item::pgfault),
                       rate(vm_item::pgmajfault));
    out += fmt::format("    reclaimed          {:>10} {:>10}    swap in {:>10}   out   {:>10}\n",
                       rate(vm_item::pgsteal_kswapd), rate(vm_item::pgsteal_direct), rate(vm_item::pswpin),
                       rate(vm_item::pswpout));
    out += fmt::format("    refaults anon {}, file {}\n", rate(vm_item::workingset_refault_anon),
                       rate(vm_item::workingset_refault_file));
    return out;
}

live_view::live_view(bool wanted) : visible_{wanted && isatty(STDERR_FILENO) != 0} {}

void live_view::draw(const machine& m, double done) {
    const auto now = std::chrono::steady_clock::now();
    next_ = now + std::chrono::milliseconds{200};
    const live_moment moment = moment_of(m, now - began_);
    const std::string text = live_text(m, before_, moment, done);
    before_ = moment;
    std::string out = lines_ == 0 ? "" : fmt::format("\033[{}A", lines_);
    for (std::size_t at = 0; at < text.size();) { // what the last view left of a line goes
        const std::size_t end = text.find('\n', at);
        out += text.substr(at, end - at) + "\033[K\n";
        at = end + 1;
    }
    lines_ = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n'));
    std::fwrite(out.data(), 1, out.size(), stderr);
    std::fflush(stderr);
}

void live_view::finish(const machine& m) {
    if (visible_) draw(m, -1);
}

} // namespace pagesim::program
