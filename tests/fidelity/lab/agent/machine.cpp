// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include "report.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lab {

namespace {

// "null_blk bs=4096 gb=2": a module and its parameters. Its file is not needed afterwards.
void load_module(std::string_view line) {
    const text path = text{"/modules/"} << settings::cut(line, ' ') << ".ko";
    const text parameters{line};
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail_by_errno(path.view());
    if (syscall(SYS_finit_module, fd, parameters.c_str(), 0) != 0 && errno != EEXIST)
        fail_by_errno(path.view());
    close(fd);
    unlink(path.c_str());
}

void mount_files(const settings& config) {
    const text device{config.get("files")};
    if (device.view().empty()) return;
    wait_for(device.c_str());
    if (mount(device.c_str(), "/files", "ext4", MS_NOATIME, "") != 0)
        fail_by_errno("the file system can't be mounted");
}

// The first page of a swap area, version 1: the last page's number, and the signature at the page's end.
void write_swap_header(int fd, std::uint64_t pages) {
    static std::array<char, page_bytes> page;
    const std::array<std::uint32_t, 3> info{1, static_cast<std::uint32_t>(pages - 1), 0};
    constexpr std::string_view signature = "SWAPSPACE2";
    std::memcpy(page.data() + 1024, info.data(), sizeof info);
    std::memcpy(page.data() + page.size() - signature.size(), signature.data(), signature.size());
    if (pwrite(fd, page.data(), page.size(), 0) != static_cast<ssize_t>(page.size()))
        fail_by_errno("the swap header");
}

void swap_on(const settings& config) {
    const std::string_view kind = config.get("swap");
    if (kind == "none") return;
    const std::uint64_t pages = config.number("swap_pages");
    const bool compressed = kind == "zram";
    const char* const device = compressed ? "/dev/zram0" : "/dev/nullb0";
    wait_for(device);
    if (compressed) {
        set("/sys/block/zram0/comp_algorithm", "lz4");
        set("/sys/block/zram0/disksize", (text{} << pages * page_bytes).view());
    }
    const int fd = open(device, O_RDWR | O_CLOEXEC);
    if (fd < 0) fail_by_errno(device);
    write_swap_header(fd, pages);
    // null_blk keeps no data: the header is in the device's page cache as long as somebody has the device open.
    if (compressed) fsync(fd);
    if (swapon(device, 0) != 0) fail_by_errno("swapon");
    if (compressed) close(fd);
}

// Not in use already; but said again it makes Linux 5.11 and later compute the watermarks from all memory that is
// managed by now, where at boot they did not know yet what the kernel's own start would give back.
void no_huge_pages() { write_file("/sys/kernel/mm/transparent_hugepage/enabled", "never"); }

void choose_lru(const settings& config) {
    const bool generations = config.get("lru") == "mglru";
    const bool took = write_file("/sys/kernel/mm/lru_gen/enabled", generations ? "y" : "n");
    if (generations && !took) fail("this kernel has no multi-generational LRU");
}

// "vm/swappiness 60"
void set_sysctl(std::string_view line) {
    const text path = text{"/proc/sys/"} << settings::cut(line, ' ');
    set(path.c_str(), line);
}

void tell_what_it_is() {
    constexpr std::array<std::string_view, 14> knobs{"vm/swappiness",
                                                     "vm/page-cluster",
                                                     "vm/min_free_kbytes",
                                                     "vm/watermark_scale_factor",
                                                     "vm/watermark_boost_factor",
                                                     "vm/vfs_cache_pressure",
                                                     "vm/dirty_ratio",
                                                     "vm/dirty_background_ratio",
                                                     "vm/dirty_expire_centisecs",
                                                     "vm/dirty_writeback_centisecs",
                                                     "vm/lowmem_reserve_ratio",
                                                     "vm/overcommit_memory",
                                                     "vm/percpu_pagelist_high_fraction",
                                                     "kernel/randomize_va_space"};
    for (const std::string_view knob : knobs) {
        snapshot_of("sysctl", (text{"/proc/sys/"} << knob).c_str(), {.label = knob, .operation = 0});
    }
    snapshot_of("info", "/proc/version", {.label = "version", .operation = 0});
    snapshot_of("info", "/proc/sys/kernel/osrelease", {.label = "release", .operation = 0});
    snapshot_of("info", "/proc/cmdline", {.label = "cmdline", .operation = 0});
    snapshot_of("info", "/sys/kernel/mm/lru_gen/enabled", {.label = "lru_gen", .operation = 0});
}

// A start that differs in what should not matter: so many more locked pages, and as many times 1.25 ms later.
void shift_start(std::uint64_t pages) {
    if (pages == 0) return;
    void* const at = mmap(nullptr, pages * page_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (at == MAP_FAILED || mlock(at, pages * page_bytes) != 0) fail_by_errno("the start can't be shifted");
    sleep_ns(pages * 1'250'000);
}

} // namespace

void mount_system() {
    for (const char* folder : {"/proc", "/sys", "/dev", "/files"}) mkdir(folder, 0755);
    mount("proc", "/proc", "proc", 0, nullptr);
    mount("sysfs", "/sys", "sysfs", 0, nullptr);
    mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr);
}

void set_up(const settings& config) {
    config.each("module", load_module);
    mount_files(config);
    swap_on(config);
    no_huge_pages();
    choose_lru(config);
    config.each("sysctl", set_sysctl);
    tell_what_it_is();
}

void settle(const settings& config) {
    volatile char stack[1U << 16U];
    for (std::size_t at = 0; at < sizeof stack; at += page_bytes) stack[at] = 1; // it will not grow any more
    if (mlockall(MCL_CURRENT) != 0) fail_by_errno("mlockall");
    for (const std::uint64_t seconds : {1U, 2U}) {
        sync();
        set("/proc/sys/vm/drop_caches", "3");
        sleep_ns(seconds * 1'000'000'000);
    }
    shift_start(config.number("shift"));
    sleep_ns(300'000'000);
}

} // namespace lab
