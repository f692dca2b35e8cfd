// SPDX-License-Identifier: MIT
// The kernel thread that compacts; what it does is told in compaction/kcompactd.hpp.
#pragma once

#include <pagesim/compaction/kcompactd.hpp>
#include <pagesim/machine/task.hpp>

namespace pagesim {

class kcompactd_task final : public task {
public:
    kcompactd_task(std::uint32_t id, machine_parts& parts) : task{id}, parts_{parts}, cursor_{parts.home} {}
    step_result step() override { return kcompactd_step(parts_.rc, parts_.movable, cursor_); }
    [[nodiscard]] std::string_view name() const override { return "kcompactd0"; }

private:
    machine_parts& parts_;
    kcompactd_cursor cursor_;
};

} // namespace pagesim
