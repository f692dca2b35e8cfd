// SPDX-License-Identifier: MIT
// read(2) and write(2) with one cursor for call after call, as a process makes them.
#include <pagesim/base/dice.hpp>
#include <pagesim/process/file_read.hpp>
#include <pagesim/process/file_write.hpp>
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

constexpr std::uint64_t file_pages = 100;

// Memory for 20 such files: nobody is made to wait because too much is dirty, as no flusher runs.
struct reader_and_writer {
    explicit reader_and_writer(file_device device, const kernel_profile& profile = linux_6_1)
        : m{a_machine().with_memory(2048).with_files_on(device).with_profile(profile).build()},
          file{m->parts.cache.open(m->parts.cache.create("f", page_count{file_pages}, file_kind::regular))} {}

    // Who sleeps looks again after each event: the flusher's timer never lets the queue run empty.
    template <typename Step>
    void finish(Step step) {
        machine_parts& parts = m->parts;
        for (step_result r = step(); !r.done(); r = step()) {
            if (r.kind != step_kind::sleep) continue;
            const sim_time next = std::min(r.until, parts.events.next_time());
            parts.clock.advance_to(std::max(parts.clock.now(), next));
            while (parts.events.run_one(parts.clock.now())) {}
        }
    }
    void read(file_read_cursor& c, std::uint64_t first, std::uint64_t pages) {
        begin_file_read(c, file, first, pages);
        finish([&] { return file_read_step(m->parts.fc, c); });
    }
    void write(file_write_cursor& c, std::uint64_t first, std::uint64_t pages) {
        begin_file_write(c, file, first, pages, dirtied);
        finish([&] { return file_write_step(m->parts.fc, c); });
    }

    std::unique_ptr<small_machine> m;
    open_file& file;
    task_dirty dirtied;
};

void expect_same(const reader_and_writer& a, const reader_and_writer& b) {
    EXPECT_EQ(a.m->parts.stat, b.m->parts.stat);
    EXPECT_EQ(a.m->parts.clock.now(), b.m->parts.clock.now());
    EXPECT_EQ(a.m->picture(), b.m->picture());
    for (std::uint64_t n = 0; n < file_pages; ++n) {
        const page* p = a.m->parts.cache.find(*a.file.of, n);
        const page* q = b.m->parts.cache.find(*b.file.of, n);
        ASSERT_EQ(p == nullptr, q == nullptr);
        const bool same = p == nullptr || p->flags() == q->flags();
        EXPECT_TRUE(same) << "page " << n;
    }
}

void compare_kept_and_fresh_cursors(file_device device, const kernel_profile& profile) {
    reader_and_writer kept{device, profile};
    reader_and_writer fresh{device, profile};
    std::array<file_read_cursor, 2> r; // two readers of one open file
    file_write_cursor w;
    dice d{3};
    std::uint64_t last = 0;
    for (int call = 0; call < 200 && !::testing::Test::HasFailure(); ++call) {
        // Some go on in the page where the last one ended, some begin beyond the end.
        const std::uint64_t first = d.ratio(1, 3) ? last : d.below(file_pages + 5);
        const std::uint64_t pages = 1 + d.below(20);
        last = std::min(first + pages, file_pages) - 1;
        if (d.ratio(2, 3)) {
            file_read_cursor c;
            kept.read(r[d.below(2)], first, pages);
            fresh.read(c, first, pages);
        } else {
            file_write_cursor c;
            kept.write(w, first, pages);
            fresh.write(c, first, pages);
        }
        expect_same(kept, fresh);
    }
    kept.m->check();
}

TEST(file_transfer, the_cursor_of_a_call_that_is_over_is_as_good_as_a_fresh_one) {
    compare_kept_and_fresh_cursors(file_device::pmem, linux_6_1);
    compare_kept_and_fresh_cursors(file_device::flash, linux_6_1);
    compare_kept_and_fresh_cursors(file_device::flash, linux_5_8);
}

// Where the last read ended is known of the open file, and not of who read.
TEST(file_transfer, a_read_that_goes_on_where_another_reader_ended_does_not_mark_the_page) {
    reader_and_writer x{file_device::pmem, linux_5_8};
    file_read_cursor a;
    file_read_cursor b;
    x.read(a, 0, 4);
    x.read(b, 10, 2);
    page& p = *x.m->parts.cache.find(*x.file.of, 11);
    p.clear(page_flag::referenced);
    x.read(a, 11, 1);
    EXPECT_FALSE(p.test(page_flag::referenced));
    x.read(a, 3, 1);
    x.read(b, 11, 1);
    EXPECT_TRUE(p.test(page_flag::referenced)) << "the file was read elsewhere meanwhile";
}

// All that is free, until it is given back.
class all_memory {
public:
    explicit all_memory(machine_parts& parts) : parts_{parts} {
        for (page* p = take(); p != nullptr; p = take()) taken_.push_back(p);
    }
    void give_back() {
        for (page* p : taken_) parts_.batches.put_page(*p);
        taken_.clear();
    }

private:
    page* take() {
        return get_page_from_freelist(parts_.home, gfp::kernel, page_order{0}, alloc_mark::none).frame;
    }
    machine_parts& parts_;
    std::vector<page*> taken_;
};

TEST(file_transfer, a_read_that_found_no_memory_does_not_weigh_on_the_next) {
    reader_and_writer x{file_device::pmem};
    reader_and_writer fresh{file_device::pmem};
    file_read_cursor c;
    for (reader_and_writer* one : {&x, &fresh}) {
        all_memory rest{one->m->parts};
        c = {};
        one->read(c, 0, 4);
        EXPECT_EQ(c.outcome, fault_outcome::out_of_memory);
        rest.give_back();
    }
    x.read(c, 0, 4);
    EXPECT_EQ(c.outcome, fault_outcome::resolved);
    c = {};
    fresh.read(c, 0, 4);
    expect_same(x, fresh);
    x.m->check();
}

TEST(file_transfer, a_write_that_found_no_memory_does_not_weigh_on_the_next) {
    reader_and_writer x{file_device::pmem};
    all_memory rest{x.m->parts};
    file_write_cursor c;
    x.write(c, 0, 4);
    EXPECT_EQ(c.outcome, fault_outcome::out_of_memory);
    EXPECT_EQ(x.file.of->nrpages(), 0U);
    rest.give_back();
    x.write(c, 0, 4);
    EXPECT_EQ(c.outcome, fault_outcome::resolved);
    EXPECT_EQ(x.file.of->tagged_pages(cache_tag::dirty), 4U);
    x.m->check();
}

} // namespace
} // namespace pagesim
