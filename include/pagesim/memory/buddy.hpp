// SPDX-License-Identifier: MIT
// The buddy allocator: free memory of one zone in blocks of 1, 2, 4 ... 1024 pages.
//
// A block of order o starts at a multiple of 2^o, so the block beside it with which it would form a larger
// one, its buddy, is found by flipping bit o of its first frame number:
//
//     order 2   |0       |4       |8       |12      |        buddy of 8 is 12, together they are the order-3 block 8
//     order 1   |0   |2   |4   |6   |8   |10  |12  |14  |
//     order 0   |0|1|2|3| ...                                 buddy of 6 is 7, of 7 is 6
//
// Freeing a block merges it with its buddy as long as that is free and of the same order. Taking a block of
// a larger order splits it: the lower half goes on, each upper half goes to the *head* of its list. So
// single pages from a fresh block come in ascending order.
//
// Which end of its list a freed block gets is a bet: if the block that it would merge into next could
// itself merge (its buddy is free), the block goes to the tail, where it is left alone longest; otherwise
// to the head.
//
// There are three lists for each order, one for each migratetype, and each 512 pages (a pageblock) have a
// type: memory that cannot be moved shall not be strewn over blocks that otherwise could be emptied. A
// request whose own lists are empty takes from another type's, the *largest* block it finds, and with it as
// much of the pageblock as it can; if half of the pageblock is then of its kind, the pageblock changes its
// type. (Only a movable request that finds no block of 16 pages takes the smallest block: movable pages can
// leave again.) A free block may thus stand on a list of another type than its pageblock's; so each free
// block notes its list.
//
//     frame at the head of a free block: page_flag::buddy, private_data = order, index = migratetype of its list
//     all other frames of the block: zeros
//
// The range need not begin or end at a block's border; the last pageblock may be partial, and is then never
// taken whole. Building touches one frame in 1024, so a large machine costs little until it is used.
//
// Left out: the types HighAtomic, CMA and Isolate; shuffling; that machines of less than 12 MiB do not
// group by migratetype.
//
// Source: __free_one_page, expand, __rmqueue_smallest, __rmqueue_fallback, steal_suitable_fallback
// (mm/page_alloc.c, Linux 6.1; 5.8 has the same rules for these three types).
#pragma once

#include <pagesim/base/units.hpp>
#include <pagesim/memory/free_layout.hpp>
#include <pagesim/memory/gfp.hpp>
#include <pagesim/memory/mem_map.hpp>
#include <pagesim/memory/memory_map.hpp>
#include <pagesim/memory/page_list.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

inline constexpr unsigned pageblock_order = 9;
inline constexpr std::uint64_t pageblock_nr_pages = 1ULL << pageblock_order;

// Whether a request may break into another migratetype's pageblock (kernel: ALLOC_NOFRAGMENT).
enum class fragmentation : std::uint8_t { allowed, avoided };

// What allocations took from other migratetypes. Added to, never cleared, by buddy.
struct steal_report {
    unsigned steals = 0;
    unsigned below_pageblock =
        0; // of them, from a block smaller than a pageblock: each asks for a watermark boost
    unsigned retyped_pageblocks = 0;
};

class buddy {
public:
    // The frames [start, end); all of them in use until free_range() gives them. All pageblocks are movable.
    buddy(mem_map& frames, pfn start, pfn end);
    buddy(const buddy&) = delete;
    buddy& operator=(const buddy&) = delete;
    buddy(buddy&&) noexcept = default;
    buddy& operator=(buddy&&) = delete;

    // Boot: frees [first, end) as the largest aligned blocks, ascending, each to the tail of its list
    // (kernel: __free_pages_memory).
    void free_range(pfn first, pfn end);

    // Takes a block, or null if there is none. Its frames are zeros, the reference count still 0 (kernel:
    // __rmqueue).
    [[nodiscard]] page* alloc(page_order order, migratetype type, steal_report& report,
                              fragmentation rule = fragmentation::allowed);
    // Gives a block back to the list of its pageblock's type, or of the type given.
    void free(page& head, page_order order);
    void free(page& head, page_order order, migratetype type);

