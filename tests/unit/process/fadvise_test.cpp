// SPDX-License-Identifier: MIT
#include <pagesim/process/fadvise.hpp>
#include <support/dirty_files.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::dirty_files;
using testing::small_machine;

// Until it is done; it may not sleep.
void advise(small_machine& m, open_file& file, file_advice advice, std::uint64_t first = 0,
            std::uint64_t last = mapping::none - 1) {
    fadvise_cursor c;
    c.advice = advice;
    c.first = first;
    c.last = last;
    step_result r = step_again;
    while (r.kind == step_kind::again) r = fadvise(m.parts.fc, m.parts.wb, file, c);
    EXPECT_TRUE(r.done()) << "it waits for nothing";
}

TEST(fadvise, dontneed_starts_to_write_and_drops_what_is_clean_in_the_range) {
    auto m = a_machine().with_files_on(file_device::flash).build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 10, 5);
    for (const std::uint64_t i : {0U, 20U, 21U, 99U}) d.clean(f, i);
    advise(*m, m->parts.cache.open(f), file_advice::dontneed, 10, 21);
    EXPECT_EQ(m->parts.stat[vm_item::nr_writeback], 5U);
    EXPECT_EQ(f.nrpages(), 7U) << "20 and 21 are gone; those being written, and 0 and 99, are not";
    m->complete_io();
    m->check();
}

TEST(fadvise, dontneed_finds_pages_in_the_batches_and_those_written_at_once) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 10, 5);
    page& p = d.clean(f, 30);
    m->parts.batches.activate_page(p); // one reference more, until the batch is applied
    advise(*m, m->parts.cache.open(f), file_advice::dontneed);
    EXPECT_EQ(f.nrpages(), 0U);
    m->check();
}

TEST(fadvise, willneed_reads_what_is_missing_and_does_not_wait) {
    auto m = a_machine().with_files_on(file_device::flash).build();
    dirty_files d{*m};
    mapping& f = d.create("f", 1000);
    d.clean(f, 12);
    open_file& file = m->parts.cache.open(f);
    advise(*m, file, file_advice::willneed, 10, 14);
    EXPECT_EQ(f.nrpages(), 5U);
    EXPECT_EQ(m->parts.stat[vm_item::pgpgin], 16U) << "four pages";
    m->complete_io();
    EXPECT_TRUE(m->parts.cache.find(f, 14)->test(page_flag::uptodate));
    advise(*m, file, file_advice::willneed, 100);
    EXPECT_EQ(f.nrpages(), 325U) << "of all of it, what one large request carries";
    m->complete_io();
}

TEST(fadvise, the_rest_changes_how_far_reads_look_ahead) {
    auto m = a_machine().build();
    dirty_files d{*m};
    open_file& file = m->parts.cache.open(d.create("f", 100));
    advise(*m, file, file_advice::random);
    EXPECT_EQ(file.advice, access_advice::random);
    advise(*m, file, file_advice::sequential);
    EXPECT_EQ(file.advice, access_advice::normal);
    EXPECT_EQ(file.ra.ra_pages, 64U);
    advise(*m, file, file_advice::random);
    advise(*m, file, file_advice::normal);
    EXPECT_EQ(file.advice, access_advice::normal);
    EXPECT_EQ(file.ra.ra_pages, 32U);
    advise(*m, file, file_advice::noreuse);
}

} // namespace
} // namespace pagesim
