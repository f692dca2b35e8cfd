// SPDX-License-Identifier: MIT
// The kernel worker that writes files back; what it does is told in cache/flusher.hpp.
#pragma once

#include <pagesim/cache/flusher.hpp>
#include <pagesim/machine/task.hpp>

namespace pagesim {

class flusher_task final : public task {
public:
    flusher_task(std::uint32_t id, machine_parts& parts) : task{id}, parts_{parts} {}
    step_result step() override { return flusher_step(parts_.wb, cursor_); }
    [[nodiscard]] std::string_view name() const override { return "kworker/u2:0-flush"; }

private:
    machine_parts& parts_;
    flusher_cursor cursor_;
};

} // namespace pagesim
