// SPDX-License-Identifier: MIT
// struct page: what the kernel knows about one frame.
//
// The kernel spends 64 bytes on it; we spend 32, so that a machine of 1 TiB (268 million frames) needs 8
// GiB of them.
//
//     offset  0   next, prev     links of the one list that the frame is on: 32 bits each, counted in pages from the
//                                frame itself, so they mean the same wherever the array lies (saving is copying)
//             8   flags          page_flag, in the low 28 bits
//            12   refcount       0: the frame is free
//            16   mapcount + 1   the kernel's raw _mapcount starts at -1; stored one higher, so that a frame of
//                                zeros is a valid frame that nobody ever touched
//            20   mapping        which anon_vma, or which file's mapping (page::file_mapping is set); 0: none
//            24   index          page number within that anon_vma or file; on a table page: which table of the
//                                pool; on the head of a free block: the migratetype of its list
//            28   private        swap cache: the swap entry; free block: its order; per-CPU list: its
//                                migratetype; table page: its level
//
// Built with PAGESIM_WIDE_PAGE the links are plain pointers and a page fills a cache line, as in the kernel. The
// benchmarks measure both (docs/performance.md says what they found); nothing else may use it.
//
// Where a frame lies is not stored: its number follows from its address (mem_map) and its zone from its
// number.
//
// Reference counts (kernel 6.1; one for each): a descriptor that maps the page, the swap cache, the
// isolation by reclaim, a per-CPU batch, a fault in progress. The LRU list itself and swap I/O in flight
// hold none.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/base/flags.hpp>

#include <cstddef>
#include <cstdint>

namespace pagesim {

#ifdef PAGESIM_WIDE_PAGE
using page_link = class page*;
inline constexpr std::size_t page_struct_bytes = 64;
#else
using page_link = std::int32_t;
inline constexpr std::size_t page_struct_bytes = 32;
#endif

// The kernel's PG_ names. The bit numbers are those of Linux 6.1 (include/linux/page-flags.h) where the
// kernel has such a flag; from 24 on they are ours (the kernel keeps buddy and table in page_type).
enum class page_flag : std::uint8_t {
    locked = 0,
    referenced = 1,
    uptodate = 2,
    dirty = 3,
    lru = 4,
    active = 5,
    workingset = 6,
    error = 8,      // a read or write of it failed
    swapcache = 10, // PG_owner_priv_1
    reserved = 12,
    private_ = 13, // buffers of a file system, with a reference of their own
    writeback = 15,
    anon_exclusive = 17, // PG_mappedtodisk
    reclaim = 18,
    readahead = 18, // the same bit: the reader that comes to this page starts the next window
    swapbacked = 19,
    unevictable = 20,
    mlocked = 21,
    buddy = 24,    // head of a free block
    pcp = 25,      // on a per-CPU list
    table = 26,    // holds descriptors
    zsmalloc = 27, // belongs to a zram pool
};

using page_flags = flag_set<page_flag>;

class alignas(page_struct_bytes) page {
public:
    page() = default;
    page(const page&) = delete;
    page& operator=(const page&) = delete;
    page(page&&) = delete;
    page& operator=(page&&) = delete;

    [[nodiscard]] page_flags flags() const { return page_flags::from_word(flags_); }
    [[nodiscard]] bool test(page_flag f) const { return (flags_ & page_flags::bit(f)) != 0; }
    void set(page_flag f) { flags_ |= page_flags::bit(f); }
    void clear(page_flag f) { flags_ &= ~page_flags::bit(f); }
    void clear_flags() { flags_ = 0; }
    bool test_and_set(page_flag f) {
        const bool was = test(f);
        set(f);
        return was;
    }
    bool test_and_clear(page_flag f) {
        const bool was = test(f);
        clear(f);
        return was;
    }

    [[nodiscard]] std::int32_t refcount() const { return refcount_; }
    void set_refcount(std::int32_t n) { refcount_ = n; }
    void get() { ++refcount_; }
    // Drops one reference; true when it was the last (kernel: put_page_testzero).
    [[nodiscard]] bool put_testzero();
    // Sets the count to 0 if it is exactly `expected` (kernel: page_ref_freeze).
    [[nodiscard]] bool freeze(std::int32_t expected) {
        if (refcount_ != expected) return false;
        refcount_ = 0;
        return true;
    }

    // The raw _mapcount: -1 when nothing maps the page.
    [[nodiscard]] std::int32_t raw_mapcount() const { return mapcount_plus_one_ - 1; }
    // The number of descriptors that map the page (kernel: page_mapcount).
    [[nodiscard]] std::int32_t mapcount() const { return mapcount_plus_one_; }
    [[nodiscard]] bool mapped() const { return mapcount_plus_one_ > 0; }
    void add_mapping() { ++mapcount_plus_one_; }
    void remove_mapping() { --mapcount_plus_one_; }

    // The bit that tells a file's mapping from an anon_vma (kernel: PAGE_MAPPING_ANON, the other way round).
    static constexpr std::uint32_t file_mapping = 1U << 31U;
    [[nodiscard]] std::uint32_t mapping() const { return mapping_; }
    void set_mapping(std::uint32_t id) { mapping_ = id; }
    // kernel: folio_test_anon().
    [[nodiscard]] bool anon() const { return mapping_ != 0 && (mapping_ & file_mapping) == 0; }
    // Whether it is in the page cache of a file; its number is then mapping() without the bit.
    [[nodiscard]] bool in_file() const { return (mapping_ & file_mapping) != 0; }
    [[nodiscard]] std::uint32_t file_id() const { return mapping_ & ~file_mapping; }
    [[nodiscard]] std::uint32_t index() const { return index_; }
    void set_index(std::uint32_t i) { index_ = i; }
    [[nodiscard]] std::uint32_t private_data() const { return private_; }
    void set_private_data(std::uint32_t v) { private_ = v; }

private:
    friend struct page_node_traits;

    page_link next_;
    page_link prev_;
    std::uint32_t flags_;
    std::int32_t refcount_;
    std::int32_t mapcount_plus_one_;
    std::uint32_t mapping_;
    std::uint32_t index_;
    std::uint32_t private_;
};

static_assert(sizeof(page) == page_struct_bytes, "struct page is half a cache line, or a whole one");

[[noreturn]] void page_assertion_failed(const char* expression, const page& p, const char* file, int line);

} // namespace pagesim

// An assertion about a page: prints the page first.
#define PAGESIM_ASSERT_PAGE(condition, p)                                                                    \
    (static_cast<bool>(condition) ? static_cast<void>(0)                                                     \
                                  : ::pagesim::page_assertion_failed(#condition, (p), __FILE__, __LINE__))

namespace pagesim {

inline bool page::put_testzero() {
    PAGESIM_ASSERT_PAGE(refcount_ > 0, *this);
    return --refcount_ == 0;
}

} // namespace pagesim
