// SPDX-License-Identifier: MIT
// The whole machine under random programs: after each step of its loop every structure is recounted. List sizes are
// the counters, map counts the descriptors found by walking, every frame is in one place, the TLB holds what the tables
// say (machine::check_consistency). Beside that: who is resident or in swap lies in a range that is mapped, a process
// that was killed has given everything back, and the clock never goes back.
#pragma once

#include <property/machine_operations.hpp>

#include <support/property.hpp>

#include <array>

namespace pagesim::testing::on_machine {

class world : public complaints {
public:
    world(const setup& s, const std::vector<operation>& operations)
        : program_{operations}, machine_{config(s)} {
        machine_.start(program_);
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
        const workload_task& task = machine_.workload();
        const std::uint64_t used = task.space().anon_pages + task.space().swap_entries;
        const bool killed = task.outcome() == run_outcome::out_of_memory;
        expect(killed || task.outcome() == run_outcome::finished, "the program ended otherwise");
        if (killed) {
            expect_equal("pages that a killed process keeps", used, 0U);
        } else if (used > program_.mapped()) {
            complain(fmt::format("{} pages are resident or in swap, {} are mapped", used, program_.mapped()));
        }
        expect(unused_slots() <= 2 * swap_space::slot_cache_size, "swap slots are lost");
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

    program program_;
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
