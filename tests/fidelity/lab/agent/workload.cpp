// SPDX-License-Identifier: MIT
#include "workload.hpp"

#include "report.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lab {

namespace {

constexpr std::uint32_t pages_a_call = 16; // of pread and pwrite

struct region {
    std::byte* at = nullptr;
    std::uint64_t pages = 0;
    int fd = -1;

    [[nodiscard]] std::byte* page(std::uint64_t number) const { return at + number * page_bytes; }
};

struct op {
    word what;
    std::uint16_t name;
    std::uint32_t page;
    std::uint32_t count;
    std::uint32_t extra;
};

std::array<region, most_names> regions;
alignas(page_bytes) std::array<std::byte, pages_a_call * page_bytes> transfer;
// How often an operation took 2^n ns and more, but less than 2^(n + 1), by word and n.
std::array<std::array<std::uint64_t, 64>, static_cast<std::size_t>(word::count_)> durations;
std::uint64_t words_a_store = 1;
std::uint64_t stores = 0;
volatile std::uint64_t sink;

std::uint64_t scramble(std::uint64_t x) {
    x ^= x >> 32U;
    x *= 0xd6e8feb86659fd93U;
    x ^= x >> 32U;
    return x;
}

// What is stored differs each time and is never zero. A single word lies at a place that depends on the page; more
// lie at the page's beginning, and none of them compresses.
void store(std::byte* at, std::uint64_t page) {
    std::uint64_t value = scramble(++stores * 0x9e3779b97f4a7c15U + page) | 1U;
    const std::uint64_t place = words_a_store == 1 ? page * 0x128U % page_bytes : 0;
    auto* const words = reinterpret_cast<volatile std::uint64_t*>(at + place / 8 * 8);
    for (std::uint64_t i = 0; i < words_a_store; ++i) {
        words[i] = value;
        value = scramble(value + i) | 1U;
    }
}

void load_pages(const region& from, const op& o) {
    std::uint64_t sum = 0;
    const std::byte* at = from.page(o.page) + 64;
    for (std::uint32_t i = 0; i < o.count; ++i, at += page_bytes)
        sum += *reinterpret_cast<const volatile std::uint64_t*>(at);
    sink = sink + sum;
}

void store_pages(const region& to, const op& o) {
    std::byte* at = to.page(o.page);
    for (std::uint32_t i = 0; i < o.count; ++i, at += page_bytes) store(at, o.page + i);
}

void transfer_pages(const region& file, const op& o) {
    for (std::uint32_t done = 0; done < o.count; done += pages_a_call) {
        const std::uint32_t n = o.count - done < pages_a_call ? o.count - done : pages_a_call;
        const auto bytes = static_cast<ssize_t>(n * page_bytes);
        const auto place = static_cast<off_t>((std::uint64_t{o.page} + done) * page_bytes);
        if (o.what == word::pread) {
            if (pread(file.fd, transfer.data(), static_cast<std::size_t>(bytes), place) != bytes)
                fail_by_errno("pread");
            continue;
        }
        for (std::uint32_t i = 0; i < n; ++i) store(transfer.data() + i * page_bytes, o.page + done + i);
        if (pwrite(file.fd, transfer.data(), static_cast<std::size_t>(bytes), place) != bytes)
            fail_by_errno("pwrite");
    }
}

void map_pages(region& r, int flags) {
    void* const at = mmap(nullptr, r.pages * page_bytes, PROT_READ | PROT_WRITE, flags, r.fd, 0);
    if (at == MAP_FAILED) fail_by_errno("mmap");
    r.at = static_cast<std::byte*>(at);
}

void open_file(region& r, std::string_view name) {
    const text path = text{"/files/"} << name;
    r.fd = open(path.c_str(), O_RDWR | O_NOATIME | O_CLOEXEC);
    if (r.fd < 0) fail_by_errno(path.view());
}

void check(int result, std::string_view what) {
    if (result != 0) fail_by_errno(what);
}

// The words that do not touch pages one by one.
void call_kernel(region& r, const op& o, const job& work) {
    const std::size_t bytes = std::size_t{o.count} * page_bytes;
    switch (o.what) {
    case word::anon:
        r = {.at = nullptr, .pages = o.count, .fd = -1};
        return map_pages(r, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    case word::file: r.pages = o.count; return open_file(r, work.name(o.name));
    case word::map: return map_pages(r, MAP_SHARED);
    case word::unmap: return check(munmap(r.at, r.pages * page_bytes), "munmap");
    case word::close: return check(close(r.fd), "close");
    case word::fsync: return check(fsync(r.fd), "fsync");
    case word::mlock: return check(mlock(r.page(o.page), bytes), "mlock");
    case word::munlock: return check(munlock(r.page(o.page), bytes), "munlock");
    case word::madvise:
        if (madvise(r.page(o.page), bytes, static_cast<int>(o.extra)) != 0)
            tell("warning", std::strerror(errno));
        return;
    case word::sleep: return sleep_ns(std::uint64_t{o.extra} * 1'000'000U);
    case word::drop: return set("/proc/sys/vm/drop_caches", "3");
    default: fail("the job has a word that this agent does not know");
    }
}

void perform(const op& o, const job& work) {
    region& r = regions[o.name];
    switch (o.what) {
    case word::r: return load_pages(r, o);
    case word::w: return store_pages(r, o);
    case word::pread:
    case word::pwrite: return transfer_pages(r, o);
    default: return call_kernel(r, o, work);
    }
}

op decode(const volatile std::uint64_t* words) {
    const std::uint64_t low = words[0];
    const std::uint64_t high = words[1];
    return {.what = static_cast<word>(low & 0xffffU),
            .name = static_cast<std::uint16_t>(low >> 16U & 0xffffU),
            .page = static_cast<std::uint32_t>(low >> 32U),
            .count = static_cast<std::uint32_t>(high),
            .extra = static_cast<std::uint32_t>(high >> 32U)};
}

// "word n times", one a line
void tell_durations() {
    for (std::size_t w = 0; w < durations.size(); ++w) {
        for (std::size_t n = 0; n < durations[w].size(); ++n) {
            if (durations[w][n] == 0) continue;
            tell("duration",
                 (text{} << std::uint64_t{w} << " " << std::uint64_t{n} << " " << durations[w][n]).view());
        }
    }
}

} // namespace

void run_workload(const job& work) {
    const std::uint64_t all = work.operations();
    const std::uint64_t part = all / 10;
    std::uint64_t next = part == 0 ? all : part;
    words_a_store = work.config().number("fill") / 8;

    snapshot_of_all({.label = "BEFORE", .operation = 0});
    const std::uint64_t begin = now_ns();
    std::uint64_t last = begin;
    const volatile std::uint64_t* words = work.words().data();
    for (std::uint64_t i = 0; i < all; ++i, words += 2) {
        if (i == next) {
            snapshot_of_vmstat({.label = "", .operation = i});
            next = next + part + part / 2 > all ? all : next + part;
            last = now_ns();
        }
        const op o = decode(words);
        if (o.what == word::mark) {
            snapshot_of_vmstat({.label = work.name(o.name), .operation = i});
            last = now_ns();
            continue;
        }
        perform(o, work);
        const std::uint64_t time = now_ns();
        const std::uint64_t took = (time - last) | 1U;
        last = time;
        ++durations[static_cast<std::size_t>(o.what)][static_cast<std::size_t>(std::bit_width(took)) - 1];
    }
    const std::uint64_t end = now_ns();
    snapshot_of_all({.label = "AFTER", .operation = all});
    tell("start_ns", (text{} << begin).view());
    tell("workload_ns", (text{} << end - begin).view());
    tell_durations();
}

} // namespace lab
