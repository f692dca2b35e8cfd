// SPDX-License-Identifier: MIT
#include <pagesim/cache/file_io.hpp>

#include <algorithm>

namespace pagesim {

file_io::file_io(const cpu_context& cpu, mem_map& frames, page_cache& cache, block_device* device,
                 unsigned max_request_pages)
    : cpu_{cpu}, frames_{frames}, cache_{cache}, device_{device}, max_request_pages_{max_request_pages} {
    PAGESIM_ASSERT(max_request_pages > 0);
}

void file_io::transfer(io_direction direction, std::span<page* const> pages) {
    while (!pages.empty()) {
        const std::size_t n = std::min<std::size_t>(pages.size(), max_request_pages_);
        submit(direction, pages.first(n));
        pages = pages.subspan(n);
    }
}

void file_io::submit(io_direction direction, std::span<page* const> pages) {
    const bool reads = direction == io_direction::read;
    cpu_.count(reads ? vm_item::pgpgin : vm_item::pgpgout,
               static_cast<std::int64_t>(pages.size() * (page_size / 1024)));
    if (device_ == nullptr) {
        for (page* p : pages) finish(direction, *p);
        return;
    }
    if (free_requests_.empty()) {
        free_requests_.push_back(static_cast<std::uint32_t>(requests_.size()));
        requests_.emplace_back();
    }
    const std::uint32_t id = free_requests_.back();
    free_requests_.pop_back();
    requests_[id].direction = direction;
    requests_[id].pages.assign(pages.begin(), pages.end());
    const sim_time done = device_->submit(cpu_.clock.now(), direction, page_count{pages.size()});
    ++in_flight_;
    cpu_.events.schedule(done, event_phase::io_completion, *this, id);
}

void file_io::finish(io_direction direction, page& p) {
    if (direction == io_direction::write) {
        cache_.end_page_writeback(p);
        return;
    }
    PAGESIM_ASSERT_PAGE(p.test(page_flag::locked) && !p.test(page_flag::uptodate), p);
    p.set(page_flag::uptodate);
    p.clear(page_flag::locked);
    cpu_.wakes.wake_all({wait_reason::page_unlocked, raw(frames_.pfn_of(p))});
}

void file_io::on_event(sim_time /*due*/, std::uint64_t id) {
    request& r = requests_[id];
    cpu_.charge(cpu_.cost.io_interrupt);
    for (page* p : r.pages) {
        if (r.direction == io_direction::write) cpu_.charge(cpu_.cost.end_writeback);
        finish(r.direction, *p);
    }
    --in_flight_;
    free_requests_.push_back(static_cast<std::uint32_t>(id));
}

} // namespace pagesim
