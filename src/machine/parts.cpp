// SPDX-License-Identifier: MIT
#include <pagesim/machine/parts.hpp>

#include <pagesim/mmu/descriptor.hpp>

#include <stdexcept>

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

} // namespace

page* pool_frames::take_frame() {
    constexpr gfp_flags wanted{gfp_flag::kswapd_reclaim, gfp_flag::nowarn, gfp_flag::highmem,
                               gfp_flag::movable};
    return alloc_page_memalloc(*rc_, wanted);
}

void pool_frames::give_frame(page& p) { rc_->batches.put_page(p); }

page* slab_frames::take_slab(page_order order, migratetype type) {
    return alloc_slab_pages(*rc_, order, type);
}

void slab_frames::give_slab(page& head, page_order order) {
    const bool last = head.put_testzero();
    PAGESIM_ASSERT_PAGE(last, head);
    rc_->cpu.emit(tracepoints::page_free{.pfn = raw(rc_->home.frames().pfn_of(head)), .order = raw(order)});
    rc_->home.zone_of(head).free_pages(head, order);
}

machine_parts::machine_parts(const machine_config& c, waker& wakes, trace_sink* trace)
    : config{c}, cpu{.clock = clock,
                     .cost = config.cost,
                     .stat = stat,
                     .events = events,
                     .wakes = wakes,
                     .trace = trace},
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
      nodes{cpu, slabs, radix_tree_node}, buffer_heads{cpu, slabs, buffer_head},
      handles{cpu, slabs, zs_handle_slab}, shadows{cache, home}, rc{.cpu = cpu,
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
                                                                    .reasons = reasons,
                                                                    .shadows = shadows,
                                                                    .flusher = &bdi},
      fc{.rc = rc, .tlbs = tlbs, .bdi = bdi, .zero_page = no_pfn, .hardware_ages = config.cpu.has_hw_af()} {
    tlbs.attach(cpu_mmu.entries());
    cache.set_listener(bdi);
    pool.attach(rc);
    slabs.attach(rc);
    cache.set_slabs(nodes, buffer_heads);
    swap.set_node_cache(nodes);
    io = std::make_unique<swap_io>(cpu, swap, batches, lru, config.profile.zram_reads);
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
        device.store = std::make_unique<zram>(cpu, pool, area.zram, &handles);
        target.store = device.store.get();
    } else {
        device.flash = std::make_unique<flash_device>(area.flash);
        target.device = device.flash.get();
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

// A frame for something that is there before the run.
page& machine_parts::boot_frame() {
    page* p = get_page_from_freelist(home, gfp::kernel, page_order{0}, alloc_mark::none).frame;
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

void machine_parts::settle(mm& first) {
    for (const vpn n : config.start.tables_at) {
        for (int level = first.table().missing_level(n); level >= 0; level = first.table().missing_level(n)) {
            first.table().install_table(n, level, boot_frame());
            if (counts_table(config.profile, level)) stat.add(vm_item::nr_page_table_pages);
        }
    }
    for (std::uint64_t i = 0; i < config.start.unevictable.value; ++i) {
        page& p = boot_frame();
        p.set(page_flag::swapbacked);
        p.set(page_flag::mlocked);
        p.set(page_flag::unevictable);
        lru.add_page(p);
    }
    if (!home.settle(config.start.free_pages, config.start.pcp_pages, config.start.free_blocks)) {
        throw std::invalid_argument{"the initial state does not fit into memory"};
    }
    bdi.set_ratelimit();
    stat.clear_events();
    clock = sim_clock{};
}

vmstat machine_parts::snapshot() const {
    vmstat s = stat;
    const dirty_limits l = bdi.limits();
    s.set(vm_item::nr_dirty_threshold, l.thresh);
    s.set(vm_item::nr_dirty_background_threshold, l.bg_thresh);
    return s;
}

} // namespace pagesim
