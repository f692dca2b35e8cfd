// SPDX-License-Identifier: MIT
#include <pagesim/lru/isolate.hpp>
#include <pagesim/lru/lru_add.hpp>

namespace pagesim {

void lru_batches::append(batch& b, page& p, apply_fn apply) {
    p.get();
    b.pages[b.size++] = &p;
    if (b.size == pagevec_size) drain(b, apply);
}

void lru_batches::drain(batch& b, apply_fn apply) {
    const batch full = b; // the batch is empty before its pages move: freeing one may not find it here again
    b.size = 0;
    for (unsigned i = 0; i < full.size; ++i) (this->*apply)(*full.pages[i]);
    for (unsigned i = 0; i < full.size; ++i) put_page(*full.pages[i]);
    cpu_.charge(cpu_.cost.lru_drain_page * full.size);
}

void lru_batches::lru_cache_add(page& p) {
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::lru), p);
    append(add_, p, &lru_batches::apply_add);
}

void lru_batches::apply_add(page& p) {
    const bool was_unevictable = p.test_and_clear(page_flag::unevictable);
    if (page_evictable(p)) {
        if (was_unevictable) cpu_.count(vm_item::unevictable_pgs_rescued);
    } else {
        p.clear(page_flag::active);
        p.set(page_flag::unevictable);
        if (!was_unevictable) cpu_.count(vm_item::unevictable_pgs_culled);
        if (rule_ == mlock_rule::in_batches) mlock_counts_[frame_of(p)] = 0; // counting begins anew
    }
    lru_.add_page(p);
}

void lru_batches::rotate_reclaimable_page(page& p) {
    if (p.test(page_flag::locked) || p.test(page_flag::dirty) || p.test(page_flag::unevictable)) return;
    if (!p.test(page_flag::lru)) return;
    append(rotate_, p, &lru_batches::apply_rotate);
}

void lru_batches::apply_rotate(page& p) {
    if (!p.test(page_flag::lru) || p.test(page_flag::unevictable)) return;
    lru_.del_page(p);
    p.clear(page_flag::active);
    lru_.add_page_tail(p);
    cpu_.count(vm_item::pgrotated);
    cpu_.charge(cpu_.cost.rotate_page);
}

void lru_batches::deactivate_file_page(page& p) {
    if (p.test(page_flag::unevictable)) return;
    append(deactivate_file_, p, &lru_batches::apply_deactivate_file);
}

void lru_batches::apply_deactivate_file(page& p) {
    if (!p.test(page_flag::lru) || p.test(page_flag::unevictable) || p.mapped()) return;
    lru_.del_page(p);
    const bool was_active = p.test_and_clear(page_flag::active);
    p.clear(page_flag::referenced);
    if (p.test(page_flag::writeback) || p.test(page_flag::dirty)) {
        lru_.add_page(p);
        p.set(page_flag::reclaim);
    } else {
        lru_.add_page_tail(p);
        cpu_.count(vm_item::pgrotated);
    }
    if (was_active) cpu_.count(vm_item::pgdeactivate);
}

namespace {

bool may_deactivate(const page& p) {
    return p.test(page_flag::lru) && p.test(page_flag::active) && !p.test(page_flag::unevictable);
}

bool may_lazyfree(const page& p) {
    return p.test(page_flag::lru) && p.anon() && p.test(page_flag::swapbacked) &&
           !p.test(page_flag::swapcache) && !p.test(page_flag::unevictable);
}

} // namespace

void lru_batches::deactivate_page(page& p) {
    if (may_deactivate(p)) append(deactivate_, p, &lru_batches::apply_deactivate);
}

void lru_batches::apply_deactivate(page& p) {
    if (!may_deactivate(p)) return;
    lru_.del_page(p);
    p.clear(page_flag::active);
    p.clear(page_flag::referenced);
    lru_.add_page(p);
    cpu_.count(vm_item::pgdeactivate);
    cpu_.emit(trace_kind::deactivate, raw(lru_.home().frames().pfn_of(p)));
}

