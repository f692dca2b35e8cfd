// SPDX-License-Identifier: MIT
// The page cache: files' pages in memory, clean, dirty or being written.
//
//                 add_to_page_cache_lru        set_page_dirty          clear_page_dirty_for_io, start
//      nothing ──────────────────────> clean ────────────────> dirty ──────────────────────────────> under writeback
//         ^   (a shadow found there:     │  ^                                                            │
//         │    workingset_refault)       │  └────────────────────── end_page_writeback ──────────────────┘
//         └──── remove (a shadow stays) ─┘                     (PG_reclaim set: to the tail of its list)
//
// The cache holds one reference to each of its pages, a file system's buffers (PG_private) one more, each descriptor
// that maps it another one. Pages of regular files are counted when they are dirtied and while they are written
// (nr_dirty, nr_dirtied, nr_writeback, nr_written, nr_zone_write_pending); those of shmem files never are, they count
// nr_shmem instead.
//
// A page that a descriptor made dirty is known to be dirty only when somebody looks at the descriptor: unmapping it, or
// page_mkclean before the page is written, which makes every mapping read-only and clean so that the next store faults
// and dirties the page anew.
//
// A machine may begin with pages of the file system's own metadata, in the cache of its device. Their buffers are in use,
// so they can't go: superblock and group descriptors never, the others until the CPU no longer keeps their buffers.
//
// Source: mm/filemap.c, mm/page-writeback.c, page_mkclean of mm/rmap.c, bh_lrus of fs/buffer.c; Linux 6.1.
#pragma once

#include <pagesim/cache/mapping.hpp>
#include <pagesim/cache/readahead.hpp>
#include <pagesim/lru/lru_add.hpp>
#include <pagesim/lru/workingset.hpp>
#include <pagesim/mmu/tlb_domain.hpp>
#include <pagesim/sim/cpu_context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pagesim {

// Told that a clean file became dirty, or that a page of one was dirtied; keeps the files that are to be written.
class dirty_listener {
public:
    dirty_listener() = default;
    dirty_listener(const dirty_listener&) = delete;
    dirty_listener& operator=(const dirty_listener&) = delete;
    virtual ~dirty_listener() = default;
    // kernel: __mark_inode_dirty(I_DIRTY_PAGES), after the page was tagged.
    virtual void file_dirtied(mapping& file) = 0;
    // A page of it is under writeback, or no longer; its tag says so already.
    virtual void writeback_started(mapping& file) = 0;
    virtual void writeback_ended(mapping& file) = 0;
};

// What a page is added for: a write into a page that was evicted does not count as its return (__GFP_WRITE).
enum class added_for : std::uint8_t { reading, writing };

// kernel: alloc_buffer_head(): one for each page, as blocks are of a page's size.
inline constexpr kmem_cache_config buffer_head{.object_bytes = 104, .type = migratetype::reclaimable};

// Who has the buffers of a page of metadata in use: the mount as such (superblock, group descriptors), or the CPU, which
// keeps those that it looked up last (kernel: bh_lrus).
enum class buffer_user : std::uint8_t { mount, bh_lru };

class page_cache {
public:
    page_cache(const cpu_context& cpu, mem_map& frames, lruvec& lru, lru_batches& batches, tlb_domain& tlbs)
        : cpu_{cpu}, frames_{frames}, lru_{lru}, batches_{batches}, tlbs_{tlbs}, files_(1), open_files_(1) {}
    ~page_cache() { shadow_nodes_.clear(); } // before the files go
    page_cache(const page_cache&) = delete;
    page_cache& operator=(const page_cache&) = delete;

    void set_listener(dirty_listener& l) { listener_ = &l; }
    // Where the nodes of files' trees and buffer heads are; before the first page. Without it they take no memory.
    void set_slabs(kmem_cache& nodes, kmem_cache& buffer_heads) {
        nodes_ = &nodes;
        buffer_heads_ = &buffer_heads;
    }

    // A new, empty file.
    mapping& create(std::string name, page_count size, file_kind kind);
    // Forgets the file. Its pages must be gone.
    void destroy(mapping& file);
    [[nodiscard]] mapping& file(std::uint32_t id) const { return *files_[id]; }
    [[nodiscard]] mapping& file_of(const page& p) const { return file(p.file_id()); }
    [[nodiscard]] const std::vector<std::unique_ptr<mapping>>& files() const { return files_; }

