// SPDX-License-Identifier: MIT
// What describes a page's I/O to a block device (kernel: struct bio, fs_bio_set): one for each page that is written
// or read, from when it is queued until it is complete.
//
//     a slab with room         the usual case
//     a new slab               a page of memory, for 16 of them; never out of the reserves
//     the pool                 two are kept for when there is no memory
//     none                     who writes flushes its plug and sleeps until one is freed
//
// So below the min watermark swap-out goes on in small pieces: 16 pages or so, then the wait for the device. A bio
// that is freed fills the pool first, and wakes all who wait. A slab whose bios are all free goes back at once, in 6.1
// after a grace period.
//
// Source: bio_alloc_bioset() of block/bio.c, mempool_alloc(), mempool_free() of mm/mempool.c, Linux 6.1 and 5.10.
// Left out: a read that finds none reclaims memory itself (here it goes on without); bios of files.
#pragma once

#include <pagesim/memory/kmem_cache.hpp>

#include <vector>

namespace pagesim {

class bio_pool {
public:
    static constexpr std::size_t reserve = 2; // kernel: BIO_POOL_SIZE
    static constexpr wait_channel freed{.reason = wait_reason::bio_freed};

    // `room`: for so many bios there is room at the start, those of the pool among them.
    bio_pool(const cpu_context& cpu, slab_source& source, std::uint32_t room, const kernel_profile& kernel);

    // no_slab_object if none is to be had.
    [[nodiscard]] slab_object take();
    // Nothing happens to none.
    void give(slab_object bio);

    [[nodiscard]] const kmem_cache& cache() const { return cache_; }
    [[nodiscard]] std::size_t kept() const { return kept_.size(); }

private:
    const cpu_context& cpu_;
    kmem_cache cache_;
    std::vector<slab_object> kept_;
};

} // namespace pagesim
