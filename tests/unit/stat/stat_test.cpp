// SPDX-License-Identifier: MIT
#include <pagesim/stat/fingerprint.hpp>
#include <pagesim/stat/vmstat.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace pagesim {
namespace {

TEST(vmstat, every_item_has_the_name_that_finds_it) {
    for (std::size_t i = 0; i < nr_vm_items; ++i) {
        const auto item = static_cast<vm_item>(i);
        EXPECT_EQ(vm_item_from_name(vm_item_name(item)), item) << vm_item_name(item);
    }
    EXPECT_EQ(vm_item_from_name("nr_nonsense"), std::nullopt);
}

TEST(vmstat, enumerators_and_names_agree) {
    EXPECT_EQ(vm_item_name(vm_item::nr_free_pages), "nr_free_pages");
    EXPECT_EQ(vm_item_name(vm_item::nr_zone_write_pending), "nr_zone_write_pending");
    EXPECT_EQ(vm_item_name(vm_item::numa_hit), "numa_hit");
    EXPECT_EQ(vm_item_name(vm_item::nr_inactive_anon), "nr_inactive_anon");
    EXPECT_EQ(vm_item_name(vm_item::workingset_restore_file), "workingset_restore_file");
    EXPECT_EQ(vm_item_name(vm_item::nr_vmscan_write), "nr_vmscan_write");
    EXPECT_EQ(vm_item_name(vm_item::nr_swapcached), "nr_swapcached");
    EXPECT_EQ(vm_item_name(vm_item::pswpout), "pswpout");
    EXPECT_EQ(vm_item_name(vm_item::allocstall_movable), "allocstall_movable");
    EXPECT_EQ(vm_item_name(vm_item::pgmajfault), "pgmajfault");
    EXPECT_EQ(vm_item_name(vm_item::pgreuse), "pgreuse");
    EXPECT_EQ(vm_item_name(vm_item::pgsteal_direct), "pgsteal_direct");
    EXPECT_EQ(vm_item_name(vm_item::pageoutrun), "pageoutrun");
    EXPECT_EQ(vm_item_name(vm_item::unevictable_pgs_stranded), "unevictable_pgs_stranded");
    EXPECT_EQ(vm_item_name(vm_item::swap_ra_hit), "swap_ra_hit");
    EXPECT_EQ(vm_item_name(vm_item::zswpout), "zswpout");
}

TEST(vmstat, the_text_has_a_line_for_each_item_and_ends_with_nr_unstable) {
    vmstat s;
    s.add(vm_item::pgfault, 7);
    const std::string text = format_vmstat(s);
    EXPECT_EQ(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')), nr_vm_items + 1);
    EXPECT_EQ(text.substr(0, 16), "nr_free_pages 0\n");
    EXPECT_NE(text.find("\npgfault 7\n"), std::string::npos);
    EXPECT_EQ(text.substr(text.size() - 14), "nr_unstable 0\n");
}

TEST(vmstat, a_gauge_below_zero_reads_as_zero) {
    vmstat s;
    s.add(vm_item::nr_free_pages, -3);
    EXPECT_EQ(s[vm_item::nr_free_pages], 0U);
    EXPECT_EQ(s.raw(vm_item::nr_free_pages), -3);
}

TEST(vmstat, events_are_cleared_and_gauges_stay) {
    vmstat s;
    for (std::size_t i = 0; i < nr_vm_items; ++i) s.set(static_cast<vm_item>(i), 5);
    s.clear_events();
    EXPECT_EQ(s[vm_item::nr_free_pages], 5U);
    EXPECT_EQ(s[vm_item::nr_anon_pages], 5U);
    EXPECT_EQ(s[vm_item::nr_vmscan_write], 0U);
    EXPECT_EQ(s[vm_item::nr_written], 0U);
    EXPECT_EQ(s[vm_item::pswpin], 0U);
    EXPECT_EQ(s[vm_item::workingset_refault_anon], 0U);
}

TEST(vmstat, two_can_be_subtracted) {
    vmstat before;
    before.add(vm_item::pgfault, 5);
    vmstat after = before;
    after.add(vm_item::pgfault, 2);
    EXPECT_EQ((after - before)[vm_item::pgfault], 2U);
}

std::uint64_t value_of(const trace_event& e) {
    fingerprint f;
    f.on(e);
    return f.value();
}

TEST(fingerprint, changes_with_every_field) {
    const trace_event e{sim_time{1}, trace_kind::judged, 2, 3};
    EXPECT_EQ(value_of(e), value_of(e));
    EXPECT_NE(value_of(e), value_of({sim_time{2}, trace_kind::judged, 2, 3}));
    EXPECT_NE(value_of(e), value_of({sim_time{1}, trace_kind::activate, 2, 3}));
    EXPECT_NE(value_of(e), value_of({sim_time{1}, trace_kind::judged, 9, 3}));
    EXPECT_NE(value_of(e), value_of({sim_time{1}, trace_kind::judged, 2, 9}));
}

TEST(fingerprint, changes_with_a_counter_and_is_the_same_everywhere) {
    fingerprint a;
    fingerprint b;
    vmstat s;
    a.counters(s);
    s.add(vm_item::pgfault);
    b.counters(s);
    EXPECT_NE(a.value(), b.value());
    EXPECT_EQ(value_of({sim_time{1}, trace_kind::fault, 2, 3}), 4222109642541573389ULL);
}

} // namespace
} // namespace pagesim