void lru_batches::mark_page_lazyfree(page& p) {
    if (may_lazyfree(p)) append(lazyfree_, p, &lru_batches::apply_lazyfree);
}

void lru_batches::apply_lazyfree(page& p) {
    if (!may_lazyfree(p)) return;
    lru_.del_page(p);
    p.clear(page_flag::active);
    p.clear(page_flag::referenced);
    p.clear(page_flag::swapbacked);
    lru_.add_page(p);
    cpu_.count(vm_item::pglazyfree);
}

void lru_batches::activate_page(page& p) {
    if (!p.test(page_flag::lru) || p.test(page_flag::active) || p.test(page_flag::unevictable)) return;
    append(activate_, p, &lru_batches::apply_activate);
}

void lru_batches::apply_activate(page& p) {
    if (!p.test(page_flag::lru) || p.test(page_flag::active) || p.test(page_flag::unevictable)) return;
    lru_.del_page(p);
    p.set(page_flag::active);
    lru_.add_page(p);
    cpu_.count(vm_item::pgactivate);
    cpu_.charge(cpu_.cost.activate_page);
    cpu_.emit(trace_kind::activate, raw(lru_.home().frames().pfn_of(p)));
}

void lru_batches::mark_page_accessed(page& p) {
    if (!p.test_and_set(page_flag::referenced) || p.test(page_flag::unevictable)) return;
    if (p.test(page_flag::active)) return;
    if (p.test(page_flag::lru)) {
        activate_page(p);
    } else if (add_.count(p) > 0) {
        p.set(page_flag::active);
    }
    p.clear(page_flag::referenced);
    ++lru_.nonresident_age;
}

// ---- locked memory

void lru_batches::count_mlock(page& p) {
    if (p.test_and_set(page_flag::mlocked)) return;
    cpu_.count(vm_item::nr_mlock);
    cpu_.count(vm_item::unevictable_pgs_mlocked);
}

void lru_batches::append_mlock(page& p, mlock_entry what) {
    p.get();
    mlock_entries_[mlock_.size] = what;
    mlock_.pages[mlock_.size++] = &p;
    if (mlock_.size == pagevec_size) drain_mlock();
}

void lru_batches::drain_mlock() {
    const batch full = mlock_;
    const auto entries = mlock_entries_;
    mlock_.size = 0;
    for (unsigned i = 0; i < full.size; ++i) {
        switch (entries[i]) {
        case mlock_entry::mlock: apply_mlock(*full.pages[i]); break;
        case mlock_entry::new_page: apply_mlock_new(*full.pages[i]); break;
        case mlock_entry::munlock: apply_munlock(*full.pages[i]); break;
        }
    }
    for (unsigned i = 0; i < full.size; ++i) put_page(*full.pages[i]);
}

void lru_batches::move_to_unevictable(page& p) {
    lru_.del_page(p);
    p.clear(page_flag::active);
    p.set(page_flag::unevictable);
    lru_.add_page(p);
    cpu_.count(vm_item::unevictable_pgs_culled);
    cpu_.charge(cpu_.cost.mlock_page);
}

void lru_batches::rescue(page& p) {
    lru_.del_page(p);
    p.clear(page_flag::unevictable);
    lru_.add_page(p);
    cpu_.count(vm_item::unevictable_pgs_rescued);
}

void lru_batches::mlock_page(page& p) {
    const bool known = p.test(page_flag::mlocked);
    count_mlock(p);
    if (rule_ == mlock_rule::in_batches) return append_mlock(p, mlock_entry::mlock);
    if (known || !p.test(page_flag::lru)) return;
    cpu_.charge(cpu_.cost.mlock_page);
    p.get();
    lru_.del_page(p);
    lru_cache_add(p);
    put_page(p);
}

