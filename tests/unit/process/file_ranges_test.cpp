// SPDX-License-Identifier: MIT
// What system calls do to ranges that map a file.
#include <support/kernels.hpp>
#include <support/processes.hpp>

#include <pagesim/process/truncate.hpp>
#include <pagesim/process/writeback_calls.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::kernel_of;
using testing::process;
using testing::processes;

constexpr vm_flags read_only{vm_flag::read};
constexpr vm_flags read_write{vm_flag::read, vm_flag::write};

class ranges_of_files : public ::testing::TestWithParam<const kernel_profile*> {
protected:
    vpn map_file(std::uint64_t pages, vm_flags access, sharing kind = sharing::shared) {
        return p.map({.pages = page_count{pages}, .access = access, .kind = kind, .file = open.id});
    }
    void fsync() {
        fsync_cursor c;
        m.finish([&] { return fsync_file(m.parts.wb, file, c); });
    }
    [[nodiscard]] page& cached(std::uint64_t index) { return *m.parts.cache.find(file, index); }

    processes m{a_machine().with_profile(*GetParam()).with_files_on(file_device::flash).config()};
    process& p = m.start();
    mapping& file = m.parts.cache.create("f", page_count{10}, file_kind::regular);
    open_file& open = m.parts.cache.open(file);
};

TEST_P(ranges_of_files, a_shared_page_that_mprotect_made_writable_is_still_noted_when_it_is_stored_to) {
    const vpn at = map_file(1, read_only);
    p.read(at);
    p.protect(at, 1, read_write);
    EXPECT_FALSE(p.entry(at).writable());
    p.write(at);
    EXPECT_TRUE(cached(0).test(page_flag::dirty) && file.tagged(0, cache_tag::dirty));
    m.check();
}

TEST_P(ranges_of_files, a_dirty_shared_page_is_writable_again_at_once) {
    const vpn at = map_file(1, read_write);
    p.write(at);
    p.protect(at, 1, read_only);
    EXPECT_FALSE(p.entry(at).writable());
    p.protect(at, 1, read_write);
    EXPECT_TRUE(p.entry(at).writable());
    m.check();
}

TEST_P(ranges_of_files, a_store_after_the_page_was_written_is_noted_again) {
    const vpn at = map_file(1, read_write);
    p.write(at);
    fsync();
    EXPECT_FALSE(p.entry(at).writable());
    EXPECT_FALSE(cached(0).test(page_flag::dirty));
    p.write(at);
    EXPECT_TRUE(cached(0).test(page_flag::dirty) && file.tagged(0, cache_tag::dirty));
    fsync();
    EXPECT_FALSE(cached(0).test(page_flag::dirty));
    m.check();
}

TEST_P(ranges_of_files, a_page_that_nobody_may_use_is_cleaned_like_others) {
    const vpn at = map_file(1, read_write);
    p.write(at);
    p.protect(at, 1, vm_flags{});
    fsync();
    EXPECT_FALSE(p.entry(at).dirty());
    p.protect(at, 1, read_write);
    EXPECT_FALSE(p.entry(at).writable()) << "the next store must be noted";
    p.write(at);
    EXPECT_TRUE(cached(0).test(page_flag::dirty));
    m.check();
}

TEST_P(ranges_of_files, a_page_that_is_cut_off_while_a_fault_reads_it_is_not_mapped) {
    const vpn at = map_file(10, read_only);
    fault_cursor f;
    f.where = at + 9;
    f.tried = true; // so it does not start again once the page is there
    step_result r = step_again;
    while (r.kind == step_kind::again) r = handle_mm_fault(m.parts.fc, p.space(), f);
    ASSERT_EQ(r.channel.reason, wait_reason::page_unlocked) << "it is being read";
    truncate_file_cursor c;
    static_cast<void>(truncate_file(m.parts.fc, m.parts.wb, file, page_count{9}, c));
    m.complete_io();
    m.finish([&] { return handle_mm_fault(m.parts.fc, p.space(), f); });
    EXPECT_EQ(f.outcome, fault_outcome::bus_error);
    m.finish([&] { return truncate_file(m.parts.fc, m.parts.wb, file, page_count{9}, c); });
    EXPECT_EQ(file.next_used(9), mapping::none);
    m.check();
}

INSTANTIATE_TEST_SUITE_P(kernels, ranges_of_files, ::testing::Values(&linux_5_8, &linux_5_10, &linux_6_1),
                         kernel_of);

} // namespace
} // namespace pagesim
