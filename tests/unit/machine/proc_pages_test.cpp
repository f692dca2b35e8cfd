// SPDX-License-Identifier: MIT
// kpageflags and kpagecount, against machines whose every frame is known.
#include <pagesim/machine/proc_pages.hpp>

#include <support/kernels.hpp>
#include <support/processes.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using testing::process;
using testing::processes;

constexpr vpn first_page{100};

class kpages : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    kpages()
        : m{a_machine().with_profile(*GetParam()).with_swap_on(swap_device::flash).config()}, p{m.start()} {
        p.map_at(raw(first_page), 64);
    }
    ~kpages() override { m.check(); }

    [[nodiscard]] std::uint64_t bits(const page& q) const {
        return stable_page_flags(m.parts, m.parts.frames.pfn_of(q));
    }
    [[nodiscard]] std::vector<std::uint64_t> all_flags() const {
        std::vector<std::uint64_t> out(m.parts.frames.size().value);
        read_kpageflags(m.parts, pfn{0}, out);
        return out;
    }
    [[nodiscard]] std::uint64_t frames_with(kpf f) const {
        std::uint64_t n = 0;
        for (const std::uint64_t w : all_flags()) n += (w & bit_of(f)) != 0 ? 1 : 0;
        return n;
    }
    // What 6.1 shows of a page that is its process's alone.
    [[nodiscard]] std::uint64_t exclusive() const {
        return GetParam()->reuse == anon_reuse::by_exclusive_mark ? 1ULL << 34U : 0;
    }

    processes m;
    process& p;
};

TEST_P(kpages, an_anonymous_page_is_uptodate_lru_mmap_anon_and_swapbacked) {
    p.fill(first_page, 1);
    page& q = p.page_at(first_page);
    q.clear(page_flag::active);
    EXPECT_EQ(bits(q), 0x5828U | exclusive()) << "dirty is known to the descriptor alone";
    q.set(page_flag::active);
    EXPECT_EQ(bits(q), 0x5868U | exclusive());
    q.set(page_flag::referenced);
    EXPECT_EQ(bits(q), 0x586cU | exclusive());
    if (GetParam()->birth == new_anon_list::inactive) q.clear(page_flag::active);
}

TEST_P(kpages, a_page_under_writeback_is_in_the_swap_cache_and_is_owner_private_too) {
    p.fill(first_page, 1);
    page& q = p.page_at(first_page);
    static_cast<void>(m.parts.map.page_referenced(q));
    if (q.test(page_flag::active)) {
        m.parts.lru.del_page(q);
        q.clear(page_flag::active);
        m.parts.lru.add_page(q);
    }
    static_cast<void>(m.judge(q));
    const std::uint64_t swapcache = bit_of(kpf::swapcache) | bit_of(kpf::owner_private);
    const std::uint64_t writeback = bit_of(kpf::writeback) | bit_of(kpf::reclaim);
    EXPECT_EQ(bits(q) & (swapcache | writeback), swapcache | writeback);
    EXPECT_EQ(bits(q) & (bit_of(kpf::mmap) | bit_of(kpf::anon)), bit_of(kpf::anon)) << "mapped by nobody";
    m.complete_io();
}

TEST_P(kpages, a_locked_page_is_unevictable_and_mlocked) {
    p.fill(first_page, 4);
    p.lock(first_page, 4);
    m.drain();
    const std::uint64_t locked = bit_of(kpf::mlocked) | bit_of(kpf::unevictable);
    EXPECT_EQ(bits(p.page_at(first_page)) & locked, locked);
    EXPECT_EQ(frames_with(kpf::mlocked), 4U);
}

TEST_P(kpages, every_frame_of_a_free_block_is_buddy_and_no_other) {
    p.fill(first_page, 64);
    p.unmap(first_page + 5, 20);
    EXPECT_EQ(frames_with(kpf::buddy), m.count(vm_item::nr_free_pages));
    for (const std::uint64_t w : all_flags())
        EXPECT_TRUE((w & bit_of(kpf::buddy)) == 0 || w == bit_of(kpf::buddy)) << w;
}

TEST_P(kpages, tables_that_the_kernel_counts_are_marked) {
    p.fill(first_page, 1);
    p.map_at(raw(first_page) + (1U << 18U), 1);
    p.fill(first_page + (1U << 18U), 1);
    EXPECT_EQ(frames_with(kpf::pgtable), m.count(vm_item::nr_page_table_pages));
    EXPECT_GT(m.count(vm_item::nr_page_table_pages), 1U);
}

TEST_P(kpages, a_file_page_is_not_anonymous_and_the_count_is_that_of_its_descriptors) {
    const vpn f =
        p.map({.pages = page_count{8}, .kind = sharing::shared, .file = m.file(8, file_kind::regular).id});
    static_cast<void>(p.read(f));
    m.drain();
    process& child = m.fork(p);
    static_cast<void>(child.read(f));
    page& q = p.page_at(f);
    EXPECT_EQ(kpagecount(m.parts, m.parts.frames.pfn_of(q)), 2U);
    EXPECT_EQ(bits(q) & (bit_of(kpf::mmap) | bit_of(kpf::anon) | bit_of(kpf::swapbacked)), bit_of(kpf::mmap));
}

TEST_P(kpages, the_counts_are_those_of_the_descriptors) {
    p.fill(first_page, 30);
    process& child = m.fork(p);
    child.fill(first_page, 10);
    std::vector<std::uint64_t> counts(m.parts.frames.size().value);
    read_kpagecount(m.parts, pfn{0}, counts);
    std::vector<std::uint64_t> walked(counts.size());
    for (const process* q : {&p, &child}) {
        q->space().table().for_each_leaf(first_page, first_page + 64, [&](vpn /*n*/, std::uint64_t word) {
            if (const descriptor d{word}; d.present()) ++walked[raw(d.frame())];
        });
    }
    EXPECT_EQ(counts, walked);
    EXPECT_EQ(counts[raw(m.parts.frames.pfn_of(p.page_at(first_page + 20)))], 2U);
}

TEST_P(kpages, the_zero_page_says_so_and_so_do_the_frames_that_boot_kept) {
    static_cast<void>(p.read(first_page));
    EXPECT_EQ(stable_page_flags(m.parts, m.parts.fc.zero_page),
              bit_of(kpf::zero_page) | bit_of(kpf::reserved));
    EXPECT_EQ(kpagecount(m.parts, m.parts.fc.zero_page), 0U);
    machine_config c = machine_with(page_count{1024});
    c.zones.front().present = page_count{1100};
    testing::silent_waker wakes;
    const machine_parts parts{c, wakes, nullptr};
    EXPECT_EQ(stable_page_flags(parts, pfn{0}), bit_of(kpf::reserved));
    EXPECT_EQ(stable_page_flags(parts, pfn{75}), bit_of(kpf::reserved));
    EXPECT_NE(stable_page_flags(parts, pfn{76}), bit_of(kpf::reserved));
}

INSTANTIATE_TEST_SUITE_P(kernels, kpages, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1), kernel_of);

} // namespace
} // namespace pagesim
