// SPDX-License-Identifier: MIT
#include "report.hpp"

#include "layout.hpp"
#include "system.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace lab {

namespace {

std::uint64_t* area = nullptr; // header, then entries
std::uint64_t used = 0;
alignas(8) std::array<char, 1U << 16U> buffer;
text kswapd_stat;

std::uint64_t left_out = 0; // entries that had no room

constexpr std::uint64_t header_words = sizeof(report_header) / 8;
constexpr std::uint64_t end_reserve = 1U << 20U;

void put_word(std::uint64_t place, std::uint64_t value) {
    static_cast<volatile std::uint64_t*>(area)[place] = value;
}

void put_header(report_state state) {
    put_word(0, report_magic);
    put_word(1, static_cast<std::uint64_t>(state));
    put_word(2, used);
}

// `from` is aligned, and readable up to a multiple of 8 bytes.
void append(const void* from, std::uint64_t bytes) {
    const auto* const words = static_cast<const std::uint64_t*>(from);
    const std::uint64_t count = (bytes + 7) / 8;
    for (std::uint64_t i = 0; i < count; ++i) put_word(header_words + used / 8 + i, words[i]);
    used += count * 8;
}

template <std::size_t Size>
void copy_name(char (&to)[Size], std::string_view from) {
    std::memcpy(to, from.data(), std::min(from.size(), Size - 1));
}

// Whatever was marked, there is room for what comes at the end.
std::uint64_t reserve_for(const moment& when) { return when.label == "AFTER" ? 0 : end_reserve; }

// The text lies in the buffer.
void put_entry(std::string_view kind, const moment& when, std::uint64_t bytes) {
    entry_head head{.bytes = bytes, .operation = when.operation, .ns = now_ns(), .kind = {}, .label = {}};
    copy_name(head.kind, kind);
    copy_name(head.label, when.label);
    if (sizeof(report_header) + used + sizeof head + bytes + 8 > report_bytes - reserve_for(when)) {
        ++left_out;
        return;
    }
    append(&head, sizeof head);
    append(buffer.data(), bytes);
}

void find_kswapd() {
    std::array<char, 64> name;
    for (std::uint64_t pid = 2; pid < 400; ++pid) {
        const auto found = read_file((text{"/proc/"} << pid << "/comm").c_str(), name);
        if (!found || *found != "kswapd0\n") continue;
        kswapd_stat = text{"/proc/"} << pid << "/stat";
        return;
    }
}

} // namespace

void open_report() {
    area = static_cast<std::uint64_t*>(map_physical(report_at, report_bytes, access::read_and_write));
    put_header(report_state::begun);
    find_kswapd();
}

void tell(std::string_view kind, std::string_view content) {
    if (area == nullptr) return;
    const std::size_t n = std::min(content.size(), buffer.size());
    std::memcpy(buffer.data(), content.data(), n);
    put_entry(kind, {.label = "AFTER", .operation = 0}, n);
}

void snapshot_of(std::string_view kind, const char* path, const moment& when) {
    const auto content = read_file(path, buffer);
    if (content) put_entry(kind, when, content->size());
}

void snapshot_of_vmstat(const moment& when) {
    write_file("/proc/sys/vm/stat_refresh", "1");
    snapshot_of("vmstat", "/proc/vmstat", when);
}

void snapshot_of_all(const moment& when) {
    snapshot_of_vmstat(when);
    for (const char* name : {"zoneinfo", "meminfo", "swaps", "buddyinfo"})
        snapshot_of(name, (text{"/proc/"} << name).c_str(), when);
    snapshot_of("zram_mm_stat", "/sys/block/zram0/mm_stat", when);
    snapshot_of("agent_stat", "/proc/self/stat", when);
    snapshot_of("kswapd_stat", kswapd_stat.c_str(), when);
    snapshot_of("psi_memory", "/proc/pressure/memory", when);
}

void close_report() {
    if (left_out != 0) tell("warning", (text{} << left_out << " snapshots had no room in the report").view());
    put_header(report_state::done);
}

void fail_report(std::string_view reason) {
    if (area == nullptr) return;
    tell("failure", reason);
    put_header(report_state::failed);
}

} // namespace lab
