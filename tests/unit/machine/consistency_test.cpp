// SPDX-License-Identifier: MIT
// What the machine's recount sees: one fault planted at a time, each of which it must find.
#include <support/dirty_files.hpp>
#include <support/script.hpp>

#include <pagesim/machine/machine.hpp>

#include <gtest/gtest.h>

#include <functional>

namespace pagesim {
namespace {

using testing::a_machine;
using testing::small_machine;

// A machine with pages of every kind: anonymous (0 to 3, of which 3 is in swap), of a file (0 mapped, 1 dirty) and of
// shared memory (0 mapped).
class recounted : public ::testing::Test {
protected:
    recounted() {
        for (std::uint64_t n = 0; n < 4; ++n) m->written(n);
        m->swap_out(3);
        range = &m->map_file(file, vm_flag::read);
        m->map_file(m->shmem_page(0), vm_flag::read);
        m->parts.cache.dirty_by_write(dirty);
        m->parts.batches.lru_add_drain();
        m->check();
    }
    void expect_seen(const std::function<void()>& fault, const char* where) {
        EXPECT_DEATH(
            {
                fault();
                m->check();
            },
            where);
    }
    [[nodiscard]] mapping& f() { return m->file(); }

    std::unique_ptr<small_machine> m = a_machine().build();
    page& file = m->file_page(0);
    page& dirty = m->file_page(1);
    vma* range = nullptr;
    shadow_nodes nodes;
};

using a_gauge = recounted;
using a_file_page = recounted;
using a_range_of_a_file = recounted;
using a_frame = recounted;

TEST_F(a_gauge, that_is_off_by_one_is_seen) {
    for (const vm_item i :
         {vm_item::nr_mapped, vm_item::nr_anon_pages, vm_item::nr_file_pages, vm_item::nr_shmem,
          vm_item::nr_dirty, vm_item::nr_writeback, vm_item::nr_zone_write_pending, vm_item::nr_mlock,
          vm_item::workingset_nodes, vm_item::nr_page_table_pages, vm_item::nr_swapcached,
          vm_item::nr_isolated_anon, vm_item::nr_isolated_file, vm_item::nr_free_pages}) {
        const std::string name{vm_item_name(i)};
        expect_seen([&] { m->parts.stat.add(i); }, name.c_str());
    }
    for (const vm_item i : {vm_item::nr_inactive_anon, vm_item::nr_active_file, vm_item::nr_unevictable})
        expect_seen([&] { m->parts.stat.add(i); }, "node_item");
    expect_seen([&] { m->parts.stat.add(vm_item::nr_dirtied, -1); }, "nr_dirtied");
    expect_seen([&] { m->parts.stat.add(vm_item::nr_dirtied); }, "nr_dirtied");
}

TEST_F(a_gauge, of_one_process_is_seen_by_its_kind) {
    expect_seen([&] { ++m->space->anon_pages; }, "anon_pages");
    expect_seen([&] { ++m->space->file_pages; }, "file_pages");
    expect_seen([&] { ++m->space->shmem_pages; }, "shmem_pages");
    expect_seen([&] { ++m->space->swap_entries; }, "swap_entries");
}

TEST_F(a_file_page, that_is_not_where_its_file_has_it_is_seen) {
    expect_seen([&] { dirty.set_index(7); }, "index\\(\\) == index");
    expect_seen([&] { f().store(7, f().slot(1), nodes); }, "index\\(\\) == index");
    expect_seen([&] { f().store(0, {}, nodes); }, "nrpages|nr_file_pages|find");
    expect_seen(
        [&] {
            page& stray = m->page_at(0);
            m->parts.frames[m->entry(0).frame()].set_mapping(page::file_mapping | f().id());
            stray.set_index(5);
        },
        "file != 0|find");
}

TEST_F(a_file_page, whose_tag_says_something_else_is_seen) {
    expect_seen([&] { f().clear_tag(1, cache_tag::dirty); }, "dirty == ");
    expect_seen([&] { f().set_tag(0, cache_tag::dirty); }, "dirty == ");
    expect_seen([&] { f().set_tag(0, cache_tag::writeback); }, "writeback == ");
    expect_seen([&] { file.set(page_flag::writeback); }, "writeback == ");
    expect_seen([&] { f().set_tag(0, cache_tag::towrite); }, "towrite");
}

TEST_F(a_file_page, with_flags_that_it_cannot_have_is_seen) {
    page& shared = *m->parts.cache.find(m->shmem(), 0);
    expect_seen(
        [&] {
            shared.set(page_flag::private_);
            shared.get();
        },
        "private_");
    expect_seen([&] { file.clear(page_flag::uptodate); }, "uptodate");
    expect_seen([&] { file.set(page_flag::anon_exclusive); }, "anon_exclusive");
}

TEST_F(a_file_page, mapped_with_more_rights_than_its_range_may_give_is_seen) {
    std::uint64_t& word = *m->space->table().leaf(range->first);
    const auto make_writable = [&] { word = descriptor{word}.mkdirty().mkwrite().word(); };
    expect_seen(make_writable, "d.writable\\(\\) \\|\\| p.test\\(page_flag::dirty\\)");
    expect_seen(
        [&] {
            m->parts.cache.dirty_by_write(file);
            make_writable();
            range->flags.clear(vm_flag::shared);
        },
        "shared \\|\\| !d.writable");
}

TEST_F(a_file_page, mapped_beyond_the_end_of_its_file_is_seen) {
    expect_seen([&] { f().set_size(page_count{0}); }, "size\\(\\)");
}

TEST_F(a_range_of_a_file, that_the_file_does_not_know_is_seen) {
    expect_seen([&] { f().i_mmap.remove(*range); }, "names\\(");
}

TEST_F(a_range_of_a_file, that_the_file_knows_otherwise_is_seen) {
    expect_seen([&] { range->pgoff += 1; }, "range.pgoff");
    expect_seen([&] { range->end = range->end + 1; }, "range.pages");
    expect_seen([&] { f().i_mmap.insert(*m->space, *range); }, "ranges_of_files");
}

TEST_F(a_range_of_a_file, whose_open_file_counts_fewer_users_is_seen) {
    open_file& open = m->parts.cache.opened(range->file);
    expect_seen([&] { --open.users; }, "users");
    expect_seen(
        [&] {
            vma& again = m->map_file(dirty, vm_flag::read);
            m->parts.cache.unlink_range(again);
            again.file = range->file;
            again.pgoff = 1;
            f().i_mmap.insert(*m->space, again);
        },
        "users");
}

TEST_F(a_frame, with_fewer_references_than_holders_is_seen) {
    expect_seen([&] { static_cast<void>(file.put_testzero()); }, "waiting");
    expect_seen([&] { file.set(page_flag::private_); }, "waiting");
    expect_seen(
        [&] {
            m->parts.batches.activate_page(dirty);
            static_cast<void>(dirty.put_testzero());
        },
        "waiting");
}

TEST_F(a_frame, that_carries_a_mark_for_nobody_is_seen) {
    page& p = m->page_at(0);
    expect_seen([&] { p.set(page_flag::writeback); }, "in_file\\(\\) \\|\\| cached");
    expect_seen([&] { p.set(page_flag::mlocked); }, "nr_mlock");
    expect_seen(
        [&] {
            p.set(page_flag::swapcache);
            p.get();
        },
        "cached_pages");
    expect_seen([&] { p.clear(page_flag::lru); }, "lru ==");
    expect_seen([&] { p.set(page_flag::active); }, "lru ==");
}

TEST(an_open_file, that_nobody_has_open_is_seen) {
    testing::script program;
    program.file("f", 4).pread("f", 0);
    machine m{machine_with(page_count{1024})};
    m.start(program);
    m.run();
    m.check_consistency();
    ++m.parts().cache.opened(1).users;
    EXPECT_DEATH(m.check_consistency(), "descriptors == 0");
}

} // namespace
} // namespace pagesim
