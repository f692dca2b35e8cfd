// SPDX-License-Identifier: MIT
// Numbers that reader and writer of the binary trace agree on (the format: binary_trace.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace pagesim {

inline constexpr std::size_t fixed_header_bytes = 72;
inline constexpr std::uint64_t most_ranges = 65530;
inline constexpr std::uint64_t longest_name = 4096;
inline constexpr std::uint64_t private_frames = 1; // flag of a range

inline constexpr std::uint32_t item_end = 0;
inline constexpr std::uint32_t item_records = 1;
inline constexpr std::uint32_t item_anon = 2;
inline constexpr std::uint32_t item_unmap = 3;
inline constexpr std::uint32_t item_sleep = 4;
inline constexpr std::uint32_t item_mark = 5;
inline constexpr std::uint32_t item_mlock = 6;
inline constexpr std::uint32_t item_munlock = 7;
inline constexpr std::uint32_t item_file = 8;
inline constexpr std::uint32_t item_map = 9;
inline constexpr std::uint32_t item_pread = 10;
inline constexpr std::uint32_t item_pwrite = 11;
inline constexpr std::uint32_t item_close = 12;
inline constexpr std::uint32_t item_fsync = 13;
inline constexpr std::uint32_t item_drop = 14;
inline constexpr std::uint32_t item_madvise = 15;

[[nodiscard]] constexpr std::size_t padded(std::size_t bytes) { return (bytes + 7) / 8 * 8; }

} // namespace pagesim
