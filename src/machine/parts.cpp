// SPDX-License-Identifier: MIT
#include <pagesim/machine/parts.hpp>

#include <pagesim/mmu/descriptor.hpp>

#include <stdexcept>
#include <tuple>

namespace pagesim {

namespace {

page_count present_pages(const machine_config& config) {
    page_count n;
    for (const zone_config& z : config.zones) n += z.present;
    return n;
}

std::unique_ptr<flash_device> file_device_of(const machine_config& config) {
    if (config.files.device == file_device::pmem) return nullptr;
    return std::make_unique<flash_device>(config.files.flash);
}

kmem_cache_config with_room(kmem_cache_config cache, std::uint32_t room) {
    cache.boot_room = room;
    return cache;
}

} // namespace

page* pool_frames::take_frame() {
    constexpr gfp_flags wanted{gfp_flag::kswapd_reclaim, gfp_flag::nowarn, gfp_flag::highmem,
                               gfp_flag::movable};
    return alloc_page_memalloc(*rc_, wanted);
}

void pool_frames::give_frame(page& p) { rc_->batches.put_page(p); }

page* slab_frames::take_slab(page_order order, migratetype type) {
    return alloc_slab_pages(*rc_, order, type, reserves_);
}

void slab_frames::give_slab(page& head, page_order order) {
    const bool last = head.put_testzero();
    PAGESIM_ASSERT_PAGE(last, head);
    rc_->cpu.emit(tracepoints::page_free{.pfn = raw(rc_->home.frames().pfn_of(head)), .order = raw(order)});
    rc_->home.zone_of(head).free_pages(head, order);
}

void pool_pages::replace_page(page& from, page& to) {
    for (std::uint8_t type = 0; type < parts_.nr_swap_devices(); ++type) {
        zram* const store = parts_.store(type);
        if (store != nullptr && store->replace_page(from, to)) return;
    }
    PAGESIM_ASSERT_PAGE(false, from);
}

machine_parts::machine_parts(const machine_config& c, waker& wakes, trace_sink* trace)
    : config{c}, cpu{.clock = clock,
                     .cost = config.cost,
                     .stat = stat,
                     .events = events,
                     .wakes = wakes,
                     .trace = trace,
                     .rcu = &rcu},
      frames{present_pages(config)}, home{frames, stat, config.zones, config.memory, config.profile},
      lru{home}, batches{cpu, lru, config.profile.mlocks}, cpu_mmu{config.cpu},
      tlbs{config.cpu.range_ops,
           {.unmap = config.profile.unmap_flush, .access = config.profile.access_flush}},
      cache{cpu, frames, lru, batches, tlbs}, file_flash{file_device_of(config)},
      files{cpu, frames, cache, file_flash.get(), config.files.max_request_pages}, bdi{cpu, cache, lru,
                                                                                       config.dirty,
                                                                                       config.profile},
      wb{.cpu = cpu, .frames = frames, .batches = batches, .cache = cache, .files = files, .bdi = bdi},
      swap{cpu, frames, batches}, map{cpu, config.profile, frames, tlbs, swap, batches, cache},
      nodes{cpu, slabs, with_room(radix_tree_node, config.start.slabs.nodes), config.profile.cpu_partial},
      buffer_heads{cpu, slabs, buffer_head, config.profile.cpu_partial},
      handles{cpu, slabs, with_room(zs_handle_slab, config.start.slabs.handles), config.profile.cpu_partial},
      zspages{cpu, slabs, with_room(zspage_slab, config.start.slabs.zspages), config.profile.cpu_partial},
      bios{cpu, bio_slabs, config.start.slabs.bios, config.profile}, shadows{cache, home},
      rc{.cpu = cpu,
         .profile = config.profile,
         .config = config.reclaim,
         .home = home,
         .lru = lru,
         .batches = batches,
         .map = map,
         .swap = swap,
         .io = nullptr,
         .cache = cache,
         .files = files,
         .kswapd = kswapd,
         .kcompactd = kcompactd,
         .reasons = reasons,
         .shadows = shadows,
         .flusher = &bdi},
      fc{.rc = rc, .tlbs = tlbs, .bdi = bdi, .zero_page = no_pfn, .hardware_ages = config.cpu.has_hw_af()} {
    if (!config.start.map.empty()) home.zones().front().lay_out(config.start.map);
    tlbs.attach(cpu_mmu.entries());
    cache.set_listener(bdi);
    pool.attach(rc);
    slabs.attach(rc);
    bio_slabs.attach(rc);
    cache.set_slabs(nodes, buffer_heads);
    swap.set_node_cache(nodes);
    io = std::make_unique<swap_io>(cpu, swap, batches, lru, bios, config.profile);
    rc.io = io.get();
    for (const swap_config& area : swap_areas(config)) swapon(area);
    page& zero = boot_frame();
    zero.set(page_flag::reserved);
    fc.zero_page = frames.pfn_of(zero);
}

std::optional<std::uint8_t> machine_parts::swapon(const swap_config& area) {
    unsigned areas = 0;
    for (std::uint8_t t = 0; t < swap.nr_swapfiles(); ++t) areas += swap.has_area(t) ? 1 : 0;
    if (areas >= config.profile.max_swapfiles) return std::nullopt;
    swap_backing device;
    swap_target target{.max_request_pages = area.max_request_pages, .failures = io_failures{area.failures}};
    if (area.device == swap_device::zram) {
        device.store = std::make_unique<zram>(cpu, pool, area.zram, &handles, &zspages);
        target.store = device.store.get();
    } else {
        device.flash = std::make_unique<flash_device>(area.flash);
        target.device = device.flash.get();
        const sim_duration by_medium = milliseconds(area.medium == swap_medium::rotational ? 75 : 2);
        target.throttle = write_throttle{area.wbt_lat.value_or(by_medium),
                                         area.nr_requests.value_or(area.flash.queue_depth)};
    }
    const swap_area_layout layout{.pages = area.pages,
                                  .seed = config.seed + nr_swapons_++,
                                  .medium = area.medium,
                                  .bad_slots = area.bad_slots};
    const std::uint8_t type = swap.swapon(layout, area.priority, device.store.get());
    if (type >= swap_devices_.size()) swap_devices_.resize(std::size_t{type} + 1);
    swap_devices_[type] = std::move(device);
    io->attach(type, std::move(target));
    return type;
}

// The next of the frames that the map has in use.
page& machine_parts::take_in_use() {
    page* found = nullptr;
    std::uint64_t left = nr_boot_frames_++;
    for_each_frame(config.start.map, frame_use::in_use, [&](std::uint64_t n) {
        found = left == 0 ? &frames[pfn{n}] : nullptr;
        return left-- > 0;
    });
    PAGESIM_ASSERT(found != nullptr);
    return *found;
}

// A frame for something that is there before the run.
page& machine_parts::boot_frame() {
    return config.start.map.empty() ? new_frame(gfp::kernel) : take_in_use();
}

page& machine_parts::new_frame(gfp_flags wanted) {
    page* const p = get_page_from_freelist(home, wanted, page_order{0}, alloc_mark::none).frame;
    PAGESIM_ASSERT(p != nullptr);
    return *p;
}

std::unique_ptr<mm> machine_parts::new_mm() {
    auto space = new_mm_without_root();
    space->table().set_root(boot_frame());
    return space;
}

std::unique_ptr<mm> machine_parts::new_mm_without_root() {
    return std::make_unique<mm>(asids.take(tlbs), frames, tables);
}

void machine_parts::drop_mm(std::unique_ptr<mm> space) {
    PAGESIM_ASSERT(space->vmas().empty() && space->table().root() == nullptr);
    retire(*space);
}

// A page of the program itself. What it was loaded from lives in memory alone: such a page is always dirty.
void machine_parts::add_unevictable(page& p, lru_type type) {
    p.set(type == lru_type::anon ? page_flag::swapbacked : page_flag::dirty);
    p.set(page_flag::mlocked);
    p.set(page_flag::unevictable);
    lru.add_page(p);
}

// Where the map has them; more than these in new frames.
void machine_parts::settle_metadata() {
    const metadata_pages& there = config.start.metadata;
    for (const auto& [use, user, n] :
         {std::tuple{frame_use::metadata_mount, buffer_user::mount, there.by_mount},
          std::tuple{frame_use::metadata_bh_lru, buffer_user::bh_lru, there.by_bh_lru}}) {
        std::uint64_t left = n.value;
        const auto add = [&, user = user](page& p) {
            cache.add_metadata(p, user);
            lru.add_page(p);
            batches.put_page(p); // cache and buffers hold it
            --left;
        };
        for_each_frame(config.start.map, use, [&](std::uint64_t at) {
            if (left > 0) add(frames[pfn{at}]);
            return left > 0;
        });
        while (left > 0) add(new_frame(gfp::highuser_movable));
    }
}

bool machine_parts::settle_unevictable() {
    for (std::uint64_t i = 0; i < config.start.unevictable.value; ++i)
        add_unevictable(boot_frame(), lru_type::anon);
    return true;
}

// What the map says, and as many pages as were counted: a boot differs from the next by a few.
bool machine_parts::settle_by_map() {
    const initial_state& start = config.start;
    zone& z = home.zones().front();
    std::uint64_t locked = start.unevictable.value;
    for (const auto& [use, type] :
         {std::pair{frame_use::locked_file, lru_type::file}, std::pair{frame_use::locked, lru_type::anon}}) {
        for_each_frame(start.map, use, [&, type = type](std::uint64_t n) {
            if (locked == 0) return false;
            --locked;
            add_unevictable(frames[pfn{n}], type);
            return true;
        });
    }
    for (; locked > 0; --locked) {
        page* const p = get_page_from_freelist(home, gfp::kernel, page_order{0}, alloc_mark::none).frame;
        if (p == nullptr) return false;
        add_unevictable(*p, lru_type::anon);
    }
    home.drain_all_pages(); // what came along with new frames
    std::uint64_t stock = start.pcp_pages.value;
    const std::uint64_t free = start.free_pages.value_or(page_count{z.nr_free_pages()}).value;
    for_each_frame(start.map, frame_use::per_cpu, [&](std::uint64_t n) {
        if (stock > 0) {
            --stock;
            z.stock_pcp(frames[pfn{n}]);
        } else if (z.nr_free_pages() < free) {
            z.release_initial(frames[pfn{n}]);
        }
        return true;
    });
    stock -= z.fill_pcp(page_count{stock}, migratetype::movable).value;
    release_in_use(free);
    if (z.nr_free_pages() > free)
        home.take_initial(page_count{z.nr_free_pages() - free}, migratetype::unmovable);
    return stock == 0;
}

// The last of the frames that the map has in use, until so many are free.
void machine_parts::release_in_use(std::uint64_t free) {
    zone& z = home.zones().front();
    if (z.nr_free_pages() >= free) return;
    std::vector<std::uint64_t> used;
    for_each_frame(config.start.map, frame_use::in_use, [&](std::uint64_t n) {
        used.push_back(n);
        return true;
    });
    for (; z.nr_free_pages() < free && used.size() > nr_boot_frames_; used.pop_back())
        z.release_initial(frames[pfn{used.back()}]);
}

void machine_parts::settle(mm& first) {
    for (const vpn n : config.start.tables_at) {
        for (int level = first.table().missing_level(n); level >= 0; level = first.table().missing_level(n)) {
            first.table().install_table(n, level, boot_frame());
            if (counts_table(config.profile, level)) stat.add(vm_item::nr_page_table_pages);
        }
    }
    settle_metadata();
    const bool fits = config.start.map.empty() ? settle_unevictable() && home.settle(config.start.free_pages,
                                                                                     config.start.pcp_pages,
                                                                                     config.start.free_blocks)
                                               : settle_by_map();
    if (!fits) throw std::invalid_argument{"the initial state does not fit into memory"};
    bdi.set_ratelimit();
    stat.clear_events();
    clock = sim_clock{};
    clock.advance_to(sim_time{config.start.since_tick.ns});
}

vmstat machine_parts::snapshot() const {
    vmstat s = stat;
    const dirty_limits l = bdi.limits();
    s.set(vm_item::nr_dirty_threshold, l.thresh);
    s.set(vm_item::nr_dirty_background_threshold, l.bg_thresh);
    return s;
}

} // namespace pagesim
