// SPDX-License-Identifier: MIT
#include <pagesim/process/truncate.hpp>

#include <algorithm>

namespace pagesim {

void unmap_mapping_range(const fault_context& fc, const mapping& file, std::uint64_t first) {
    file.i_mmap.for_each_from(first, [&](const file_range& r) {
        const std::uint64_t begin = std::max(first, r.range->pgoff);
        unmap_page_range(fc, *r.owner, *r.range, r.at(begin), r.range->end);
        return true;
    });
}

step_result truncate_file(const fault_context& fc, const writeback_context& wb, mapping& file,
                          page_count size, truncate_file_cursor& c) {
    PAGESIM_ASSERT(file.kind() == file_kind::regular);
    if (!c.begun) {
        wb.cpu.charge(wb.cpu.cost.writeback_call);
        file.set_size(size);
        unmap_mapping_range(fc, file, size.value);
        c.pages = {};
        c.pages.first = size.value;
        c.begun = true;
        return step_again;
    }
    if (const step_result r = truncate_inode_pages(wb, file, c.pages); !r.done()) return r;
    unmap_mapping_range(fc, file, size.value);
    c = {};
    return step_done;
}

step_result delete_file(const writeback_context& wb, mapping& file, delete_file_cursor& c) {
    PAGESIM_ASSERT(file.kind() == file_kind::regular && file.i_mmap.empty());
    if (!c.begun) {
        if (wb.bdi.being_written(file)) return sleep_on(bdi_writeback::file_channel(file));
        wb.bdi.forget(file);
        c.begun = true;
    }
    if (const step_result r = truncate_inode_pages(wb, file, c.pages); !r.done()) return r;
    wb.bdi.file_gone(file);
    wb.cache.destroy(file);
    return step_done;
}

} // namespace pagesim
