// SPDX-License-Identifier: MIT
#include <pagesim/process/truncate.hpp>
#include <support/dirty_files.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::dirty_files;
using testing::small_machine;

TEST(truncate, takes_mapped_pages_from_those_who_map_them) {
    auto m = a_machine().build();
    page& kept = m->file_page(3);
    page& cut = m->file_page(7);
    const vma& at_3 = m->map_file(kept, {vm_flag::shared});
    const vma& at_7 = m->map_file(cut, {vm_flag::shared}, small_machine::mapped_by::store);
    truncate_file_cursor c;
    while (!truncate_file(m->parts.fc, m->parts.wb, m->file(), page_count{5}, c).done()) {}
    EXPECT_TRUE(m->entry_of(at_3).valid());
    EXPECT_EQ(m->entry_of(at_7).word(), 0U);
    EXPECT_EQ(m->file().nrpages(), 1U);
    EXPECT_EQ(m->file().size().value, 5U);
    EXPECT_EQ(m->parts.stat[vm_item::nr_dirty], 0U)
        << "what was stored through the mapping is of no use either";
    m->check();
}

TEST(delete_file, drops_all_of_it_and_takes_it_from_the_flusher) {
    auto m = a_machine().with_files_on(file_device::flash).build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 0, 20);
    m->parts.bdi.wakeup_flusher_threads(wb_reason::vmscan);
    d.run_flusher();
    d.dirty(f, 0, 5);
    delete_file_cursor c;
    step_result r = step_again;
    while (r.kind == step_kind::again) r = delete_file(m->parts.wb, f, c);
    EXPECT_EQ(r.channel.reason, wait_reason::page_written) << "the device still reads from its pages";
    m->check();
    m->complete_io();
    const std::uint32_t id = f.id();
    while (!delete_file(m->parts.wb, f, c).done()) {}
    EXPECT_EQ(m->parts.cache.files()[id], nullptr);
    EXPECT_EQ(d.nr_dirty(), 0U);
    EXPECT_FALSE(m->parts.bdi.has_dirty_io());
    m->check();
}

TEST(delete_file, waits_until_the_flusher_is_through_with_it) {
    auto m = a_machine().build();
    dirty_files d{*m};
    mapping& f = d.create("f", 100);
    d.dirty(f, 0, 20);
    m->parts.bdi.wakeup_flusher_threads(wb_reason::vmscan);
    while (d.written() == 0 && !f.tagged(0, cache_tag::writeback))
        static_cast<void>(flusher_step(m->parts.wb, d.flusher));
    delete_file_cursor c;
    const step_result r = delete_file(m->parts.wb, f, c);
    EXPECT_EQ(r.channel, bdi_writeback::file_channel(f));
    d.run_flusher();
    EXPECT_EQ(d.written(), 20U);
    while (!delete_file(m->parts.wb, f, c).done()) {}
    m->check();
}

} // namespace
} // namespace pagesim
