// SPDX-License-Identifier: MIT
#include <pagesim/process/unmap.hpp>

namespace pagesim {

void zap_file_page(const reclaim_context& rc, mm& owner, const vma& range, descriptor old, page& p) {
    if (old.dirty()) rc.cache.set_page_dirty(p);
    if (old.young() && !range.flags.has(vm_flag::seq_read)) rc.batches.mark_page_accessed(p);
    --owner.rss(p);
    rc.map.page_remove_rmap(p, range);
    rc.batches.put_page(p);
}

} // namespace pagesim
