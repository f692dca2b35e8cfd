// SPDX-License-Identifier: MIT
// Files through the page cache, one sentence each.
#include <support/script.hpp>

#include <pagesim/machine/machine.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace pagesim {
namespace {

using testing::script;
constexpr std::uint64_t base = 0x1000; // where files are mapped: aligned to 64 KiB

class files : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    files() { config.profile = *GetParam(); }

    // Runs the program; the next one starts from nothing.
    void run() {
        m = std::make_unique<machine>(config);
        m->start(*stream);
        for (int n = 0; m->step(); ++n) {
            if (n % 256 == 0) m->check_consistency();
        }
        m->parts().batches.lru_add_drain();
        m->check_consistency();
    }
    [[nodiscard]] std::uint64_t count(vm_item i) const { return m->stat()[i]; }
    [[nodiscard]] page& page_of(std::uint64_t index) {
        page* p = m->parts().cache.find(m->parts().cache.file(1), index);
        EXPECT_NE(p, nullptr) << index;
        return *p;
    }
    [[nodiscard]] bool is_6_1() const { return GetParam() == &linux_6_1; }

    machine_config config = machine_with(page_count{1024});
    std::unique_ptr<script> stream = std::make_unique<script>();
    script& program = *stream;
    std::unique_ptr<machine> m;
};

TEST_P(files, a_page_read_once_is_inactive_and_one_read_twice_is_active) {
    program.file("f", 100).pread("f", 0).pread("f", 50).pread("f", 0);
    run();
    EXPECT_TRUE(page_of(0).test(page_flag::active));
    EXPECT_FALSE(page_of(50).test(page_flag::active));
    EXPECT_TRUE(page_of(50).test(page_flag::referenced));
    EXPECT_FALSE(page_of(1).test(page_flag::referenced)) << "read ahead, never wanted";
}

TEST_P(files, a_page_read_again_at_once_through_one_descriptor_counts_once_in_6_1) {
    program.file("f", 100).pread("f", 9).pread("f", 9);
    run();
    EXPECT_FALSE(page_of(9).test(page_flag::active)) << "in 5.8 and 5.10 the read goes on where it ended";
    EXPECT_TRUE(page_of(9).test(page_flag::referenced));
}

TEST_P(files, a_page_written_many_times_stays_inactive_and_is_never_read) {
    program.file("f", 100).pwrite("f", 7).pwrite("f", 50).pwrite("f", 7).pwrite("f", 50);
    run();
    EXPECT_FALSE(page_of(7).test(page_flag::active));
    EXPECT_FALSE(page_of(7).test(page_flag::referenced));
    EXPECT_TRUE(page_of(7).test(page_flag::dirty));
    EXPECT_TRUE(page_of(7).test(page_flag::private_)) << "it has buffers";
    EXPECT_EQ(page_of(7).refcount(), 2) << "the cache's and the buffers'";
    EXPECT_EQ(count(vm_item::pgpgin), 0U);
    EXPECT_EQ(count(vm_item::nr_dirty), 2U);
    EXPECT_EQ(count(vm_item::nr_dirtied), 2U);
}

TEST_P(files, a_sequential_read_of_single_pages_reads_ahead_4_8_16_and_then_32) {
    program.file("f", 1000);
    for (std::uint64_t n = 0; n < 13; ++n) program.pread("f", n);
    run();
    EXPECT_EQ(m->parts().cache.file(1).nrpages(), 60U) << "4 + 8 + 16 + 32";
    EXPECT_TRUE(page_of(28).test(page_flag::readahead));
    EXPECT_FALSE(page_of(12).test(page_flag::readahead)) << "the reader came by";
}

TEST_P(files, a_cold_mapped_read_counts_two_faults_and_one_major_fault) {
    program.file("f", 1000).map("f", base, 1000).read(base + 500);
    run();
    EXPECT_EQ(count(vm_item::pgfault), 2U) << "the fault gives up its lock to read, and starts again";
    EXPECT_EQ(count(vm_item::pgmajfault), 1U);
    EXPECT_EQ(m->parts().cache.file(1).nrpages(), 32U) << "read around: 16 before it, 16 from it on";
    EXPECT_EQ(count(vm_item::nr_mapped), 15U) << "fault-around: 496 to 511, but for the marker's page";
}

