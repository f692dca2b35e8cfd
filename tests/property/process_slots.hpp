// SPDX-License-Identifier: MIT
// What the property test of processes knows of swap: for each slot the version of content that its device has. It learns
// that as for files (process_files.hpp); whose content a page of the swap cache has, the models of processes and files
// tell.
//
// A slot that nobody named while it was written (mremap was moving its page) has an unknown content.
#pragma once

#include <support/processes.hpp>

#include <functional>
#include <map>
#include <optional>

namespace pagesim::testing::on_processes {

class slot_models {
public:
    using version_of = std::function<std::optional<std::uint64_t>(const page&)>;

    slot_models(const machine_parts& parts, version_of version)
        : parts_{parts}, version_{std::move(version)} {}

    // Between two steps: what began to be written carries the content of now.
    void note_writes() {
        for (std::uint64_t n = 0; n < parts_.frames.size().value; ++n) {
            const page& p = parts_.frames[pfn{n}];
            const bool begins = p.test(page_flag::writeback) && p.test(page_flag::swapcache);
            if (begins && !under_way_.contains(n)) under_way_.emplace(n, version_(p));
        }
    }
    // One is over.
    void written(const page& p) {
        const auto begun = under_way_.find(raw(parts_.frames.pfn_of(p)));
        stored_[swap_space::entry_of(p).packed()] = begun != under_way_.end() ? begun->second : version_(p);
        if (begun != under_way_.end()) under_way_.erase(begun);
    }

    // Whether the slot, or the page that has its place in the swap cache, has that content.
    [[nodiscard]] bool has(swap_entry e, std::uint64_t version) const {
        const page* const p = parts_.swap.lookup(e);
        if (p != nullptr && p->test(page_flag::dirty)) return true;
        if (p != nullptr && p->test(page_flag::writeback)) {
            const auto begun = under_way_.find(raw(parts_.frames.pfn_of(*p)));
            return begun == under_way_.end() || begun->second.value_or(version) == version;
        }
        const auto at = stored_.find(e.packed());
        return at != stored_.end() && at->second.value_or(version) == version;
    }

private:
    const machine_parts& parts_;
    version_of version_;
    std::map<std::uint32_t, std::optional<std::uint64_t>> stored_;    // version, by slot
    std::map<std::uint64_t, std::optional<std::uint64_t>> under_way_; // version, by frame
};

} // namespace pagesim::testing::on_processes
