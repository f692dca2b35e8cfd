// SPDX-License-Identifier: MIT
#include <pagesim/cache/mapping.hpp>

#include <bit>

namespace pagesim {

cache_node& mapping::make_chunk(std::uint64_t index) {
    const std::uint64_t n = index / chunk_pages;
    if (n >= chunks_.size()) chunks_.resize(n + 1);
    if (!chunks_[n]) {
        chunks_[n] = std::make_unique<cache_node>();
        chunks_[n]->file = this;
        chunks_[n]->number = n;
    }
    return *chunks_[n];
}

int mapping::store(std::uint64_t index, cache_slot s, shadow_nodes& nodes) {
    if (s.empty() && chunk_of(index) == nullptr) return 0;
    cache_node& c = make_chunk(index);
    cache_slot& at = c.slots[index % chunk_pages];
    if (!at.empty()) --c.used;
    if (at.is_frame()) {
        --c.frames;
        --nrpages_;
    }
    at = s;
    if (!s.empty()) ++c.used;
    if (s.is_frame()) {
        ++c.frames;
        ++nrpages_;
    }
    const bool only_shadows = c.frames == 0 && c.used > 0 && writes_back();
    const int changed = (only_shadows ? 1 : 0) - (c.is_linked() ? 1 : 0);
    if (changed > 0) nodes.push_back(c);
    if (changed < 0) nodes.erase(nodes.iterator_to(c));
    if (c.used == 0) chunks_[index / chunk_pages].reset();
    return changed;
}

bool mapping::tagged(std::uint64_t index, cache_tag t) const {
    const cache_node* c = chunk_of(index);
    return c != nullptr && (c->tags[tag_index(t)] >> index % chunk_pages & 1U) != 0;
}

void mapping::set_tag(std::uint64_t index, cache_tag t) {
    std::uint64_t& tags = make_chunk(index).tags[tag_index(t)];
    const std::uint64_t bit = 1ULL << index % chunk_pages;
    if ((tags & bit) == 0) ++tagged_[tag_index(t)];
    tags |= bit;
}

void mapping::clear_tag(std::uint64_t index, cache_tag t) {
    cache_node* const c = chunk_of(index);
    if (c == nullptr) return;
    std::uint64_t& tags = c->tags[tag_index(t)];
    const std::uint64_t bit = 1ULL << index % chunk_pages;
    if ((tags & bit) != 0) --tagged_[tag_index(t)];
    tags &= ~bit;
}

std::uint64_t mapping::next_tagged(std::uint64_t index, cache_tag t) const {
    if (tagged_[tag_index(t)] == 0) return none;
    for (std::uint64_t n = index / chunk_pages; n < chunks_.size(); ++n, index = n * chunk_pages) {
        if (!chunks_[n]) continue;
        const std::uint64_t rest = chunks_[n]->tags[tag_index(t)] >> index % chunk_pages;
        if (rest != 0) return index + static_cast<std::uint64_t>(std::countr_zero(rest));
    }
    return none;
}

std::uint64_t mapping::next_where(std::uint64_t index, holds what) const {
    for (std::uint64_t n = index / chunk_pages; n < chunks_.size(); ++n, index = n * chunk_pages) {
        if (!chunks_[n] || (what == holds::frame && chunks_[n]->frames == 0)) continue;
        for (; index < (n + 1) * chunk_pages; ++index) {
            const cache_slot s = chunks_[n]->slots[index % chunk_pages];
            if (what == holds::frame ? s.is_frame() : !s.empty()) return index;
        }
    }
    return none;
}

std::uint64_t mapping::count_shadow_leaves() const {
    if (!writes_back()) return 0;
    std::uint64_t n = 0;
    for (const auto& c : chunks_) n += c && c->frames == 0 && c->used > 0 ? 1U : 0U;
    return n;
}

void mapping::check_consistency() const {
    i_mmap.check_consistency();
    std::uint64_t frames = 0;
    std::array<std::uint64_t, nr_cache_tags> tagged{};
    for (const auto& c : chunks_) {
        if (!c) continue;
        unsigned in_chunk = 0;
        unsigned used = 0;
        for (std::uint64_t i = 0; i < chunk_pages; ++i) {
            in_chunk += c->slots[i].is_frame() ? 1U : 0U;
            used += c->slots[i].empty() ? 0U : 1U;
            for (const std::uint64_t tags : c->tags)
                PAGESIM_ASSERT((tags >> i & 1U) == 0 || c->slots[i].is_frame());
        }
        PAGESIM_ASSERT(in_chunk == c->frames && used == c->used);
        PAGESIM_ASSERT(c->is_linked() == (writes_back() && in_chunk == 0 && used > 0));
        PAGESIM_ASSERT((c->tags[tag_index(cache_tag::towrite)] & ~c->tags[tag_index(cache_tag::dirty)]) == 0);
        frames += in_chunk;
        for (unsigned t = 0; t < nr_cache_tags; ++t)
            tagged[t] += static_cast<std::uint64_t>(std::popcount(c->tags[t]));
    }
    PAGESIM_ASSERT(frames == nrpages_ && tagged == tagged_);
}

} // namespace pagesim
