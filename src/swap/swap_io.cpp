// SPDX-License-Identifier: MIT
#include <pagesim/swap/swap_io.hpp>

#include <pagesim/cache/page_writeback.hpp>

#include <utility>

namespace pagesim {

namespace {

wait_channel throttled_on(std::uint8_t type, write_class c) {
    return {.reason = wait_reason::write_throttled, .key = 2U * type + static_cast<unsigned>(c)};
}

} // namespace

swap_io::swap_io(const cpu_context& cpu, swap_space& swap, lru_batches& batches, lruvec& lru, bio_pool& bios,
                 const kernel_profile& profile)
    : cpu_{cpu}, swap_{swap}, batches_{batches}, lru_{lru}, bios_{bios}, profile_{profile} {}

void swap_io::attach(std::uint8_t type, swap_target target) {
    PAGESIM_ASSERT((target.device == nullptr) != (target.store == nullptr));
    PAGESIM_ASSERT(target.max_request_pages > 0);
    PAGESIM_ASSERT(target.device == nullptr || target.device->mode() == io_mode::asynchronous);
    if (type >= targets_.size()) targets_.resize(std::size_t{type} + 1);
    targets_[type] = std::make_unique<swap_target>(std::move(target));
}

void swap_io::detach(std::uint8_t type) { targets_[type] = nullptr; }

// The page was not written: it must not be reclaimed.
void swap_io::end_write(page& p, io_status status) {
    if (status == io_status::failed) {
        p.set(page_flag::error);
        p.set(page_flag::dirty);
        p.clear(page_flag::reclaim);
    }
    account_writeback_end(cpu_, lru_, batches_, p);
}

void swap_io::end_read(page& p, io_status status) {
    p.set(status == io_status::ok ? page_flag::uptodate : page_flag::error);
    p.clear(page_flag::locked);
}

void swap_io::write_page(page& p, io_plug& plug) {
    PAGESIM_ASSERT_PAGE(p.test(page_flag::locked) && p.test(page_flag::swapcache), p);
    PAGESIM_ASSERT_PAGE(plug.waiting_ == nullptr, p);
    const swap_entry e = swap_space::entry_of(p);
    p.clear(page_flag::locked);
    if (swap_.try_to_free_swap(p)) return;
    swap_target& target = *targets_[e.type];
    if (target.store != nullptr) {
        write_to(target, p, e);
        return;
    }
    cpu_.charge(cpu_.cost.pageout_submit);
    cpu_.count(vm_item::pswpout);
    cpu_.count(vm_item::pgpgout, page_size / 1024);
    cpu_.emit(trace_kind::swap_out, raw(lru_.home().frames().pfn_of(p)),
              generic_swap_entry({.offset = e.offset, .type = e.type}));
    account_writeback_start(cpu_, p);
    plug.waiting_ = &p;
    static_cast<void>(resume(plug));
    if (plug.waiting_ != nullptr) submit_all(plug); // before its owner sleeps
}

bool swap_io::resume(io_plug& plug) {
    if (plug.waiting_ == nullptr) return true;
    const slab_object bio = bios_.take();
    if (bio == no_slab_object && cpu_.current != nullptr) {
        cpu_.wait_for_io(bio_pool::freed);
        return false;
    }
    page& p = *std::exchange(plug.waiting_, nullptr);
    queue(io_direction::write, p, swap_space::entry_of(p), bio, &plug);
    return !cpu_.waits_for_io();
}

void swap_io::write_to(swap_target& target, page& p, swap_entry e) {
    cpu_.charge(cpu_.cost.pageout_sync + target.store->compression_time(cpu_.cost));
    account_writeback_start(cpu_, p);
    const bool fails = target.failures.next(io_direction::write, e.offset, 1) == io_status::failed;
    const bool stored = !fails && target.store->write(e.offset);
    if (!stored) {
        account_writeback_end(cpu_, lru_, batches_, p);
        account_writeback_start(cpu_, p);
    }
    cpu_.count(vm_item::pswpout);
    end_write(p, stored ? io_status::ok : io_status::failed);
}

void swap_io::read_page(page& p, swap_entry e, io_plug* plug) {
    PAGESIM_ASSERT_PAGE(p.test(page_flag::locked) && !p.test(page_flag::uptodate), p);
    cpu_.count(vm_item::pswpin);
    cpu_.emit(trace_kind::swap_in, raw(lru_.home().frames().pfn_of(p)),
              generic_swap_entry({.offset = e.offset, .type = e.type}));
    swap_target& target = *targets_[e.type];
    if (target.store != nullptr) {
        read_from(target, p, e);
        return;
    }
    cpu_.charge(cpu_.cost.swap_in_submit);
    cpu_.count(vm_item::pgpgin, page_size / 1024);
    queue(io_direction::read, p, e, bios_.take(), plug);
}

void swap_io::read_from(swap_target& target, page& p, swap_entry e) {
    cpu_.charge(cpu_.cost.swap_read_sync + target.store->expansion_time(cpu_.cost));
    const io_status status = target.failures.next(io_direction::read, e.offset, 1);
    end_read(p, status);
    if (status == io_status::failed) return;
    if (profile_.zram_reads == zram_read::drops_copy && p.test(page_flag::swapcache) && swap_.count(e) == 1) {
        p.set(page_flag::dirty);
        target.store->slot_freed(e.offset);
    }
}

std::uint32_t swap_io::new_request() {
    if (free_requests_.empty()) {
        requests_.emplace_back();
        return static_cast<std::uint32_t>(requests_.size() - 1);
    }
    const std::uint32_t id = free_requests_.back();
    free_requests_.pop_back();
    requests_[id].pages.clear();
    requests_[id].bios.clear();
    return id;
}

bool swap_io::merge(io_plug& plug, io_direction direction, page& p, swap_entry e, slab_object bio) {
    for (auto it = plug.requests_.rbegin(); it != plug.requests_.rend(); ++it) {
        request& r = requests_[*it];
        if (r.direction != direction || r.next != e) continue;
        if (r.pages.size() >= targets_[e.type]->max_request_pages) continue;
        r.pages.push_back(&p);
        r.bios.push_back(bio);
        ++r.next.offset;
        return true;
    }
    return false;
}

void swap_io::queue(io_direction direction, page& p, swap_entry e, slab_object bio, io_plug* plug) {
    if (plug != nullptr && merge(*plug, direction, p, e, bio)) return;
    const std::uint32_t id = new_request();
    request& r = requests_[id];
    r.direction = direction;
    r.next = {e.offset + 1, e.type};
    r.pages.push_back(&p);
    r.bios.push_back(bio);
    const bool may = direction == io_direction::read || begin_write(*targets_[e.type], id);
    if (plug == nullptr) {
        submit(id);
        return;
    }
    const bool newest_is_large =
        !plug->requests_.empty() && requests_[plug->requests_.back()].pages.size() >= plug_flush_pages;
    if (plug->requests_.size() >= profile_.plug_requests || newest_is_large || !may) submit_all(*plug);
    plug->requests_.push_back(id);
    if (!may) cpu_.wait_for_io(throttled_on(e.type, r.by));
}

// kernel: wbt_wait(). False: it waits for others to complete.
bool swap_io::begin_write(swap_target& target, std::uint32_t id) {
    request& r = requests_[id];
    r.by = cpu_.is_kswapd() ? write_class::kswapd : write_class::others;
    r.counted = target.throttle.begin_write(r.by, cpu_.clock.now());
    if (!r.counted) target.waiting[static_cast<std::size_t>(r.by)].push_back(id);
    return r.counted;
}

// kernel: wbt_rqw_done().
void swap_io::wake_writers(std::uint8_t type, write_class c) {
    swap_target& target = *targets_[type];
    std::vector<std::uint32_t>& waiting = target.waiting[static_cast<std::size_t>(c)];
    if (waiting.empty()) return;
    while (!waiting.empty() && target.throttle.may_begin(c, cpu_.clock.now())) {
        requests_[waiting.front()].counted = true;
        target.throttle.begin_waiting_write(c);
        waiting.erase(waiting.begin());
    }
    if (waiting.empty()) cpu_.wakes.wake_all(throttled_on(type, c));
}

void swap_io::end_request(swap_target& target, std::uint32_t id) {
    request& r = requests_[id];
    if (r.direction == io_direction::read) {
        target.throttle.end_read(r.begun, cpu_.clock.now());
    } else if (std::exchange(r.counted, false)) {
        if (target.throttle.end_write(r.by, cpu_.clock.now())) wake_writers(r.next.type, r.by);
    } else {
        std::erase(target.waiting[static_cast<std::size_t>(r.by)], id); // its owner did not come to sleep
    }
}

void swap_io::submit(std::uint32_t id) {
    request& r = requests_[id];
    swap_target& target = *targets_[r.next.type];
    const std::uint64_t pages = r.pages.size();
    r.status = target.failures.next(r.direction, r.next.offset - pages, pages);
    r.begun = cpu_.clock.now();
    if (r.direction == io_direction::read) target.throttle.begin_read(r.begun);
    const sim_time done = target.device->submit(cpu_.clock.now(), r.direction, page_count{pages});
    ++in_flight_;
    cpu_.events.schedule(done, event_phase::io_completion, *this, id);
}

void swap_io::submit_all(io_plug& plug) {
    for (std::uint32_t id : plug.requests_) submit(id);
    plug.requests_.clear();
}

void swap_io::flush(io_plug& plug) {
    if (plug.waiting_ != nullptr) { // its owner does not come to sleep
        page& p = *std::exchange(plug.waiting_, nullptr);
        queue(io_direction::write, p, swap_space::entry_of(p), bios_.take(), &plug);
    }
    submit_all(plug);
}

void swap_io::on_event(sim_time /*due*/, std::uint64_t id) {
    request& r = requests_[id];
    cpu_.charge(cpu_.cost.io_interrupt);
    for (page* p : r.pages) {
        if (r.direction == io_direction::write) {
            cpu_.charge(cpu_.cost.end_writeback);
            end_write(*p, r.status);
        } else {
            end_read(*p, r.status);
            cpu_.wakes.wake_all({wait_reason::page_unlocked, raw(lru_.home().frames().pfn_of(*p))});
        }
    }
    for (slab_object bio : r.bios) bios_.give(bio);
    --in_flight_;
    end_request(*targets_[r.next.type], static_cast<std::uint32_t>(id));
    free_requests_.push_back(static_cast<std::uint32_t>(id));
}

} // namespace pagesim
