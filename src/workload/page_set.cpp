// SPDX-License-Identifier: MIT
#include <pagesim/workload/page_set.hpp>

namespace pagesim {

bool page_set::contains(vpn n) const {
    const auto it = pieces_.find(raw(n) / piece_pages);
    return it != pieces_.end() && (it->second[raw(n) % piece_pages / 64] >> (raw(n) % 64) & 1U) != 0;
}

std::vector<page_range> page_set::ranges(page_count gap) const {
    std::vector<page_range> out;
    for (const auto& [number, bits] : pieces_) {
        for (std::uint64_t i = 0; i < piece_pages; ++i) {
            if ((bits[i / 64] >> (i % 64) & 1U) == 0) continue;
            const vpn page{number * piece_pages + i};
            if (!out.empty() && page - out.back().end <= gap.value) {
                out.back().end = page + 1;
            } else {
                out.push_back({.first = page, .end = page + 1});
            }
        }
    }
    return out;
}

} // namespace pagesim
