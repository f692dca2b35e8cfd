// SPDX-License-Identifier: MIT
// The fingerprint of a run: one number that changes when anything that happened changes.
//
// FNV-1a over every event (time, kind, a, b; 64 bits each, least significant byte first, the kind as one
// byte) and, at the end, over every counter in the order of vm_item. Equal for the same input on every
// machine, compiler and level of optimisation.
#pragma once

#include <pagesim/base/hash.hpp>
#include <pagesim/stat/trace_event.hpp>
#include <pagesim/stat/vmstat.hpp>

namespace pagesim {

class fingerprint final : public trace_sink {
public:
    using trace_sink::on;
    void on(const trace_event& e) override {
        hash_.word(e.time.ns);
        hash_.byte(static_cast<std::uint8_t>(e.kind));
        hash_.word(e.a);
        hash_.word(e.b);
    }
    void counters(const vmstat& s) {
        for (std::size_t i = 0; i < nr_vm_items; ++i) {
            hash_.word(static_cast<std::uint64_t>(s.raw(static_cast<vm_item>(i))));
        }
    }
    [[nodiscard]] std::uint64_t value() const { return hash_.value(); }

private:
    fnv1a hash_;
};

} // namespace pagesim
