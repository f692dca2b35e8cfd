// SPDX-License-Identifier: MIT
// Any bytes as an ops file: never a crash, regions that do not overlap, and no access outside of them.
#include "fuzz_file.hpp"

#include <pagesim/base/assert.hpp>
#include <pagesim/workload/ops.hpp>

#include <map>

namespace {

using namespace pagesim;

// The regions as a naive reader keeps them.
class live_regions {
public:
    void map(const op_anon& op) {
        PAGESIM_ASSERT(op.pages.value > 0);
        const std::uint64_t first = raw(op.first);
        const std::uint64_t end = first + op.pages.value;
        PAGESIM_ASSERT(op.first >= region_map::bottom && end <= raw(region_map::top));
        for (const auto& [f, e] : regions_) PAGESIM_ASSERT(end <= f || first >= e);
        regions_.emplace(first, end);
    }
    void unmap(const op_unmap& op) {
        const auto it = regions_.find(raw(op.first));
        PAGESIM_ASSERT(it != regions_.end() && it->second == it->first + op.pages.value);
        regions_.erase(it);
    }
    void check(access_record r) const {
        auto it = regions_.upper_bound(raw(r.vpn()));
        PAGESIM_ASSERT(it != regions_.begin());
        --it;
        PAGESIM_ASSERT(raw(r.vpn()) < it->second && r.accesses() == 1);
    }

private:
    std::map<std::uint64_t, std::uint64_t> regions_; // first -> end
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const pagesim::testing::fuzz_file file{data, size};
    ops_stream s{file.path()};
    live_regions regions;
    std::uint64_t accesses = 0;
    // One op may ask for 2^30 pages: enough is enough.
    constexpr unsigned most_blocks = 8;
    for (unsigned blocks = 0; blocks < most_blocks;) {
        const stream_item item = s.next();
        if (const auto* block = std::get_if<access_block>(&item)) {
            PAGESIM_ASSERT(!block->records.empty() && block->records.size() <= block_records);
            for (const access_record r : block->records) regions.check(r);
            accesses += block->records.size();
            PAGESIM_ASSERT(accesses == s.counts().accesses);
            ++blocks;
        } else if (const auto* anon = std::get_if<op_anon>(&item)) {
            regions.map(*anon);
        } else if (const auto* unmap = std::get_if<op_unmap>(&item)) {
            regions.unmap(*unmap);
        } else if (std::holds_alternative<end_of_stream>(item) || std::holds_alternative<input_error>(item)) {
            PAGESIM_ASSERT(s.next().index() == item.index());
            break;
        }
    }
    return 0;
}
