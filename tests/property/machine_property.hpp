// SPDX-License-Identifier: MIT
// The whole machine under random programs, up to three at a time: after each step of its loop every structure is
// recounted. List sizes are the counters, map counts the descriptors found by walking, every frame is in one place, the
// TLB holds what the tables say (machine::check_consistency). Beside that: who is resident or in swap lies in a range
// that is mapped, a process that was killed has given everything back, and the clock never goes back.
#pragma once

#include <property/machine_operations.hpp>

#include <support/property.hpp>

#include <array>
#include <deque>

namespace pagesim::testing::on_machine {

class world : public complaints {
public:
    world(const setup& s, const std::vector<operation>& operations) : machine_{config(s)} {
        for (unsigned n = 0; n < s.processes; ++n) {
            access_stream& own = programs_.emplace_back(operations_of(s, n, operations));
            if (n == 0) {
                machine_.start(own);
            } else {
                machine_.add_process(own, {.oom_score_adj = n == 1 ? s.adj : 0});
            }
        }
    }
    // Runs to the end, or to the first complaint; returns the number of steps.
    std::uint64_t run() {
        std::uint64_t steps = 0;
        for (bool more = true; more && content(); ++steps) {
            const sim_time before = machine_.now();
            more = machine_.step();
            expect(machine_.now() >= before, "the clock went back");
            machine_.check_consistency();
        }
        at_the_end();
        return steps;
    }

private:
    void at_the_end() {
        for (std::size_t n = 0; n < programs_.size(); ++n)
            at_the_end_of(*machine_.processes()[n], programs_[n]);
        // In a panic every process stops where it is.
        const bool settled = machine_.panicked() || unused_slots() <= 2 * swap_space::slot_cache_size;
        expect(settled, "swap slots are lost");
    }

    void at_the_end_of(const workload_task& task, const program& program) {
        const std::uint64_t used = task.space().rss() + task.space().swap_entries;
        const run_outcome outcome = task.outcome();
        const bool killed = outcome == run_outcome::oom_killed;
        expect(killed || outcome == run_outcome::finished || machine_.panicked(),
               "the program ended otherwise");
        if (task.gone()) {
            expect_equal("pages that a process keeps which is gone", used, 0U);
        } else if (used > program.mapped()) {
            complain(fmt::format("{} pages are resident or in swap, {} are mapped", used, program.mapped()));
        }
        expect(task.gone() || !killed || machine_.panicked(), "a killed process is not gone");
    }

    // Slots in use that no descriptor names and no page holds: only the two slot caches may have them.
    [[nodiscard]] std::uint64_t unused_slots() const {
        const swap_space& swap = machine_.parts().swap;
        std::uint64_t n = 0;
        for (std::uint8_t type = 0; type < swap.nr_swapfiles(); ++type) {
            const swap_area& area = swap.area(type);
            for (std::uint64_t slot = 1; slot < area.max(); ++slot) {
                const bool held = area.count(slot) > 0 || swap.lookup({slot, type}) != nullptr;
                if (area.map(slot) != 0 && !held) ++n;
            }
        }
        return n;
    }

    std::deque<program> programs_; // stable addresses
    machine machine_;
};

inline played play(const setup& s, const std::vector<operation>& operations) {
    world w{s, operations};
    const std::uint64_t steps = w.run();
    return {w.complaint(), steps};
}

struct property {
    static constexpr property_names names{"machine", "on_machine", "property/machine_property.hpp"};
    static thrown_case thrown(dice& d) { return on_machine::thrown(d); }
    static played play(const setup& s, const std::vector<operation>& o) { return on_machine::play(s, o); }
    static std::string code(const setup& s) { return on_machine::code(s); }
    static std::string code(const operation& o) { return on_machine::code(o); }
    static auto numbers(operation& o) { return std::array{&o.range, &o.pages, &o.gap, &o.writes}; }
};

} // namespace pagesim::testing::on_machine
