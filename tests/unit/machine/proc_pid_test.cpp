// SPDX-License-Identifier: MIT
// smaps, maps and pagemap of processes whose every page is known; the layout against files in tests/golden.
#include <pagesim/machine/proc_pid.hpp>

#include <pagesim/process/madvise.hpp>
#include <support/golden.hpp>
#include <support/kernels.hpp>
#include <support/processes.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::expect_golden;
using testing::kernel_of;
using testing::process;
using testing::processes;

constexpr vpn a{0x2000};
constexpr std::uint64_t whole = page_size << pss_shift;

class proc_pid : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    proc_pid()
        : m{a_machine()
                .with_profile(*GetParam())
                .with_swap_on(swap_device::flash)
                .with_page_cluster(0)
                .config()},
          p{m.start()} {
        p.map_at(raw(a), 16);
    }
    ~proc_pid() override { m.check(); }

    [[nodiscard]] mem_size_stats stats(const process& q, vpn n) const {
        return smap_gather_stats(m.parts, *q.range_at(n));
    }
    [[nodiscard]] mem_size_stats all_of(const process& q) const {
        mem_size_stats sum;
        for (const vma& v : q.space().vmas()) sum += smap_gather_stats(m.parts, v);
        return sum;
    }
    [[nodiscard]] std::uint64_t entry(const process& q, vpn n) const {
        return pagemap_entry(m.parts, q.entry(n));
    }
    vpn map_file(file_kind kind, sharing s) {
        return p.map({.pages = page_count{8}, .kind = s, .file = m.file(8, kind).id});
    }
    void advise_free(vpn first, std::uint64_t pages) {
        advise_cursor c;
        m.finish([&] { return advise(m.parts.fc, p.space(), advice::free, first, first + pages, c); });
        m.drain();
    }

    processes m;
    process& p;
};

// ---- smaps

TEST_P(proc_pid, rss_and_swap_are_the_mms_and_pss_adds_up_to_the_frames_in_use) {
    p.fill(a, 16);
    const vpn f = map_file(file_kind::regular, sharing::shared);
    static_cast<void>(p.write(f));
    const vpn s = map_file(file_kind::shmem, sharing::shared);
    p.fill(s, 3);
    process& child = m.fork(p);
    process& grandchild = m.fork(child);
    child.fill(a + 4, 4);
    static_cast<void>(grandchild.read(s));
    m.swap_out(p.page_at(a + 1));
    std::uint64_t pss = 0;
    for (const process* q : {&p, &child, &grandchild}) {
        const mem_size_stats sum = all_of(*q);
        EXPECT_EQ(sum.resident, q->space().rss() * page_size);
        EXPECT_EQ(sum.swap, q->space().swap_entries * page_size);
        EXPECT_EQ(sum.anonymous, q->space().anon_pages * page_size);
        EXPECT_EQ(sum.shared_clean + sum.shared_dirty + sum.private_clean + sum.private_dirty, sum.resident);
        EXPECT_EQ(sum.pss_anon + sum.pss_file + sum.pss_shmem, sum.pss);
        pss += sum.pss;
    }
    std::uint64_t frames = 0;
    for (std::uint64_t n = 0; n < m.parts.frames.size().value; ++n)
        frames += m.parts.frames[pfn{n}].mapped() ? 1 : 0;
    EXPECT_GT(frames, 20U);
    EXPECT_LE(pss, frames * whole);
    EXPECT_GT(pss + frames * 3, frames * whole) << "nothing but what thirds cut off is lost";
}

TEST_P(proc_pid, a_page_that_others_map_too_is_shared_and_counts_in_part) {
    p.fill(a, 1);
    EXPECT_EQ(stats(p, a).private_dirty, page_size);
    EXPECT_EQ(stats(p, a).pss, whole);
    process& child = m.fork(p);
    EXPECT_EQ(stats(p, a).private_dirty, 0U);
    EXPECT_EQ(stats(p, a).shared_dirty, page_size);
    EXPECT_EQ(stats(child, a).pss, whole / 2);
    EXPECT_EQ(stats(child, a).pss_dirty, whole / 2);
    m.fork(p);
    EXPECT_EQ(stats(child, a).pss, whole / 3) << "cut off";
}

