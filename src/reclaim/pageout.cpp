// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/pageout.hpp>

namespace pagesim {

namespace {

constexpr std::int32_t cache_and_isolation = 2;

// What a writepage operation answers.
enum class writepage_result : std::uint8_t { written, redirtied };

writepage_result write_to_swap(const reclaim_context& rc, page& p, io_plug& plug) {
    PAGESIM_ASSERT_PAGE(rc.io != nullptr, p);
    rc.io->write_page(p, plug);
    return writepage_result::written;
}

// kernel: shmem_writepage(). The file's hold on the slot is a use like a descriptor's.
writepage_result write_shmem(const reclaim_context& rc, page& p, io_plug& plug) {
    const std::optional<swap_entry> e = rc.swap.alloc_slot();
    if (!e) {
        rc.cache.set_page_dirty(p);
        return writepage_result::redirtied;
    }
    rc.cpu.charge(rc.cpu.cost.add_to_swap);
    rc.swap.add_to_swap_cache(p, *e);
    rc.swap.duplicate(*e);
    rc.cache.remove(p, cache_slot::of_value(e->packed()));
    const bool last = p.put_testzero();
    PAGESIM_ASSERT_PAGE(!last, p);
    return write_to_swap(rc, p, plug);
}

writepage_result write_to_file(const reclaim_context& rc, page& p) {
    rc.cpu.charge(rc.cpu.cost.pageout_file);
    rc.cache.start_writeback(p);
    p.clear(page_flag::locked);
    page* const one = &p;
    rc.files.write_pages({&one, 1});
    return writepage_result::written;
}

writepage_result writepage(const reclaim_context& rc, page& p, io_plug& plug) {
    if (p.test(page_flag::swapcache)) return write_to_swap(rc, p, plug);
    return rc.cache.file_of(p).writes_back() ? write_to_file(rc, p) : write_shmem(rc, p, plug);
}

pageout_result drop_orphans_buffers(const reclaim_context& rc, page& p) {
    if (!p.test(page_flag::private_)) return pageout_result::keep;
    if (!rc.cache.release_private(p)) return pageout_result::keep;
    p.clear(page_flag::dirty);
    return pageout_result::clean;
}

} // namespace

pageout_result pageout(const reclaim_context& rc, page& p, io_plug& plug) {
    const std::int32_t buffers = p.test(page_flag::private_) ? 1 : 0;
    if (p.refcount() - buffers != cache_and_isolation) return pageout_result::keep;
    if (!has_mapping(p)) return drop_orphans_buffers(rc, p);
    if (!rc.cache.clear_page_dirty_for_io(p)) return pageout_result::clean;
    p.set(page_flag::reclaim);
    if (writepage(rc, p, plug) == writepage_result::redirtied) {
        p.clear(page_flag::reclaim);
        return pageout_result::activate;
    }
    if (!p.test(page_flag::writeback)) p.clear(page_flag::reclaim);
    rc.cpu.emit(tracepoints::write_page{.pfn = raw(rc.home.frames().pfn_of(p)),
                                        .file = page_lru_type(p) == lru_type::file});
    rc.cpu.count(vm_item::nr_vmscan_write);
    return pageout_result::success;
}

namespace {

void remove_from_swap_cache(const reclaim_context& rc, page& p) {
    rc.cpu.charge(rc.cpu.cost.remove_mapping);
    const shadow s = workingset_eviction(rc.lru, p, rc.profile.shadow);
    if (rc.profile.anon_refaults == anon_refault::detected) {
        rc.swap.delete_from_swap_cache(p, s);
    } else {
        rc.swap.delete_from_swap_cache(p);
    }
}

void remove_from_page_cache(const reclaim_context& rc, page& p) {
    rc.cpu.charge(rc.cpu.cost.remove_file_page);
    cache_slot left;
    if (page_lru_type(p) == lru_type::file) {
        left = cache_slot::of_value(workingset_eviction(rc.lru, p, rc.profile.shadow).bits());
    }
    rc.cache.remove(p, left);
}

} // namespace

remove_result remove_mapping(const reclaim_context& rc, page& p) {
    if (!p.freeze(cache_and_isolation)) return remove_result::busy;
    if (p.test(page_flag::dirty)) {
        p.set_refcount(cache_and_isolation);
        return remove_result::busy;
    }
    if (p.test(page_flag::swapcache)) {
        remove_from_swap_cache(rc, p);
    } else {
        remove_from_page_cache(rc, p);
    }
    return remove_result::removed;
}

swap_slot_result add_to_swap(const reclaim_context& rc, page& p) {
    const std::optional<swap_entry> e = rc.swap.alloc_slot();
    if (!e) return swap_slot_result::full;
    rc.cpu.charge(rc.cpu.cost.add_to_swap);
    rc.swap.add_to_swap_cache(p, *e);
    p.set(page_flag::dirty);
    return swap_slot_result::added;
}

} // namespace pagesim
