// SPDX-License-Identifier: MIT
// A file's pages in memory, found by their number (kernel: struct address_space, here with what of struct inode matters).
//
//     mapping ── slots ── chunk of 64 ── page 0: a frame │ page 1: the shadow of one that was evicted │ page 2: nothing
//            │                       └── tags, a bit a page: dirty, under writeback, to be written
//            └── i_mmap ── the ranges of address spaces that map the file, by page number
//
// The kernel keeps slots and tags in an xarray whose leaves have 64 entries; ours is a table of such leaves. A leaf
// that holds shadows and no page is what workingset_nodes counts; the page cache keeps a list of these.
//
// Two kinds. A regular file lives on a block device: its pages are on the file lists, and what is written to them goes
// back there. A shmem file (shared anonymous memory) has no device: its pages are swap-backed, on the anonymous
// lists, and reclaim moves them to swap; their slot then holds the swap entry.
//
// Left out: large folios, DAX, sizes that end within a page.
#pragma once

#include <pagesim/base/units.hpp>
#include <pagesim/cache/range_index.hpp>
#include <pagesim/memory/mem_map.hpp>
#include <pagesim/memory/xarray_nodes.hpp>

#include <boost/intrusive/list.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pagesim {

enum class file_kind : std::uint8_t { regular, shmem };
// kernel: PAGECACHE_TAG_*.
enum class cache_tag : std::uint8_t { dirty, writeback, towrite };
inline constexpr unsigned nr_cache_tags = 3;

// What a slot holds: nothing, a frame, or a number of 63 bits (a shadow; in a shmem file a swap entry).
class cache_slot {
public:
    constexpr cache_slot() = default;
    [[nodiscard]] static constexpr cache_slot of_frame(pfn n) { return cache_slot{(raw(n) + 1) << 1U}; }
    [[nodiscard]] static constexpr cache_slot of_value(std::uint64_t v) { return cache_slot{v << 1U | 1U}; }

    [[nodiscard]] constexpr bool empty() const { return word_ == 0; }
    [[nodiscard]] constexpr bool is_value() const { return (word_ & 1U) != 0; }
    [[nodiscard]] constexpr bool is_frame() const { return !empty() && !is_value(); }
    [[nodiscard]] constexpr pfn frame() const { return pfn{(word_ >> 1U) - 1}; }
    [[nodiscard]] constexpr std::uint64_t value() const { return word_ >> 1U; }

private:
    explicit constexpr cache_slot(std::uint64_t word) : word_{word} {}
    std::uint64_t word_ = 0;
};

class mapping;

// A leaf of 64 slots (kernel: struct xa_node).
struct cache_node : boost::intrusive::list_base_hook<> {
    static constexpr std::uint64_t pages = 64; // kernel: XA_CHUNK_SIZE
    std::array<cache_slot, pages> slots{};
    std::array<std::uint64_t, nr_cache_tags> tags{};
    unsigned frames = 0;
    unsigned used = 0; // frames and values
    mapping* file = nullptr;
    std::uint64_t number = 0; // its first page / 64
};
// Leaves with shadows and no page, longest so first (kernel: shadow_nodes). It goes before the files do.
using shadow_nodes = boost::intrusive::list<cache_node>;

class mapping {
public:
    static constexpr std::uint64_t chunk_pages = cache_node::pages;
    static constexpr std::uint64_t none = ~std::uint64_t{0};

    mapping(std::uint32_t id, std::string name, page_count size, file_kind kind)
        : id_{id}, name_{std::move(name)}, size_{size}, kind_{kind} {}
    mapping(const mapping&) = delete;
    mapping& operator=(const mapping&) = delete;

    // Its number in pages and ranges; from 1 on.
    [[nodiscard]] std::uint32_t id() const { return id_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] file_kind kind() const { return kind_; }
    [[nodiscard]] bool writes_back() const { return kind_ == file_kind::regular; }
    // kernel: i_size, in pages.
    [[nodiscard]] page_count size() const { return size_; }
    void set_size(page_count n) { size_ = n; }

    [[nodiscard]] cache_slot slot(std::uint64_t index) const {
        const cache_node* c = chunk_of(index);
        return c == nullptr ? cache_slot{} : c->slots[index % chunk_pages];
    }
    // Keeps `nodes` right; returns how much longer it became (-1, 0, 1).
    int store(std::uint64_t index, cache_slot s, shadow_nodes& nodes);
    [[nodiscard]] std::uint64_t nrpages() const { return nrpages_; }
    // Leaves that hold shadows and no page, counted now.
    [[nodiscard]] std::uint64_t count_shadow_leaves() const;

    [[nodiscard]] bool tagged(std::uint64_t index, cache_tag t) const;
    void set_tag(std::uint64_t index, cache_tag t);
    void clear_tag(std::uint64_t index, cache_tag t);
    // How many pages have the tag.
    [[nodiscard]] std::uint64_t tagged_pages(cache_tag t) const { return tagged_[tag_index(t)]; }
    // The first page from `index` on that has the tag, or `none`.
    [[nodiscard]] std::uint64_t next_tagged(std::uint64_t index, cache_tag t) const;
    // The first page from `index` on with a frame, or `none`.
    [[nodiscard]] std::uint64_t next_frame(std::uint64_t index) const {
        return next_where(index, holds::frame);
    }
    // The same with anything at all.
    [[nodiscard]] std::uint64_t next_used(std::uint64_t index) const {
        return next_where(index, holds::anything);
    }

    // Nodes of the tree (page_cache keeps them).
    xarray_nodes& nodes() { return nodes_; }

    range_index i_mmap;
    // Where the next background writeback of the file goes on (kernel: writeback_index).
    std::uint64_t writeback_index = 0;

    void check_consistency() const;

private:
    enum class holds : std::uint8_t { frame, anything };
    [[nodiscard]] static constexpr std::size_t tag_index(cache_tag t) { return static_cast<std::size_t>(t); }
    [[nodiscard]] cache_node* chunk_of(std::uint64_t index) const {
        const std::uint64_t n = index / chunk_pages;
        return n < chunks_.size() ? chunks_[n].get() : nullptr;
    }
    [[nodiscard]] cache_node& make_chunk(std::uint64_t index);
    [[nodiscard]] std::uint64_t next_where(std::uint64_t index, holds what) const;

    std::uint32_t id_;
    std::string name_;
    page_count size_;
    file_kind kind_;
    std::vector<std::unique_ptr<cache_node>> chunks_;
    std::uint64_t nrpages_ = 0;
    std::array<std::uint64_t, nr_cache_tags> tagged_{};
    xarray_nodes nodes_{size_.value};
};

} // namespace pagesim