TEST_P(proc_pid, a_page_is_dirty_by_its_descriptor_or_by_itself) {
    const vpn f = map_file(file_kind::regular, sharing::shared);
    static_cast<void>(p.read(f));
    const std::uint64_t clean = stats(p, f).private_clean;
    EXPECT_EQ(clean, 8 * page_size) << "fault-around";
    p.page_at(f).set(page_flag::dirty);
    EXPECT_EQ(stats(p, f).private_dirty, page_size);
    p.page_at(f).clear(page_flag::dirty);
    p.fill(a, 1);
    EXPECT_FALSE(p.page_at(a).test(page_flag::dirty));
    EXPECT_EQ(stats(p, a).private_dirty, page_size);
    EXPECT_EQ(stats(p, a).private_clean, 0U);
}

TEST_P(proc_pid, referenced_is_what_is_young_or_was_found_young) {
    p.fill(a, 3);
    EXPECT_EQ(stats(p, a).referenced, 3 * page_size);
    static_cast<void>(m.parts.map.page_referenced(p.page_at(a)));
    EXPECT_EQ(stats(p, a).referenced, 2 * page_size);
    p.page_at(a).set(page_flag::referenced);
    EXPECT_EQ(stats(p, a).referenced, 3 * page_size);
}

TEST_P(proc_pid, what_was_advised_to_be_freed_is_lazyfree_until_it_is_written) {
    p.fill(a, 4);
    advise_free(a, 3);
    EXPECT_EQ(stats(p, a).lazyfree, 3 * page_size);
    EXPECT_EQ(stats(p, a).anonymous, 4 * page_size);
    static_cast<void>(p.write(a + 1));
    EXPECT_EQ(stats(p, a).lazyfree, 2 * page_size);
}

TEST_P(proc_pid, a_locked_range_tells_how_much_of_it_is_locked) {
    p.fill(a, 2);
    EXPECT_EQ(stats(p, a).pss_locked, 0U);
    p.lock(a, 16);
    EXPECT_EQ(stats(p, a).pss_locked, 16 * whole);
}

TEST_P(proc_pid, the_zero_page_is_nobodys_memory) {
    static_cast<void>(p.read(a));
    EXPECT_EQ(stats(p, a).resident, 0U);
    EXPECT_EQ(entry(p, a), pagemap_bit::present | raw(m.parts.fc.zero_page));
}

TEST_P(proc_pid, a_slot_of_swap_is_shared_out_among_those_who_name_it) {
    p.fill(a, 2);
    process& child = m.fork(p);
    m.swap_out(p.page_at(a));
    EXPECT_EQ(stats(p, a).swap, page_size);
    EXPECT_EQ(stats(p, a).swap_pss, whole / 2);
    static_cast<void>(child.write(a));
    EXPECT_EQ(stats(child, a).swap, 0U);
    EXPECT_EQ(stats(p, a).swap_pss, whole);
}

TEST_P(proc_pid, shared_memory_in_swap_is_swap_without_a_share) {
    const vpn s = map_file(file_kind::shmem, sharing::shared);
    p.fill(s, 3);
    m.swap_out(p.page_at(s + 1));
    EXPECT_FALSE(p.entry(s + 1).present());
    EXPECT_EQ(stats(p, s).swap, page_size);
    EXPECT_EQ(stats(p, s).swap_pss, 0U);
    // A private range of the same has its own copy of page 1, and sees page 2 there.
    const std::uint32_t file = p.range_at(s)->file;
    const vpn mine = p.map({.pages = page_count{8}, .file = file});
    static_cast<void>(p.write(mine + 1));
    m.drain();
    m.swap_out(p.page_at(s + 2));
    EXPECT_EQ(stats(p, mine).swap, page_size) << "page 2";
    EXPECT_EQ(stats(p, mine).anonymous, page_size);
}