void lru_batches::apply_mlock(page& p) {
    if (!p.test(page_flag::lru)) return; // who has taken it off puts it back where it belongs
    if (page_evictable(p)) {
        if (p.test(page_flag::unevictable)) rescue(p);
    } else if (!p.test(page_flag::unevictable)) {
        move_to_unevictable(p);
    } else {
        const auto others = mlock_counts_.try_emplace(frame_of(p), 1U).first;
        if (++others->second == 1) mlock_counts_.erase(others);
    }
}

void lru_batches::mlock_new_page(page& p) {
    count_mlock(p);
    if (rule_ == mlock_rule::at_once) return lru_cache_add(p);
    append_mlock(p, mlock_entry::new_page);
}

void lru_batches::apply_mlock_new(page& p) {
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::lru), p);
    if (!page_evictable(p)) {
        p.clear(page_flag::active);
        p.set(page_flag::unevictable);
        cpu_.count(vm_item::unevictable_pgs_culled);
    }
    lru_.add_page(p);
}

void lru_batches::munlock_page(page& p) {
    if (rule_ == mlock_rule::in_batches) return append_mlock(p, mlock_entry::munlock);
    if (p.test(page_flag::mlocked)) apply_munlock(p);
}

void lru_batches::clear_page_mlock(page& p) {
    if (!p.test_and_clear(page_flag::mlocked)) return;
    cpu_.count(vm_item::nr_mlock, -1);
    cpu_.count(vm_item::unevictable_pgs_cleared);
    if (p.test(page_flag::lru)) {
        if (p.test(page_flag::unevictable)) rescue(p);
    } else if (p.test(page_flag::unevictable)) {
        cpu_.count(vm_item::unevictable_pgs_stranded);
    }
}

void lru_batches::apply_munlock(page& p) {
    const bool listed = p.test(page_flag::lru);
    if (listed && p.test(page_flag::unevictable)) {
        const auto others = mlock_counts_.find(frame_of(p));
        if (others != mlock_counts_.end() && others->second > 1) {
            if (--others->second == 1) mlock_counts_.erase(others);
            return;
        }
    }
    if (p.test_and_clear(page_flag::mlocked)) {
        mlock_counts_.erase(frame_of(p));
        cpu_.count(vm_item::nr_mlock, -1);
        cpu_.count(listed || !p.test(page_flag::unevictable) ? vm_item::unevictable_pgs_munlocked
                                                             : vm_item::unevictable_pgs_stranded);
    }
    if (listed && p.test(page_flag::unevictable) && page_evictable(p)) rescue(p);
}

void lru_batches::lru_add_drain() {
    drain(add_, &lru_batches::apply_add);
    drain(rotate_, &lru_batches::apply_rotate);
    drain(deactivate_file_, &lru_batches::apply_deactivate_file);
    drain(deactivate_, &lru_batches::apply_deactivate);
    drain(lazyfree_, &lru_batches::apply_lazyfree);
    drain(activate_, &lru_batches::apply_activate);
    drain_mlock();
}

void lru_batches::put_page(page& p) {
    if (!p.put_testzero()) return;
    if (p.test_and_clear(page_flag::mlocked)) {
        cpu_.count(vm_item::nr_mlock, -1);
        cpu_.count(vm_item::unevictable_pgs_cleared);
        mlock_counts_.erase(frame_of(p));
    }
    if (p.test(page_flag::lru)) lru_.del_page(p);
    cpu_.emit(tracepoints::page_free{.pfn = frame_of(p), .order = 0});
    lru_.home().free_page(p);
}

unsigned lru_batches::batches_with(const page& p) const {
    unsigned n = 0;
    for (const batch* b :
         {&add_, &rotate_, &deactivate_file_, &deactivate_, &lazyfree_, &activate_, &mlock_}) {
        n += b->count(p);
    }
    return n;
}

} // namespace pagesim
