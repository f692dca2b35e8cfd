// SPDX-License-Identifier: MIT
#include <pagesim/machine/machine_config.hpp>

#include <pagesim/sim/jiffies.hpp>
#include <pagesim/swap/bio_pool.hpp>
#include <pagesim/swap/swap_space.hpp>

#include <fmt/format.h>

#include <set>

namespace pagesim {

machine_config machine_with(page_count memory) {
    machine_config config;
    config.zones = {zone_config{.type = zone_type::dma, .present = memory, .managed = memory}};
    return config;
}

std::vector<swap_config> swap_areas(const machine_config& config) {
    std::vector<swap_config> areas{config.swap};
    areas.insert(areas.end(), config.more_swap.begin(), config.more_swap.end());
    std::erase_if(areas, [](const swap_config& a) { return a.device == swap_device::none; });
    return areas;
}

std::optional<std::string> find_fault_in(const swap_config& area) {
    if (area.nr_requests && *area.nr_requests == 0) return "a device must take a request at a time at least";
    if (area.pages.value == 0) return "a swap device of no pages: leave the device out instead";
    if (area.pages.value >= max_swap_slots) {
        return fmt::format("swap of {} pages is too large: the most is {} (512 GiB less a page)",
                           area.pages.value, max_swap_slots - 1);
    }
    if (area.max_request_pages == 0) return "a swap request must be able to carry a page";
    if (area.device == swap_device::flash && area.flash.queue_depth == 0) {
        return "a flash device needs a queue depth of at least 1";
    }
    if (area.device == swap_device::zram && area.medium == swap_medium::rotational) {
        return "zram does not rotate";
    }
    if (const int p = area.priority.value_or(0); p < 0 || p > swap_priority_max) {
        return fmt::format("swap priority {} is out of range: 0 to {}", p, swap_priority_max);
    }
    const std::set<std::uint64_t> bad{area.bad_slots.begin(), area.bad_slots.end()};
    if (bad.size() != area.bad_slots.size()) return "a bad swap slot is named twice";
    if (!bad.empty() && (*bad.begin() == 0 || *bad.rbegin() > area.pages.value)) {
        return fmt::format("a bad swap slot is not one of 1 to {}", area.pages.value);
    }
    if (bad.size() >= area.pages.value) return "every swap slot is bad";
    return std::nullopt;
}

std::optional<std::string> find_fault_in(const machine_config& config) {
    constexpr std::uint64_t smallest_pages = 256;        // 1 MiB
    constexpr std::uint64_t largest_pages = 1ULL << 30U; // 4 TiB: what 32-bit links reach with room to spare
    if (config.start.since_tick >= jiffy) return "a run begins within a jiffy of the last tick";
    std::uint64_t managed = 0;
    std::uint64_t present = 0;
    for (const zone_config& z : config.zones) {
        if (z.managed.value > z.present.value) return "a zone manages more pages than are present";
        if (&z != &config.zones.front() && (&z - 1)->type >= z.type)
            return "zones must ascend, each type once";
        managed += z.managed.value;
        present += z.present.value;
    }
    if (managed < smallest_pages) {
        return fmt::format("memory of {} pages is too small: the least is {} (1 MiB)", managed,
                           smallest_pages);
    }
    if (present > largest_pages) {
        return fmt::format("memory of {} pages is too large: the most is {} (4 TiB)", present, largest_pages);
    }
    if (const std::uint64_t kb = config.memory.min_free_kbytes.value_or(0); kb > managed * 4 / 2) {
        return fmt::format("min_free_kbytes of {} is more than half of the memory ({} kB)", kb, managed * 4);
    }
    if (config.reclaim.swappiness > 200) {
        return fmt::format("swappiness {} is out of range: 0 to 200", config.reclaim.swappiness);
    }
    if (config.reclaim.compaction_proactiveness > 100) {
        return fmt::format("compaction_proactiveness {} is out of range: 0 to 100",
                           config.reclaim.compaction_proactiveness);
    }
    const std::vector<swap_config> areas = swap_areas(config);
    if (areas.size() > config.profile.max_swapfiles) {
        return fmt::format("{} swap areas are too many: the most is {}", areas.size(),
                           config.profile.max_swapfiles);
    }
    for (const swap_config& area : areas) {
        if (auto fault = find_fault_in(area)) return fault;
    }
    if (config.files.max_request_pages == 0)
        return "a request to the files' device must be able to carry a page";
    if (config.files.device == file_device::flash && config.files.flash.queue_depth == 0)
        return "a flash device needs a queue depth of at least 1";
    if (config.dirty.ratio > 100 || config.dirty.background_ratio > 100)
        return "a share of dirty memory is at most 100 percent";
    if (config.dirty.bytes != 0 && config.dirty.bytes < 2 * page_size)
        return "dirty memory in bytes must be two pages at least, or 0";
    if (config.start.slabs.bios < bio_pool::reserve) return "the pool keeps two bios";
    if (!config.start.map.empty()) {
        if (config.zones.size() != 1) return "a memory map needs a machine of one zone";
        if (frames_of(config.start.map) != present) return "a memory map must tell of each frame";
    }
    const page_count taken = config.start.pcp_pages + config.start.unevictable +
                             config.start.metadata.by_mount + config.start.metadata.by_bh_lru;
    if (taken.value + config.start.free_pages.value_or(page_count{1}).value >= managed) {
        return "the initial state does not fit into memory";
    }
    return std::nullopt;
}

} // namespace pagesim