    // Takes this free block as it is, for compaction; one of half a pageblock or more makes its pageblocks movable
    // (kernel: __isolate_free_page(), less the watermark).
    void isolate(page& head);
    // Turns the block's list so that it begins with the block, or ends with it: a search of the list goes on where the last
    // one stopped (kernel: move_freelist_head(), move_freelist_tail()).
    void turn_list_to_front(page& head) { list_of(head).rotate_to_front(head); }
    void turn_list_to_back(page& head) { list_of(head).rotate_to_back(head); }

    // A described machine: of what is free now, just these blocks stay free, from the end of the memory down. The rest is
    // in use for good, reference count 1; so is part of what a block could merge with. False if they do not fit; then
    // some are missing.
    [[nodiscard]] bool lay_out(const free_layout& layout);
    // The same, frame by frame; every other frame is in use for good. The map is of all frames.
    void lay_out(const memory_map& map);

    [[nodiscard]] std::uint64_t nr_free() const { return nr_free_; } // pages
    [[nodiscard]] std::uint64_t free_blocks(page_order order) const; // blocks of exactly that order
    [[nodiscard]] const page_list& blocks(page_order order, migratetype type) const {
        return lists_[slot(raw(order), type)];
    }

    [[nodiscard]] migratetype pageblock_type(pfn n) const { return types_[pageblock_of(raw(n))]; }
    // Pageblocks of that type, a partial one included.
    [[nodiscard]] std::uint64_t pageblocks(migratetype type) const;

    // Asserts that lists, flags and counters agree, no two blocks overlap and no two free buddies stand
    // apart. Reads every free frame.
    void check_consistency() const;

private:
    enum class placement : std::uint8_t { head, tail };
    struct candidate {
        page* block = nullptr;
        unsigned order = 0;
    };

    [[nodiscard]] static std::size_t slot(unsigned order, migratetype type) {
        return order * std::size_t{nr_migratetypes} + static_cast<std::size_t>(type);
    }
    [[nodiscard]] std::size_t pageblock_of(std::uint64_t n) const {
        return static_cast<std::size_t>((n >> pageblock_order) - (start_ >> pageblock_order));
    }
    [[nodiscard]] page& frame(std::uint64_t n) const { return (*frames_)[pfn{n}]; }
    [[nodiscard]] std::uint64_t number(const page& p) const { return raw(frames_->pfn_of(p)); }

    [[nodiscard]] page_list& list_of(const page& head) {
        return lists_[slot(head.private_data(), static_cast<migratetype>(head.index()))];
    }
    [[nodiscard]] page* free_buddy(std::uint64_t n, unsigned order) const;
    [[nodiscard]] bool merge_likely(std::uint64_t n, unsigned order) const;
    void free_block(std::uint64_t n, unsigned order, migratetype type, placement where);
    void link(page& head, unsigned order, migratetype type, placement where);
    void unlink(page& head);
    void move_to_tail(page& head, migratetype type);

    [[nodiscard]] page* take_smallest(unsigned order, migratetype type);
    void split(std::uint64_t n, unsigned from, unsigned to, migratetype type);

    [[nodiscard]] page* fallback_block(unsigned order, migratetype wanted) const;
    [[nodiscard]] candidate choose_fallback(unsigned order, migratetype wanted, fragmentation rule) const;
    [[nodiscard]] bool steal(unsigned order, migratetype wanted, fragmentation rule, steal_report& report);
    [[nodiscard]] bool steal_pageblock(std::uint64_t n, migratetype wanted, steal_report& report);

    [[nodiscard]] std::vector<bool> take_all();
    void check_block(const page& head, unsigned order, migratetype type, std::vector<bool>& seen) const;

    mem_map* frames_;
    std::uint64_t start_;
    std::uint64_t end_;
    std::uint64_t nr_free_ = 0;
    std::vector<page_list> lists_;   // max_order x nr_migratetypes
    std::vector<migratetype> types_; // one byte for each pageblock
};

} // namespace pagesim
