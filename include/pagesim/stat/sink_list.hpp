// SPDX-License-Identifier: MIT
// Several sinks behind one.
#pragma once

#include <pagesim/stat/trace_event.hpp>

#include <vector>

namespace pagesim {

class sink_list final : public trace_sink {
public:
    // Each event goes to them in this order. `sink` outlives the list; null is nobody.
    void add(trace_sink* sink) {
        if (sink != nullptr) sinks_.push_back(sink);
    }
    // Itself, or null if there is nobody: without a sink a machine is faster.
    [[nodiscard]] trace_sink* or_null() { return sinks_.empty() ? nullptr : this; }

    void on(const trace_event& e) override {
        for (trace_sink* s : sinks_) s->on(e);
    }
    void on(sim_time time, const tracepoint& t) override {
        for (trace_sink* s : sinks_) s->on(time, t);
    }

private:
    std::vector<trace_sink*> sinks_;
};

} // namespace pagesim
