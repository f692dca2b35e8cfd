// SPDX-License-Identifier: MIT
#include <pagesim/workload/zipf.hpp>

#include <pagesim/base/assert.hpp>

#include <algorithm>
#include <array>
#include <bit>

namespace pagesim {

namespace {

constexpr unsigned fraction_bits = 32;
constexpr std::uint64_t one = 1ULL << fraction_bits;

constexpr std::uint64_t root_of(std::uint64_t n) {
    std::uint64_t root = 0;
    for (std::uint64_t bit = 1ULL << 31U; bit != 0; bit >>= 1U) {
        if ((root + bit) * (root + bit) <= n) root += bit;
    }
    return root;
}

// 2^(-1/2), 2^(-1/4), ... with 32 binary places.
constexpr std::array<std::uint64_t, fraction_bits> make_roots_of_a_half() {
    std::array<std::uint64_t, fraction_bits> roots{};
    std::uint64_t r = one / 2;
    for (std::uint64_t& root : roots) {
        // The root of r * 2^32; r is below 2^32, so the product fits.
        r = root_of(r << fraction_bits);
        root = r;
    }
    return roots;
}
constexpr std::array roots_of_a_half = make_roots_of_a_half();

// log2 of k with 32 binary places.
std::uint64_t log2_of(std::uint64_t k) {
    const auto whole = static_cast<unsigned>(std::bit_width(k)) - 1;
    std::uint64_t mantissa = k << (31U - whole); // 1 to 2, with 31 binary places
    std::uint64_t log = std::uint64_t{whole} << fraction_bits;
    for (std::uint64_t bit = one / 2; bit != 0; bit >>= 1U) {
        mantissa = mantissa * mantissa >> 31U;
        if (mantissa < 1ULL << 32U) continue;
        mantissa >>= 1U;
        log |= bit;
    }
    return log;
}

} // namespace

std::uint64_t zipf_weight(std::uint64_t k, zipf_exponent theta) {
    PAGESIM_ASSERT(k > 0 && k < 1ULL << 32U && theta.millionths <= 10'000'000);
    // log2 k is below 32 * 2^32, theta below 2^24: the product fits in 64 bits.
    const std::uint64_t x = log2_of(k) * theta.millionths / 1'000'000;
    const std::uint64_t whole = x >> fraction_bits;
    std::uint64_t factor = one;
    for (unsigned i = 0; i < fraction_bits; ++i) {
        if ((x >> (fraction_bits - 1 - i) & 1U) != 0) factor = factor * roots_of_a_half[i] >> fraction_bits;
    }
    const std::uint64_t weight = whole > 48 ? 0 : factor << 16U >> whole;
    return weight > 0 ? weight : 1;
}

zipf_table::zipf_table(std::uint64_t ranks, zipf_exponent theta) {
    PAGESIM_ASSERT(ranks > 0 && ranks <= most_ranks);
    sums_.reserve(ranks);
    std::uint64_t upper_halves = 0; // of the weights: their sum is below (upper_halves + ranks) * 2^32
    for (std::uint64_t k = 1; k <= ranks; ++k) {
        sums_.push_back(zipf_weight(k, theta));
        upper_halves += sums_.back() >> 32U;
    }
    const auto sum_bits = static_cast<unsigned>(std::bit_width(upper_halves + ranks)) + 32;
    const unsigned excess = sum_bits > 62 ? sum_bits - 62 : 0;
    std::uint64_t sum = 0;
    for (std::uint64_t& s : sums_) s = sum += std::max<std::uint64_t>(s >> excess, 1);
    const auto total_bits = static_cast<unsigned>(std::bit_width(sum));
    const auto bucket_bits = static_cast<unsigned>(std::bit_width(ranks));
    shift_ = total_bits > bucket_bits ? total_bits - bucket_bits : 0;
    buckets_.resize(((sum - 1) >> shift_) + 1);
    std::uint32_t rank = 0;
    for (std::uint64_t b = 0; b < buckets_.size(); ++b) {
        while (sums_[rank] <= (b << shift_)) ++rank;
        buckets_[b] = rank;
    }
}

std::uint64_t zipf_table::choose(dice& d) const {
    const std::uint64_t at = d.below(sums_.back());
    std::uint64_t rank = buckets_[at >> shift_];
    while (sums_[rank] <= at) ++rank;
    return rank;
}

} // namespace pagesim
