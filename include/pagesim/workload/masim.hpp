// SPDX-License-Identifier: MIT
// Reader of masim's configurations: a synthetic workload in paragraphs, which is computed, not recorded.
//
//     # regions: name, bytes
//     a, 10485760
//     b, 1048576, none
//
//     first phase                     its name
//     1000                            milliseconds
//     a, 0, 64, 3, wo                 region, 1 random or 0 sequential, stride, weight; ro, rw or wo (the default)
//     b, 1, 64, 1, ro
//
// As masim does it: the regions are mapped; in each phase a pattern is drawn by weight, makes masim_batch
// accesses and another is drawn, until the phase's time is over. A sequential pattern goes on where it was,
// and from the region's start again behind its end. A random one does not use its stride; rw is a load and a
// store to the same place. A phase in which all weights are 0 passes asleep. Lines that begin by # are
// comments and end no paragraph.
//
// What differs: an access takes masim_gap instructions, so a phase is a number of accesses and takes its time
// plus that of its faults (masim looks at the clock); the random numbers are ours; a data file (third field
// of a region) is not loaded.
//
// The whole file is read before the first access, so what is wrong in it is told before anything runs.
#pragma once

#include <pagesim/base/dice.hpp>
#include <pagesim/workload/access_stream.hpp>
#include <pagesim/workload/footprint.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pagesim {

inline constexpr std::uint64_t masim_gap = 10;
inline constexpr std::uint64_t masim_batch = 131072;

enum class masim_order : std::uint8_t { sequential, random };
enum class masim_mode : std::uint8_t { read_only, write_only, read_write };

struct masim_region {
    std::string name;
    std::uint64_t bytes = 0;
    vpn first{0};

    [[nodiscard]] page_count pages() const { return {(bytes + page_size - 1) >> page_shift}; }
};

struct masim_pattern {
    std::size_t region = 0;
    masim_order order = masim_order::sequential;
    std::uint64_t stride = 1;
    std::uint64_t weight = 0;
    masim_mode mode = masim_mode::write_only;
    std::uint64_t offset = 0; // of the last access
};

struct masim_phase {
    std::string name;
    std::uint64_t milliseconds = 0;
    std::vector<masim_pattern> patterns;

    [[nodiscard]] std::uint64_t weights() const;
};

struct masim_config {
    std::vector<masim_region> regions;
    std::vector<masim_phase> phases;
    std::uint64_t comments = 0; // and empty lines
    std::uint64_t hash = 0;     // of the file's bytes

    // Accesses of all phases.
    [[nodiscard]] std::uint64_t accesses() const;
    // Pages that some pattern can reach.
    [[nodiscard]] page_count reachable() const;
};

[[nodiscard]] std::variant<masim_config, input_error> read_masim(const std::string& path);

[[nodiscard]] scan_result scan_masim(const std::string& path);

class masim_stream final : public access_stream {
public:
    // A file that is wrong is reported by next().
    explicit masim_stream(const std::string& path);
    explicit masim_stream(masim_config config);

    [[nodiscard]] stream_item next() override;
    [[nodiscard]] stream_counts counts() const override { return counts_; }

private:
    // Ends the phase and begins the next.
    [[nodiscard]] std::optional<stream_item> begin_phase();
    void fill();
    void draw_pattern();
    void run_sequential(std::uint64_t most);
    void run_random(std::uint64_t most);
    void put(std::uint64_t page, std::uint64_t accesses);

    masim_config config_;
    dice dice_{1};
    std::size_t mapped_ = 0; // regions
    std::size_t next_phase_ = 0;
    std::uint64_t left_ = 0;       // accesses of the phase
    std::uint64_t batch_left_ = 0; // and of the pattern
    masim_pattern* pattern_ = nullptr;
    std::vector<access_record> block_;
    stream_counts counts_;
    std::optional<input_error> error_;
};

} // namespace pagesim
