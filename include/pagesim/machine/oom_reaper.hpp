// SPDX-License-Identifier: MIT
// oom_reaper: a kernel thread that takes the memory of victims of the OOM killer who are slow to die.
//
//     killed ── 2 s (5.8: at once) ──> still there? ──> oom_reap_mm ── could come in: done
//                                                           └─ the owner changes its ranges: again in 100 ms, ten times
//
// Either way the address space then counts as empty (mm_flag::oom_skip), so that the killer may look elsewhere. The
// last victim to come is the first to be served, as in the kernel.
//
// Source: oom_reap_task, queue_oom_reaper, wake_oom_reaper (mm/oom_kill.c). The two seconds end at a tick; the kernel's
// timer wheel rounds them up to 32 ms.
#pragma once

#include <pagesim/machine/oom_report.hpp>
#include <pagesim/machine/task.hpp>
#include <pagesim/process/oom_reap.hpp>

#include <vector>

namespace pagesim {

inline constexpr std::uint64_t oom_reaper_delay = 500; // jiffies; kernel: OOM_REAPER_DELAY
inline constexpr unsigned max_oom_reap_retries = 10;   // kernel: MAX_OOM_REAP_RETRIES

class oom_reaper_task final : public task, private event_target {
public:
    // `reports`: where what became of a victim is told.
    oom_reaper_task(std::uint32_t id, machine_parts& parts, std::vector<oom_report>& reports)
        : task{id}, parts_{parts}, reports_{reports} {
        asleep = true;
        waits_for = {.reason = wait_reason::oom_reaper_work};
    }

    // kernel: queue_oom_reaper(): once for each address space. `report`: that of its death, if there is one.
    void queue(mm& victim, std::optional<std::size_t> report);

    step_result step() override;
    [[nodiscard]] std::string_view name() const override { return "oom_reaper"; }

private:
    struct victim {
        mm* space;
        std::optional<std::size_t> report;
    };

    void on_event(sim_time due, std::uint64_t arg) override;
    void come_for(const victim& v);
    void tell(bool reaped);

    machine_parts& parts_;
    std::vector<oom_report>& reports_;
    std::vector<victim> delayed_; // the argument of a timer is the place here
    std::vector<victim> waiting_; // the last one first
    std::optional<victim> current_;
    reap_cursor cursor_;
    unsigned attempts_ = 0;
};

} // namespace pagesim
