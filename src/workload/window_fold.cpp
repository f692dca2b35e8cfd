// SPDX-License-Identifier: MIT
#include <pagesim/workload/window_fold.hpp>

#include <algorithm>

namespace pagesim {

namespace {

run_writes writes_of(const access_record& r) {
    return static_cast<run_writes>((r.first_is_write() ? 1U : 0U) | (r.written_later() ? 2U : 0U));
}

bool fits(const access_record& a, const access_record& b) {
    return a.role() == b.role() && a.instructions() + b.instructions() <= access_record::max_instructions &&
           a.data() + b.data() <= access_record::max_data;
}

access_record joined(const access_record& first, const access_record& next) {
    unsigned writes = static_cast<unsigned>(writes_of(first));
    if (writes_of(next) != run_writes::none) writes |= static_cast<unsigned>(run_writes::later);
    return {first.vpn(), static_cast<run_writes>(writes), first.role(),
            first.instructions() + next.instructions(), first.data() + next.data()};
}

} // namespace

window_fold::window_fold(std::uint64_t pages) : pages_{pages} {
    PAGESIM_ASSERT(pages > 0 && pages <= widest_window);
    open_.reserve(pages + 1);
}

void window_fold::add(access_record record, std::vector<access_record>& out) {
    const auto found = std::find_if(open_.rbegin(), open_.rend(),
                                    [&](const access_record& r) { return r.vpn() == record.vpn(); });
    if (found == open_.rend()) {
        open_.push_back(record);
        if (open_.size() <= pages_) return;
        out.push_back(open_.front());
        open_.erase(open_.begin());
        return;
    }
    if (fits(*found, record)) {
        *found = joined(*found, record);
    } else {
        out.push_back(*found);
        *found = record;
    }
    std::rotate(std::prev(found.base()), found.base(), open_.end());
}

void window_fold::flush(std::vector<access_record>& out) {
    out.insert(out.end(), open_.begin(), open_.end());
    open_.clear();
}

} // namespace pagesim
