// SPDX-License-Identifier: MIT
// A device that fails: what was to be written stays in memory, who needs what can't be read ends with a bus error, and
// nothing else is lost.
#include <support/kernels.hpp>
#include <support/small_machine.hpp>

#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/report.hpp>
#include <pagesim/workload/ops.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using testing::small_machine;

class failing_swap : public ::testing::TestWithParam<swap_device> {
protected:
    failing_swap() : m{a_machine().with_swap_on(GetParam()).with_page_cluster(0).build()} {}

    // Unmapped, with a slot, written as far as the device lets.
    page& write_out(std::uint64_t n) {
        page& p = m->written(n);
        m->age(n);
        m->isolate(p);
        scan_control sc;
        m->judge(p, sc);
        m->complete_io();
        m->parts.batches.lru_add_drain();
        return p;
    }

    std::unique_ptr<small_machine> m;
};

TEST_P(failing_swap, a_failed_write_leaves_the_page_dirty_in_memory_and_on_its_list) {
    m->parts.io->failures().add({.direction = io_direction::write, .first_request = 0, .end_request = 1});
    page& p = write_out(1);
    EXPECT_TRUE(p.test(page_flag::dirty) && p.test(page_flag::swapcache) && p.test(page_flag::lru));
    EXPECT_TRUE(p.test(page_flag::error));
    EXPECT_FALSE(p.test(page_flag::writeback) || p.test(page_flag::reclaim) || p.test(page_flag::locked));
    EXPECT_EQ(m->parts.stat[vm_item::pgrotated], 0U);
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_writeback], 0U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_zone_write_pending], 0U);
    m->check();
    // Its owner finds it where it was, without I/O.
    EXPECT_EQ(m->touch(1, access_kind::read), fault_outcome::resolved);
    EXPECT_EQ(&m->page_at(1), &p);
    EXPECT_EQ(m->parts.stat[vm_item::pswpin], 0U);
    m->check();
}

TEST_P(failing_swap, the_next_scan_writes_it_again) {
    m->parts.io->failures().add({.direction = io_direction::write, .first_request = 0, .end_request = 1});
    page& p = write_out(1);
    const swap_entry e = swap_space::entry_of(p);
    m->isolate(p);
    scan_control sc;
    m->judge(p, sc);
    m->complete_io();
    m->parts.batches.lru_add_drain();
    EXPECT_EQ(m->parts.stat[vm_item::pswpout], 2U);
    if (GetParam() == swap_device::flash) {
        EXPECT_FALSE(p.test(page_flag::dirty));
        m->isolate(p);
        EXPECT_EQ(m->judge(p, sc), why::reclaimed);
    }
    EXPECT_EQ(m->parts.swap.lookup(e), nullptr) << "written and gone";
    EXPECT_EQ(m->touch(1, access_kind::read), fault_outcome::resolved);
    m->check();
}

TEST_P(failing_swap, a_failed_read_is_a_bus_error_and_the_slot_stays) {
    m->written(1);
    m->swap_out(1);
    const swap_entry e = entry_in(m->entry(1), linux_6_1.swap_pte);
    m->parts.io->failures().add({.direction = io_direction::read});
    EXPECT_EQ(m->touch(1, access_kind::read), fault_outcome::bus_error);
    EXPECT_TRUE(m->entry(1).is_swap());
    EXPECT_EQ(m->parts.swap.count(e), 1U);
    EXPECT_EQ(m->parts.stat[vm_item::pgmajfault], 1U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_anon_pages], 0U);
    m->parts.batches.lru_add_drain();
    m->check();
    EXPECT_EQ(m->touch(1, access_kind::write), fault_outcome::bus_error) << "and so is every further access";
    m->check();
}

TEST_P(failing_swap, other_pages_are_read_as_ever) {
    for (std::uint64_t n = 1; n <= 3; ++n) {
        m->written(n);
        m->swap_out(n);
    }
    const std::uint64_t slot = m->entry(2).swap_entry().offset;
    m->parts.io->failures().add({.direction = io_direction::read, .first_page = slot, .end_page = slot + 1});
    EXPECT_EQ(m->touch(1, access_kind::read), fault_outcome::resolved);
    EXPECT_EQ(m->touch(2, access_kind::read), fault_outcome::bus_error);
    EXPECT_EQ(m->touch(3, access_kind::read), fault_outcome::resolved);
    m->parts.batches.lru_add_drain();
    m->check();
}

std::string device_of(const ::testing::TestParamInfo<swap_device>& info) {
    return info.param == swap_device::zram ? "zram" : "flash";
}
INSTANTIATE_TEST_SUITE_P(devices, failing_swap, ::testing::Values(swap_device::zram, swap_device::flash),
                         device_of);

// A run on a device that fails reads from the 20th on, of some kernel.
class failing_run : public ::testing::TestWithParam<const kernel_profile*> {};

// Writes 800 pages and reads them again.
class pass_over final : public access_stream {
public:
    stream_item next() override {
        switch (at_++) {
        case 0: return op_anon{"a", vpn{0x1000}, page_count{800}};
        case 1: return touch(run_writes::first);
        case 2: return touch(run_writes::none);
        default: return end_of_stream{};
        }
    }
    [[nodiscard]] stream_counts counts() const override { return {}; }

private:
    stream_item touch(run_writes w) {
        records_.clear();
        for (std::uint64_t n = 0; n < 800; ++n)
            records_.emplace_back(vpn{0x1000 + n}, w, instruction_role::fetched_here, 0, 1);
        return access_block{records_};
    }
    unsigned at_ = 0;
    std::vector<access_record> records_;
};

TEST_P(failing_run, the_task_ends_and_gives_everything_back) {
    for (const swap_device device : {swap_device::zram, swap_device::flash}) {
        machine_config c = machine_with(page_count{450});
        c.profile = *GetParam();
        c.swap.device = device;
        c.swap.pages = page_count{2000};
        c.swap.failures = {{.direction = io_direction::read, .first_request = 20}};
        pass_over stream;
        machine m{c};
        m.start(stream);
        m.run();
        m.check_consistency();
        EXPECT_EQ(m.workload().outcome(), run_outcome::bus_error);
        EXPECT_EQ(outcome_name(m.workload().outcome()), "bus_error");
        EXPECT_NE(describe_outcome(m.workload()).find("bus error"), std::string::npos);
        EXPECT_EQ(m.stat()[vm_item::nr_anon_pages], 0U);
        EXPECT_EQ(m.stat()[vm_item::oom_kill], 0U);
    }
}

TEST_P(failing_run, with_failing_writes_nothing_is_lost) {
    for (const swap_device device : {swap_device::zram, swap_device::flash}) {
        machine_config c = machine_with(page_count{450});
        c.profile = *GetParam();
        c.swap.device = device;
        c.swap.pages = page_count{2000};
        // Every write of a stretch fails, and some more in between.
        c.swap.failures = {{.direction = io_direction::write, .first_page = 600, .end_page = 640},
                           {.direction = io_direction::write, .first_request = 5, .end_request = 12}};
        pass_over stream;
        machine m{c};
        m.start(stream);
        m.run();
        m.check_consistency();
        EXPECT_EQ(m.workload().outcome(), run_outcome::finished);
        EXPECT_EQ(m.workload().space().anon_pages + m.workload().space().swap_entries, 800U);
    }
}

INSTANTIATE_TEST_SUITE_P(kernels, failing_run, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1),
                         kernel_of);

} // namespace
} // namespace pagesim
