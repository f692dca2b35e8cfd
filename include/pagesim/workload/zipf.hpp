// SPDX-License-Identifier: MIT
// Zipf's law in whole numbers: rank k (from 1) is chosen with a probability in proportion to k^-theta.
//
// The weights are computed without floating point, so that they are the same on every machine: log2 k bit by bit
// by squaring, times theta, and 2^-x as a product of repeated square roots of a half. They have 48 binary places, of
// which about 30 are exact; where their sum would not fit into 64 bits, all are shifted right alike.
//
// Choosing is one search in the sums of the weights. A table of about twice as many buckets as ranks tells where
// to begin, so that it takes a step or two: two host cache misses for a large table.
#pragma once

#include <pagesim/base/dice.hpp>

#include <cstdint>
#include <vector>

namespace pagesim {

// The exponent in millionths: 0.99 is 990'000. At most 10.
struct zipf_exponent {
    std::uint64_t millionths = 990'000;
};

// k^-theta with 48 binary places; k from 1 to 2^32, theta from 0 to 10.
[[nodiscard]] std::uint64_t zipf_weight(std::uint64_t k, zipf_exponent theta);

class zipf_table {
public:
    static constexpr std::uint64_t most_ranks = 1ULL << 28U;
    // 1 to most_ranks ranks; takes 12 to 16 bytes of host memory for each.
    zipf_table(std::uint64_t ranks, zipf_exponent theta);

    // A rank from 0 on.
    [[nodiscard]] std::uint64_t choose(dice& d) const;
    [[nodiscard]] std::uint64_t size() const { return sums_.size(); }

private:
    std::vector<std::uint64_t> sums_;    // of the weights up to and with this rank
    std::vector<std::uint32_t> buckets_; // the first rank whose sum is above the bucket's lower end
    unsigned shift_ = 0;                 // a bucket is 2^shift_ wide
};

} // namespace pagesim
