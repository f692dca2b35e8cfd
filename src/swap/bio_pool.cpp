// SPDX-License-Identifier: MIT
#include <pagesim/swap/bio_pool.hpp>

namespace pagesim {

namespace {

constexpr std::uint32_t bio_bytes = 256; // with 4 vectors and its alignment

} // namespace

bio_pool::bio_pool(const cpu_context& cpu, slab_source& source, std::uint32_t room,
                   const kernel_profile& kernel)
    : cpu_{cpu}, cache_{cpu,
                        source,
                        {.object_bytes = bio_bytes,
                         .boot_room = room,
                         .typesafe_by_rcu = kernel.bio_slabs == bio_slab::freed_after_grace_period},
                        kernel.cpu_partial} {
    while (kept_.size() < reserve) kept_.push_back(cache_.allocate());
}

slab_object bio_pool::take() {
    const slab_object bio = cache_.allocate();
    if (bio != no_slab_object || kept_.empty()) return bio;
    const slab_object last = kept_.back();
    kept_.pop_back();
    return last;
}

void bio_pool::give(slab_object bio) {
    if (bio == no_slab_object) return;
    if (kept_.size() == reserve) {
        cache_.free(bio);
        return;
    }
    kept_.push_back(bio);
    cpu_.wakes.wake_all(freed);
}

} // namespace pagesim
