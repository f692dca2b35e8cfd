// SPDX-License-Identifier: MIT
// The whole machine under random programs: random ranges, touches, unmaps and sleeps under pressure, with every
// structure recounted after each step of the program. On failure the assertion names the page, and the seed and the
// number of the step are printed.
#include <pagesim/machine/machine.hpp>

#include <pagesim/base/dice.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace pagesim {
namespace {

// A random process: at most four ranges of up to 900 pages.
class random_program final : public access_stream {
public:
    random_program(std::uint64_t seed, std::uint64_t steps) : dice_{seed}, steps_{steps} {}

    stream_item next() override {
        if (steps_ == 0) return end_of_stream{};
        --steps_;
        const std::uint64_t choice = dice_.below(100);
        if (ranges_.empty() || (choice < 6 && ranges_.size() < 4)) return map_range();
        if (choice < 9) return unmap_range();
        if (choice < 12) return op_sleep{microseconds(dice_.below(20'000))};
        if (choice < 13) return op_mark{"m"};
        return touch();
    }
    [[nodiscard]] stream_counts counts() const override { return {}; }

private:
    stream_item map_range() {
        const std::uint64_t first = next_first_;
        const std::uint64_t pages = dice_.between(1, 900);
        next_first_ += pages + dice_.below(1000);
        ranges_[first] = pages;
        return op_anon{"r", vpn{first}, page_count{pages}};
    }
    stream_item unmap_range() {
        auto it = ranges_.begin();
        std::advance(it, static_cast<std::ptrdiff_t>(dice_.below(ranges_.size())));
        const op_unmap op{"r", vpn{it->first}, page_count{it->second}};
        ranges_.erase(it);
        return op;
    }
    stream_item touch() {
        auto it = ranges_.begin();
        std::advance(it, static_cast<std::ptrdiff_t>(dice_.below(ranges_.size())));
        records_.clear();
        const std::uint64_t start = dice_.below(it->second);
        const std::uint64_t n = dice_.between(1, 200);
        const bool sequential = dice_.ratio(1, 2);
        for (std::uint64_t i = 0; i < n; ++i) {
            const std::uint64_t page = sequential ? (start + i) % it->second : dice_.below(it->second);
            records_.emplace_back(vpn{it->first + page}, static_cast<run_writes>(dice_.below(4)),
                                  instruction_role::fetched_here, dice_.below(200), 1);
        }
        return access_block{records_};
    }

    dice dice_;
    std::uint64_t steps_;
    std::uint64_t next_first_ = 0x1000;
    std::map<std::uint64_t, std::uint64_t> ranges_;
    std::vector<access_record> records_;
};

machine_config random_machine(dice& d) {
    machine_config c = machine_with(page_count{d.between(512, 1400)});
    switch (d.below(4)) {
    case 0: c.swap.device = swap_device::zram; break;
    case 1: c.swap.device = swap_device::none; break;
    default: c.swap.device = swap_device::flash; break;
    }
    c.swap.pages = page_count{d.between(200, 6000)};
    c.swap.flash.latency = microseconds(d.between(1, 3000));
    c.swap.flash.queue_depth = static_cast<unsigned>(d.between(1, 64));
    c.swap.flash.bytes_per_second = d.ratio(1, 2) ? 0 : 100'000'000;
    c.swap.zram.compressed_bytes = static_cast<std::uint32_t>(d.between(1, 4096));
    c.reclaim.swappiness = static_cast<unsigned>(d.below(201));
    c.reclaim.page_cluster = static_cast<unsigned>(d.below(6));
    c.cpu = d.ratio(1, 2) ? cortex_a72 : neoverse_n1;
    c.seed = d.next();
    return c;
}

void run_one(std::uint64_t seed, std::uint64_t& checked) {
    dice d{seed};
    random_program program{d.next(), 60};
    machine m{random_machine(d)};
    m.start(program);
    std::uint64_t step = 0;
    for (bool more = true; more; ++step) {
        more = m.step();
        // Recounting everything is slow: after a random tenth of the steps, and at the end.
        if (more && !d.ratio(1, 10)) continue;
        m.check_consistency();
        ++checked;
    }
}

TEST(machine_property, random_programs_leave_every_structure_consistent) {
    const char* seconds_text = std::getenv("PAGESIM_PROPERTY_SECONDS");
    const char* seed_text = std::getenv("PAGESIM_PROPERTY_SEED");
    const double seconds = seconds_text == nullptr ? 1.0 : std::atof(seconds_text);
    std::uint64_t seed = seed_text == nullptr ? 1 : std::strtoull(seed_text, nullptr, 10);
    const auto began = std::chrono::steady_clock::now();
    std::uint64_t checked = 0;
    std::uint64_t programs = 0;
    do {
        ::testing::Test::RecordProperty("seed", std::to_string(seed));
        std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
        std::fflush(stdout);
        run_one(seed, checked);
        ++seed;
        ++programs;
    } while (std::chrono::steady_clock::now() - began < std::chrono::duration<double>{seconds});
    std::printf("%llu programs, %llu checks\n", static_cast<unsigned long long>(programs),
                static_cast<unsigned long long>(checked));
    EXPECT_GT(checked, programs);
}

} // namespace
} // namespace pagesim
