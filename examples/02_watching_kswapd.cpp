// SPDX-License-Identifier: MIT
// Free pages against the watermarks while a process writes twice as much as fits into memory: a line every 2 ms.
//
// Free memory falls as the process touches new pages. At `low` an allocation wakes kswapd (K: it used the CPU in that
// interval), which swaps out until free memory is above `high`; meanwhile the process goes on allocating, and when it
// gets down to `min` it must reclaim by itself (D).
#include <pagesim/machine/machine.hpp>

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace pagesim;

constexpr vpn first_page{0x10000};
constexpr std::uint64_t pages = 16'000;

// Writes to each page of a large region once.
class writer final : public access_stream {
public:
    stream_item next() override {
        if (!std::exchange(mapped_, true)) return op_anon{"region", first_page, page_count{pages}};
        if (!records_.empty()) return end_of_stream{};
        for (std::uint64_t i = 0; i < pages; ++i) {
            records_.emplace_back(first_page + i, run_writes::first, instruction_role::time_only, 500, 1);
        }
        return access_block{records_};
    }
    [[nodiscard]] stream_counts counts() const override { return {}; }

private:
    bool mapped_ = false;
    std::vector<access_record> records_;
};

// One line: the bar of free pages with the three marks in it.
void draw(const machine& m, const zone& z, sim_duration kswapd_before, std::uint64_t stalls_before) {
    constexpr std::uint64_t pages_per_column = 8;
    constexpr std::size_t width = 64;
    std::string bar(width, ' ');
    for (std::size_t i = 0; i < width && i < z.nr_free_pages() / pages_per_column; ++i) bar[i] = '=';
    for (const std::uint64_t mark : {z.wmarks().min, z.wmarks().low, z.wmarks().high}) {
        bar.at(mark / pages_per_column) = '|';
    }
    const bool kswapd = m.kswapd().cpu_time > kswapd_before;
    const bool direct = m.stat()[vm_item::allocstall_movable] > stalls_before;
    fmt::print("{:5.0f} ms {:5} free {} {}{}\n", static_cast<double>(m.now().ns) / 1e6, z.nr_free_pages(),
               bar, kswapd ? 'K' : ' ', direct ? 'D' : ' ');
}

} // namespace

int main() {
    machine_config config = machine_with(page_count{8192}); // 32 MiB
    config.swap.device = swap_device::zram;
    config.memory.watermark_boost_factor = 0; // a boost would move the marks for a while
    writer workload;
    machine m{config};
    m.start(workload);
    const zone& z = m.parts().home.zones().front();
    fmt::print("watermarks: min {} low {} high {}; a column is 8 pages\n", z.wmarks().min, z.wmarks().low,
               z.wmarks().high);

    // From the moment when free memory comes into the picture, a line every 2 ms, forty of them.
    sim_time next_line{};
    sim_duration kswapd_before{};
    std::uint64_t stalls_before = 0;
    for (int lines = 0; lines < 40 && m.step();) {
        if (m.now() < next_line || (next_line == sim_time{} && z.nr_free_pages() > 400)) continue;
        draw(m, z, kswapd_before, stalls_before);
        kswapd_before = m.kswapd().cpu_time;
        stalls_before = m.stat()[vm_item::allocstall_movable];
        next_line = m.now() + milliseconds(2);
        ++lines;
    }
    m.run();
    fmt::print("\nkswapd ran {} times and freed {} pages; the process freed {} in {} direct reclaims\n",
               m.stat()[vm_item::pageoutrun], m.stat()[vm_item::pgsteal_kswapd],
               m.stat()[vm_item::pgsteal_direct], m.stat()[vm_item::allocstall_movable]);
    return 0;
}
