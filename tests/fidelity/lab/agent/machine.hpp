// SPDX-License-Identifier: MIT
// The machine is made what the job asks for, and brought to rest.
#pragma once

#include "job.hpp"

namespace lab {

// /proc, /sys and /dev, which everything else needs.
void mount_system();
// Modules, file system, swap, settings; what they are then is told in the report.
void set_up(const settings& config);
// The agent's pages are locked, caches dropped, and what that sets off has time to end.
void settle(const settings& config);

} // namespace lab
