// SPDX-License-Identifier: MIT
#include <pagesim/machine/time_series.hpp>

namespace pagesim {

void time_series::begin(const machine& m) {
    machine_ = &m;
    pressure_.begin(m);
    take();
    due_ = m.now() + interval_;
}

void time_series::take() {
    const machine_parts& parts = machine_->parts();
    sample s{.time = machine_->now(),
             .stat = parts.snapshot(),
             .reasons = parts.reasons,
             .some = pressure_.some(),
             .full = pressure_.full(),
             .zones = {}};
    for (const zone& z : parts.home.zones()) {
        s.zones.push_back({.free = z.nr_free_pages(),
                           .min = z.wmark_pages(wmark_level::min),
                           .low = z.wmark_pages(wmark_level::low),
                           .high = z.wmark_pages(wmark_level::high)});
    }
    samples_.push_back(std::move(s));
}

// Keeps those that are the interval apart, counted from the first.
void time_series::thin_out() {
    std::size_t kept = 1;
    for (std::size_t n = 1; n < samples_.size(); ++n) {
        if (samples_[n].time < samples_[kept - 1].time + interval_) continue;
        if (n != kept) samples_[kept] = std::move(samples_[n]);
        ++kept;
    }
    samples_.resize(kept);
}

void time_series::take_due_sample() {
    take();
    if (samples_.size() >= most_samples) {
        while (samples_.size() > most_samples / 2) {
            interval_ = interval_ * 2;
            thin_out();
        }
    }
    due_ = samples_.back().time + interval_;
}

void time_series::finish() {
    pressure_.look();
    if (samples_.back().time == machine_->now() && samples_.size() > 1) samples_.pop_back();
    take();
}

} // namespace pagesim
