// SPDX-License-Identifier: MIT
// Frames and address spaces for tests of the MMU: tables come as soon as a page needs them.
#pragma once

#include <pagesim/mmu/page_table.hpp>

#include <cstdint>

namespace pagesim::testing {

struct test_frames {
    explicit test_frames(std::uint64_t n = 4096) : frames{page_count{n}}, next_table{n} {}

    // Frames for tables are taken from the top.
    page& table_frame() {
        PAGESIM_ASSERT(next_table > 0);
        --next_table;
        return frames[pfn{next_table}];
    }

    mem_map frames;
    table_pool pool;
    std::uint64_t next_table;
};

struct test_space {
    test_space(test_frames& f, asid a) : from{f}, id{a}, table{f.frames, f.pool} {}

    // The page's descriptor; adds the tables it needs.
    std::uint64_t& slot(vpn n) {
        for (int level = table.missing_level(n); level >= 0; level = table.missing_level(n)) {
            table.install_table(n, level, from.table_frame());
        }
        return *table.leaf(n);
    }
    void set(vpn n, descriptor d) { slot(n) = d.word(); }
    [[nodiscard]] descriptor get(vpn n) { return descriptor{slot(n)}; }

    test_frames& from;
    asid id;
    page_table table;
};

// A written anonymous page: young, dirty, writable.
[[nodiscard]] inline descriptor written_page(pfn n) {
    return descriptor::page(n, page_prot::readonly).mkdirty().mkwrite();
}

} // namespace pagesim::testing