TEST_P(files, fault_around_maps_sixteen_cached_pages_at_one_fault) {
    program.file("f", 1000).pread("f", 0, 64).map("f", base, 1000);
    program.read(base + 40).read(base + 33).read(base + 47);
    run();
    EXPECT_EQ(count(vm_item::pgfault), 1U);
    EXPECT_EQ(count(vm_item::pgmajfault), 0U);
    EXPECT_EQ(count(vm_item::nr_mapped), 16U);
    EXPECT_FALSE(page_of(40).test(page_flag::active)) << "a fault is no mark";
}

TEST_P(files, touching_the_readahead_marker_of_a_mapped_file_counts_its_fault_twice) {
    program.file("f", 1000).map("f", base, 1000).read(base + 500).read(base + 508);
    run();
    EXPECT_EQ(count(vm_item::pgfault), 4U);
    EXPECT_EQ(count(vm_item::pgmajfault), 1U) << "its page was there";
    EXPECT_GT(m->parts().cache.file(1).nrpages(), 32U);
}

TEST_P(files, the_first_store_to_a_shared_page_dirties_it_once) {
    program.file("f", 1000).pread("f", 0, 16).map("f", base, 1000);
    program.write(base + 3).write(base + 3).read(base + 4).write(base + 4);
    run();
    EXPECT_EQ(count(vm_item::nr_dirtied), 2U);
    EXPECT_TRUE(page_of(3).test(page_flag::dirty) && page_of(3).test(page_flag::private_));
    EXPECT_EQ(page_of(3).refcount(), 3) << "cache, buffers, descriptor";
    // Store, read with fault-around, store to a page that fault-around made readable. Older kernels try a fault again
    // that dirtied a page.
    EXPECT_EQ(count(vm_item::pgfault), is_6_1() ? 3U : 5U);
    EXPECT_EQ(count(vm_item::pgreuse), GetParam() == &linux_5_8 ? 0U : 1U);
}

TEST_P(files, an_access_beyond_the_end_of_the_file_ends_the_task_by_a_bus_error) {
    program.file("f", 20).map("f", base, 30).read(base + 5).read(base + 20);
    run();
    EXPECT_EQ(m->workload().outcome(), run_outcome::bus_error);
    EXPECT_EQ(raw(m->workload().fault_address()), base + 20);
    EXPECT_EQ(count(vm_item::nr_mapped), 0U) << "it gave everything back";
}

TEST_P(files, a_device_that_answers_later_is_waited_for) {
    config.files.device = file_device::flash;
    program.file("f", 1000).pread("f", 0).map("f", base, 1000).read(base + 500);
    run();
    EXPECT_TRUE(page_of(500).test(page_flag::uptodate));
    EXPECT_GE(m->now() - sim_time{}, microseconds(200)) << "one read each";
    EXPECT_EQ(count(vm_item::pgfault), 2U);
    EXPECT_EQ(count(vm_item::pgpgin), (4U + 32U) * 4);
}

TEST_P(files, an_evicted_page_that_returns_is_a_refault) {
    program.file("f", 2000).pread("f", 0, 2000).pread("f", 0);
    run();
    EXPECT_GE(count(vm_item::pgsteal_file), 1000U);
    EXPECT_EQ(count(vm_item::workingset_refault_file), 4U) << "the window of its first page";
}

TEST_P(files, an_evicted_page_that_is_overwritten_is_none) {
    program.file("f", 2000).pread("f", 0, 2000).pwrite("f", 0);
    run();
    EXPECT_GE(count(vm_item::pgsteal_file), 1000U);
    EXPECT_EQ(count(vm_item::workingset_refault_file), 0U);
}

TEST_P(files, leaves_that_hold_only_shadows_are_forgotten_oldest_first_beyond_an_eighth_of_memory) {
    program.file("f", 30'000).pread("f", 0, 30'000);
    run();
    const mapping& f = m->parts().cache.file(1);
    EXPECT_GT(count(vm_item::workingset_nodereclaim), 50U);
    EXPECT_EQ(count(vm_item::workingset_nodereclaim), count(vm_item::slabs_scanned));
    EXPECT_GE(count(vm_item::workingset_nodes), 128U) << "1024 / 8";
    EXPECT_LT(count(vm_item::workingset_nodes), 128U + 256U) << "half of what is too much, in batches of 128";
    EXPECT_TRUE(f.slot(0).empty());
    EXPECT_TRUE(f.slot(28'000).is_value());
}

std::string kernel_name(const ::testing::TestParamInfo<const kernel_profile*>& kernel) {
    std::string name = "linux_" + std::string{kernel.param->name};
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(kernels, files, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1), kernel_name);

} // namespace
} // namespace pagesim
