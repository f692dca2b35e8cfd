// SPDX-License-Identifier: MIT
#include <pagesim/swap/swap_io.hpp>

namespace pagesim {

swap_io::swap_io(const cpu_context& cpu, swap_space& swap, lru_batches& batches, lruvec& lru,
                 block_device& device, limits l)
    : cpu_{cpu}, swap_{swap}, batches_{batches}, lru_{lru}, device_{&device}, limits_{l} {
    PAGESIM_ASSERT(device.mode() == io_mode::asynchronous && l.max_request_pages > 0);
}

swap_io::swap_io(const cpu_context& cpu, swap_space& swap, lru_batches& batches, lruvec& lru, zram& store,
                 zram_read reads)
    : cpu_{cpu}, swap_{swap}, batches_{batches}, lru_{lru}, store_{&store}, reads_{reads} {}

void swap_io::start_writeback(page& p) {
    p.set(page_flag::writeback);
    cpu_.count(vm_item::nr_writeback);
    cpu_.count(vm_item::nr_zone_write_pending);
}

void swap_io::end_page_writeback(page& p) {
    PAGESIM_ASSERT_PAGE(p.test(page_flag::writeback), p);
    if (p.test_and_clear(page_flag::reclaim)) batches_.rotate_reclaimable_page(p);
    p.clear(page_flag::writeback);
    cpu_.count(vm_item::nr_writeback, -1);
    cpu_.count(vm_item::nr_zone_write_pending, -1);
    cpu_.count(vm_item::nr_written);
    cpu_.emit(trace_kind::writeback_end, raw(lru_.home().frames().pfn_of(p)));
    pgdat_state& pgdat = lru_.pgdat;
    if (pgdat.writeback_waiters == 0) return;
    cpu_.count(vm_item::nr_throttled_written);
    const std::uint64_t written = cpu_.stat[vm_item::nr_throttled_written] - pgdat.throttle_start;
    if (written > std::uint64_t{32} * pgdat.writeback_waiters) {
        cpu_.wakes.wake_all({.reason = wait_reason::throttle_writeback});
    }
}

void swap_io::write_page(page& p, io_plug& plug) {
    PAGESIM_ASSERT_PAGE(p.test(page_flag::locked) && p.test(page_flag::swapcache), p);
    const swap_entry e = swap_space::entry_of(p);
    p.clear(page_flag::locked);
    if (swap_.try_to_free_swap(p)) return;
    if (store_ != nullptr) {
        cpu_.charge(cpu_.cost.pageout_sync);
        start_writeback(p);
        const bool stored = store_->write(e.offset);
        if (stored) {
            cpu_.count(vm_item::pswpout);
        } else {
            p.set(page_flag::dirty);
            p.clear(page_flag::reclaim);
        }
        end_page_writeback(p);
        return;
    }
    cpu_.charge(cpu_.cost.pageout_submit);
    cpu_.count(vm_item::pswpout);
    cpu_.count(vm_item::pgpgout, page_size / 1024);
    cpu_.emit(trace_kind::swap_out, raw(lru_.home().frames().pfn_of(p)), e.offset);
    start_writeback(p);
    queue(io_direction::write, p, e.offset, &plug);
}

void swap_io::read_page(page& p, swap_entry e, io_plug* plug) {
    PAGESIM_ASSERT_PAGE(p.test(page_flag::locked) && !p.test(page_flag::uptodate), p);
    cpu_.count(vm_item::pswpin);
    cpu_.emit(trace_kind::swap_in, raw(lru_.home().frames().pfn_of(p)), e.offset);
    if (store_ != nullptr) {
        cpu_.charge(cpu_.cost.swap_read_sync);
        p.set(page_flag::uptodate);
        p.clear(page_flag::locked);
        if (reads_ == zram_read::drops_copy && p.test(page_flag::swapcache) && swap_.count(e) == 1) {
            p.set(page_flag::dirty);
            store_->slot_freed(e.offset);
        }
        return;
    }
    cpu_.charge(cpu_.cost.swap_in_submit);
    cpu_.count(vm_item::pgpgin, page_size / 1024);
    queue(io_direction::read, p, e.offset, plug);
}

std::uint32_t swap_io::new_request() {
    if (free_requests_.empty()) {
        requests_.emplace_back();
        return static_cast<std::uint32_t>(requests_.size() - 1);
    }
    const std::uint32_t id = free_requests_.back();
    free_requests_.pop_back();
    requests_[id].pages.clear();
    return id;
}

bool swap_io::merge(io_plug& plug, io_direction direction, page& p, std::uint64_t slot) {
    for (auto it = plug.requests_.rbegin(); it != plug.requests_.rend(); ++it) {
        request& r = requests_[*it];
        if (r.direction != direction || r.next_slot != slot) continue;
        if (r.pages.size() >= limits_.max_request_pages) continue;
        r.pages.push_back(&p);
        ++r.next_slot;
        return true;
    }
    return false;
}

void swap_io::queue(io_direction direction, page& p, std::uint64_t slot, io_plug* plug) {
    if (plug != nullptr && merge(*plug, direction, p, slot)) return;
    const std::uint32_t id = new_request();
    request& r = requests_[id];
    r.direction = direction;
    r.next_slot = slot + 1;
    r.pages.push_back(&p);
    if (plug == nullptr) {
        submit(id);
        return;
    }
    const bool newest_is_large =
        !plug->empty() && requests_[plug->requests_.back()].pages.size() >= plug_flush_pages;
    if (plug->requests_.size() >= plug_requests || newest_is_large) flush(*plug);
    plug->requests_.push_back(id);
}

void swap_io::submit(std::uint32_t id) {
    const request& r = requests_[id];
    const sim_time done = device_->submit(cpu_.clock.now(), r.direction, page_count{r.pages.size()});
    ++in_flight_;
    cpu_.events.schedule(done, event_phase::io_completion, *this, id);
}

void swap_io::flush(io_plug& plug) {
    for (std::uint32_t id : plug.requests_) submit(id);
    plug.requests_.clear();
}

void swap_io::on_event(sim_time /*due*/, std::uint64_t id) {
    request& r = requests_[id];
    cpu_.charge(cpu_.cost.io_interrupt);
    for (page* p : r.pages) {
        if (r.direction == io_direction::write) {
            cpu_.charge(cpu_.cost.end_writeback);
            end_page_writeback(*p);
        } else {
            p->set(page_flag::uptodate);
            p->clear(page_flag::locked);
            cpu_.wakes.wake_all({wait_reason::page_unlocked, raw(lru_.home().frames().pfn_of(*p))});
        }
    }
    --in_flight_;
    free_requests_.push_back(static_cast<std::uint32_t>(id));
}

} // namespace pagesim