    // open(2) of an existing file: one user (kernel: struct file).
    open_file& open(mapping& file);
    [[nodiscard]] open_file& opened(std::uint32_t id) const { return *open_files_[id]; }
    [[nodiscard]] const std::vector<std::unique_ptr<open_file>>& open_files() const { return open_files_; }
    // A user less; the last one forgets it (kernel: fput()).
    void close(open_file& f);
    // A range of an address space begins, or ceases, to map the file whose open file it names: a user, and a place in
    // i_mmap. Its place and length must not change in between.
    void link_range(mm& owner, vma& range);
    void unlink_range(vma& range);

    // The page, without a reference, or null (kernel: find_get_page, less the get).
    [[nodiscard]] page* find(const mapping& file, std::uint64_t index) const {
        const cache_slot s = file.slot(index);
        return s.is_frame() ? &frames_[s.frame()] : nullptr;
    }

    // kernel: filemap_add_folio(). The page is new; it is locked afterwards, has the cache's reference beside the
    // caller's, and waits for the lists. The slot holds no frame.
    void add_to_page_cache_lru(mapping& file, page& p, std::uint64_t index, added_for what, swap_room swap);
    // The same without lists and shadow: a shmem page (kernel: shmem_add_to_page_cache()).
    void add_shmem(mapping& file, page& p, std::uint64_t index);
    // kernel: __filemap_remove_folio(). The page is locked and not mapped. What stays in the slot: nothing, a shadow or
    // a shmem file's swap entry. The cache's reference is the caller's to drop or to have frozen.
    void remove(page& p, cache_slot left = {});
    // The page of a place moved: another one, with nothing to its name yet, is there from now on, and has the references
    // of the cache and of the buffers (kernel: __buffer_migrate_folio()).
    void replace_page(page& from, page& to);
    // Forgets a shadow.
    void clear_slot(mapping& file, std::uint64_t index) { store(file, index, {}); }
    // Leaves of files that hold nothing but shadows; forgets the shadows of the one that has been so for longest.
    [[nodiscard]] std::uint64_t nr_shadow_nodes() const { return shadow_nodes_.size(); }
    void forget_oldest_shadow_node();

    // kernel: folio_mark_dirty(): PG_reclaim goes too. True if the page was clean.
    bool set_page_dirty(page& p);
    // What a file system does in write(2): PG_reclaim stays (kernel: __set_page_dirty() by way of mark_buffer_dirty()).
    bool dirty_by_write(page& p);
    // kernel: folio_clear_dirty_for_io(). The page is locked. True if it was dirty, by flag or by a descriptor; then
    // it is to be written.
    bool clear_page_dirty_for_io(page& p);
    // kernel: folio_cancel_dirty(): truncation, nothing will be written.
    void cancel_dirty(page& p);
    // kernel: folio_mkclean(): write-protects and cleans each mapping; true if one was dirty.
    bool page_mkclean(page& p);

    // kernel: folio_start_writeback(), folio_end_writeback(). The page stays in its mapping in between.
    void start_writeback(page& p);
    void end_page_writeback(page& p);

    // Buffers of a file system: a reference and PG_private (kernel: folio_attach_private()).
    void attach_private(page& p);
    // kernel: filemap_release_folio(). False if a buffer is in use; it stays. Nothing else stands against it, as buffers
    // are clean here.
    [[nodiscard]] bool release_private(page& p);

    // A page of the file system's own, in the cache of its device and not yet on a list.
    void add_metadata(page& p, buffer_user user);
    // kernel: buffer_busy().
    [[nodiscard]] bool buffers_in_use(const page& p) const;
    // The CPU keeps no buffers any longer.
    void invalidate_bh_lrus() { bh_lru_kept_ = false; }

    void check_consistency() const;

private:
    void store(mapping& file, std::uint64_t index, cache_slot s);
    void insert(mapping& file, page& p, std::uint64_t index);
    bool tag_dirty(page& p);
    [[nodiscard]] slab_object& buffer_of(const page& p);

    const cpu_context& cpu_;
    mem_map& frames_;
    lruvec& lru_;
    lru_batches& batches_;
    tlb_domain& tlbs_;
    dirty_listener* listener_ = nullptr;
    kmem_cache* nodes_ = nullptr;
    kmem_cache* buffer_heads_ = nullptr;
    std::vector<slab_object> buffers_; // by frame
    mapping* metadata_ = nullptr;
    std::vector<buffer_user> metadata_users_; // by the page's index
    bool bh_lru_kept_ = true;
    shadow_nodes shadow_nodes_;
    std::vector<std::unique_ptr<mapping>> files_;        // index = id; 0 is none
    std::vector<std::unique_ptr<open_file>> open_files_; // index = id; 0 is none
};

} // namespace pagesim
