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
    cpu_.emit(trace_kind::activate, raw(lru_.home().frames().pfn_of(p)));
}

void lru_batches::lru_add_drain() {
    drain(add_, &lru_batches::apply_add);
    drain(rotate_, &lru_batches::apply_rotate);
    drain(activate_, &lru_batches::apply_activate);
}

void lru_batches::put_page(page& p) {
    if (!p.put_testzero()) return;
    if (p.test(page_flag::lru)) lru_.del_page(p);
    lru_.home().free_page(p);
}

unsigned lru_batches::batches_with(const page& p) const {
    unsigned n = 0;
    for (const batch* b : {&add_, &rotate_, &activate_}) {
        for (unsigned i = 0; i < b->size; ++i) n += b->pages[i] == &p ? 1U : 0U;
    }
    return n;
}

} // namespace pagesim
