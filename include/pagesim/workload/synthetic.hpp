// SPDX-License-Identifier: MIT
// Access streams that are computed: no file, any size, the same on every machine.
//
//     zipf:pages=100000,theta=0.99,writes=0.3,accesses=5M,seed=1
//     uniform:pages=100000
//     seqloop:pages=40000,writes=1
//     hotcold:pages=100000,hot=0.1,hot_accesses=0.9,phase=1M
//
//     zipf      page of rank k with a probability in proportion to k^-theta; ranks lie scattered over the pages
//     uniform   every page alike
//     seqloop   page after page, from the first again after the last: what LRU is worst at
//     hotcold   `hot` of the pages get `hot_accesses` of the accesses; after each `phase` accesses the hot part moves
//               on by its own size, so what was hot is cold and must be found out to be (0: never)
//
// All take  pages       different pages, 1 to 2^32 - 1, zipf to 2^28 (default 100000)
//           writes      share of the accesses that store, 0 to 1 (default 0.5)
//           accesses    how many (default 1M)
//           gap         instructions from one access to the next, 1 to 8191 (default 100)
//           seed        default 1
//           untouched   what a load from a page finds that was never touched: `data` (default), so that it takes
//                       a frame, or `zero`, the shared zero page, as in a region fresh from mmap
// Numbers may end in k, M or G (thousands, millions, ...); shares have at most six decimals and are kept as
// millionths. The pages are one private anonymous region; nothing is touched in advance.
#pragma once

#include <pagesim/base/dice.hpp>
#include <pagesim/workload/access_stream.hpp>
#include <pagesim/workload/footprint.hpp>
#include <pagesim/workload/zipf.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pagesim {

enum class synthetic_kind : std::uint8_t { zipf, uniform, seqloop, hotcold };

enum class untouched_pages : std::uint8_t { hold_data, read_as_zero };

// A share in millionths.
struct millionths {
    std::uint64_t value = 0;
    friend constexpr bool operator==(millionths, millionths) = default;
};

struct synthetic_config {
    synthetic_kind kind = synthetic_kind::zipf;
    page_count pages{100'000};
    std::uint64_t accesses = 1'000'000;
    millionths writes{500'000};
    std::uint64_t gap = 100; // instructions
    std::uint64_t seed = 1;
    untouched_pages untouched = untouched_pages::hold_data;
    zipf_exponent theta{};            // zipf
    millionths hot{100'000};          // hotcold
    millionths hot_accesses{900'000}; // hotcold
    std::uint64_t phase = 0;          // hotcold; 0: half of the accesses
};

// Whether the text begins by a kind and a colon.
[[nodiscard]] bool is_synthetic(std::string_view text);
// A configuration, or what is wrong with the text (the word and why).
[[nodiscard]] std::variant<synthetic_config, std::string> parse_synthetic(std::string_view text);
// All parameters that matter, spelled out: equal text, equal stream.
[[nodiscard]] std::string to_string(const synthetic_config& c);

// What the stream touches; as hash, that of to_string().
[[nodiscard]] footprint scan_synthetic(const synthetic_config& c);

class synthetic_stream final : public access_stream {
public:
    // `c` as parse_synthetic() makes it.
    explicit synthetic_stream(const synthetic_config& c);

    [[nodiscard]] stream_item next() override;
    [[nodiscard]] stream_counts counts() const override;
    [[nodiscard]] std::uint64_t hash() const;
    // The region, if it is there from the start (untouched=data). Otherwise the stream maps it.
    [[nodiscard]] std::vector<page_range> ranges() const;

private:
    [[nodiscard]] std::uint64_t choose_page();
    [[nodiscard]] std::uint64_t choose_hot_or_cold();
    void fill();

    synthetic_config config_;
    dice dice_;
    std::optional<zipf_table> ranks_;
    std::uint64_t scatter_ = 1; // page of rank r: r * scatter_ mod pages
    vpn first_{0};
    std::uint64_t done_ = 0;
    bool mapped_ = false;
    std::vector<access_record> block_;
};

} // namespace pagesim