// ---- pagemap

TEST_P(proc_pid, pagemap_has_the_documented_bits) {
    p.fill(a, 3);
    const auto frame = [&](vpn n) { return raw(p.entry(n).frame()); };
    EXPECT_EQ(entry(p, a), 0x8100'0000'0000'0000U | frame(a));
    const vpn f = map_file(file_kind::regular, sharing::shared);
    static_cast<void>(p.read(f));
    EXPECT_EQ(entry(p, f), 0xa100'0000'0000'0000U | frame(f));
    process& child = m.fork(p);
    static_cast<void>(child.read(f));
    EXPECT_EQ(entry(p, a), 0x8000'0000'0000'0000U | frame(a));
    EXPECT_EQ(entry(p, f), 0xa000'0000'0000'0000U | frame(f));
    EXPECT_EQ(entry(p, a + 5), 0U);
    const swap_pte_layout layout = m.parts.config.profile.swap_pte;
    EXPECT_EQ(pagemap_entry(m.parts, descriptor::swap({.offset = 0x1234, .type = 1}, layout)),
              0x4000'0000'0002'4681U);
}

TEST_P(proc_pid, pagemap_has_an_entry_for_each_descriptor_in_the_order_of_addresses) {
    p.fill(a, 5);
    p.map_at(raw(a) + 1000, 4);
    static_cast<void>(p.read(a + 1002));
    m.swap_out(p.page_at(a + 3));
    std::vector<std::pair<vpn, std::uint64_t>> seen;
    for_each_pagemap_entry(m.parts, p.space(), [&](vpn n, std::uint64_t e) { seen.emplace_back(n, e); });
    ASSERT_EQ(seen.size(), 6U);
    for (const auto& [n, e] : seen) EXPECT_EQ(e, entry(p, n));
    EXPECT_EQ(seen[3].first, a + 3);
    EXPECT_EQ(seen[3].second >> 62U, 1U) << "swapped, not present";
    EXPECT_EQ(seen[5].first, a + 1002);
    EXPECT_EQ(pagemap_end(p.space()), a + 1004);
}

// ---- text

// One range of each kind, in swap and in memory.
TEST_P(proc_pid, smaps_and_maps_have_the_kernels_layout) {
    p.fill(a, 6);
    p.lock(a + 8, 4);
    p.protect(a + 12, 4, {vm_flag::read, vm_flag::exec});
    p.brk(3);
    p.fill(vpn_of(p.space().start_brk), 2);
    mapping& named = m.parts.cache.create("data/table", page_count{8}, file_kind::regular);
    const std::uint32_t file = m.parts.cache.open(named).id;
    const vpn f = p.map({.pages = page_count{6}, .kind = sharing::shared, .file = file, .pgoff = 2});
    static_cast<void>(p.write(f));
    p.map({.pages = page_count{8}, .access = vm_flag::read, .file = file});
    const vpn s = map_file(file_kind::shmem, sharing::shared);
    p.fill(s, 3);
    const vpn stack = p.map(2);
    p.range_at(stack)->flags.set(vm_flag::growsdown);
    p.fill(stack, 1);
    m.fork(p);
    m.swap_out(p.page_at(a + 1));
    m.swap_out(p.page_at(s));
    const std::string suffix = '_' + std::string{GetParam()->name} + ".txt";
    expect_golden(format_smaps(m.parts, p.space()), "smaps" + suffix);
    expect_golden(format_smaps_rollup(m.parts, p.space()), "smaps_rollup" + suffix);
    if (GetParam() == &linux_6_1) expect_golden(format_maps(m.parts, p.space()), "maps.txt");
}

INSTANTIATE_TEST_SUITE_P(kernels, proc_pid, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1),
                         kernel_of);

} // namespace
} // namespace pagesim
