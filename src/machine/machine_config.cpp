// SPDX-License-Identifier: MIT
#include <pagesim/machine/machine_config.hpp>

#include <pagesim/swap/swap_entry.hpp>

#include <fmt/format.h>

namespace pagesim {

machine_config machine_with(page_count memory) {
    machine_config config;
    config.zones = {zone_config{.type = zone_type::dma, .present = memory, .managed = memory}};
    return config;
}

std::optional<std::string> find_fault_in(const machine_config& config) {
    constexpr std::uint64_t smallest_pages = 256;        // 1 MiB
    constexpr std::uint64_t largest_pages = 1ULL << 30U; // 4 TiB: what 32-bit links reach with room to spare
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
    if (config.swap.device != swap_device::none) {
        if (config.swap.pages.value == 0) return "a swap device of no pages: leave the device out instead";
        if (config.swap.pages.value >= max_swap_slots) {
            return fmt::format("swap of {} pages is too large: the most is {} (512 GiB less a page)",
                               config.swap.pages.value, max_swap_slots - 1);
        }
        if (config.swap.max_request_pages == 0) return "a swap request must be able to carry a page";
        if (config.swap.device == swap_device::flash && config.swap.flash.queue_depth == 0) {
            return "a flash device needs a queue depth of at least 1";
        }
    }
    if (config.files.max_request_pages == 0)
        return "a request to the files' device must be able to carry a page";
    if (config.files.device == file_device::flash && config.files.flash.queue_depth == 0)
        return "a flash device needs a queue depth of at least 1";
    if (config.dirty.ratio > 100 || config.dirty.background_ratio > 100)
        return "a share of dirty memory is at most 100 percent";
    if (config.dirty.bytes != 0 && config.dirty.bytes < 2 * page_size)
        return "dirty memory in bytes must be two pages at least, or 0";
    const page_count taken = config.start.pcp_pages + config.start.unevictable;
    if (taken.value + config.start.free_pages.value_or(page_count{1}).value >= managed) {
        return "the initial state does not fit into memory";
    }
    return std::nullopt;
}

} // namespace pagesim
