// SPDX-License-Identifier: MIT
// Numbers that cannot be mixed.
//
// A *place* is an enumeration without arithmetic: a page frame number (pfn) cannot be added to a virtual page
// number (vpn), nor either of them to an address. A *quantity* is a one-field struct with the arithmetic that
// makes sense for it: page_count, sim_duration, and the instant sim_time.
//
//     bytes   virt_addr  -- vpn_of / addr_of -->  vpn     (4 KiB pages, PAGE_SHIFT 12)
//     bytes   phys_addr  -- pfn_of / addr_of -->  pfn
//     time    sim_time + sim_duration = sim_time;  sim_time - sim_time = sim_duration   (nanoseconds, integers)
//
// Left out on purpose: floating point. Nothing that a run depends on is a float.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace pagesim {

inline constexpr unsigned page_shift = 12;                     // kernel: PAGE_SHIFT
inline constexpr std::uint64_t page_size = 1ULL << page_shift; // bytes

enum class pfn : std::uint64_t {};       // page frame number; frame 0 is the first frame of the machine
enum class vpn : std::uint64_t {};       // virtual page number, 36 bits used (48-bit virtual addresses)
enum class virt_addr : std::uint64_t {}; // bytes
enum class phys_addr : std::uint64_t {}; // bytes
enum class asid : std::uint16_t {};      // address space identifier of the TLB
enum class page_order : std::uint8_t {}; // a block of 2^order pages

inline constexpr pfn no_pfn{std::numeric_limits<std::uint64_t>::max()};

[[nodiscard]] constexpr std::uint64_t raw(pfn n) { return static_cast<std::uint64_t>(n); }
[[nodiscard]] constexpr std::uint64_t raw(vpn n) { return static_cast<std::uint64_t>(n); }
[[nodiscard]] constexpr std::uint64_t raw(virt_addr a) { return static_cast<std::uint64_t>(a); }
[[nodiscard]] constexpr std::uint64_t raw(phys_addr a) { return static_cast<std::uint64_t>(a); }
[[nodiscard]] constexpr std::uint16_t raw(asid a) { return static_cast<std::uint16_t>(a); }
[[nodiscard]] constexpr unsigned raw(page_order o) { return static_cast<unsigned>(o); }

[[nodiscard]] constexpr vpn vpn_of(virt_addr a) { return vpn{raw(a) >> page_shift}; }
[[nodiscard]] constexpr pfn pfn_of(phys_addr a) { return pfn{raw(a) >> page_shift}; }
[[nodiscard]] constexpr virt_addr addr_of(vpn n) { return virt_addr{raw(n) << page_shift}; }
[[nodiscard]] constexpr phys_addr addr_of(pfn n) { return phys_addr{raw(n) << page_shift}; }
[[nodiscard]] constexpr vpn operator+(vpn n, std::uint64_t pages) { return vpn{raw(n) + pages}; }
[[nodiscard]] constexpr vpn operator-(vpn n, std::uint64_t pages) { return vpn{raw(n) - pages}; }
[[nodiscard]] constexpr std::uint64_t operator-(vpn a, vpn b) { return raw(a) - raw(b); }
[[nodiscard]] constexpr pfn operator+(pfn n, std::uint64_t pages) { return pfn{raw(n) + pages}; }
[[nodiscard]] constexpr std::uint64_t operator-(pfn a, pfn b) { return raw(a) - raw(b); }

// A number of 4 KiB pages.
struct page_count {
    std::uint64_t value = 0;

    friend constexpr auto operator<=>(const page_count&, const page_count&) = default;
    constexpr page_count& operator+=(page_count o) {
        value += o.value;
        return *this;
    }
    constexpr page_count& operator-=(page_count o) {
        value -= o.value;
        return *this;
    }
    friend constexpr page_count operator+(page_count a, page_count b) { return {a.value + b.value}; }
    friend constexpr page_count operator-(page_count a, page_count b) { return {a.value - b.value}; }
    [[nodiscard]] constexpr std::uint64_t bytes() const { return value << page_shift; }
};

[[nodiscard]] constexpr page_count pages_of(page_order o) { return {1ULL << raw(o)}; }

// A span of simulated time in nanoseconds.
struct sim_duration {
    std::uint64_t ns = 0;

    friend constexpr auto operator<=>(const sim_duration&, const sim_duration&) = default;
    constexpr sim_duration& operator+=(sim_duration o) {
        ns += o.ns;
        return *this;
    }
    friend constexpr sim_duration operator+(sim_duration a, sim_duration b) { return {a.ns + b.ns}; }
    friend constexpr sim_duration operator-(sim_duration a, sim_duration b) { return {a.ns - b.ns}; }
    friend constexpr sim_duration operator*(sim_duration a, std::uint64_t n) { return {a.ns * n}; }
};

// An instant: nanoseconds since the machine was built.
struct sim_time {
    std::uint64_t ns = 0;

    friend constexpr auto operator<=>(const sim_time&, const sim_time&) = default;
    friend constexpr sim_time operator+(sim_time t, sim_duration d) { return {t.ns + d.ns}; }
    friend constexpr sim_duration operator-(sim_time a, sim_time b) { return {a.ns - b.ns}; }
};

inline constexpr sim_time never{std::numeric_limits<std::uint64_t>::max()};

[[nodiscard]] constexpr sim_duration nanoseconds(std::uint64_t n) { return {n}; }
[[nodiscard]] constexpr sim_duration microseconds(std::uint64_t n) { return {n * 1000}; }
[[nodiscard]] constexpr sim_duration milliseconds(std::uint64_t n) { return {n * 1000 * 1000}; }

static_assert(raw(vpn_of(virt_addr{0x7f12'3456'7abc})) == 0x7'f123'4567);

} // namespace pagesim
