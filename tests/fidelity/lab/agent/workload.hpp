// SPDX-License-Identifier: MIT
// The operations, one after the other, as one process of one thread.
#pragma once

#include "job.hpp"

namespace lab {

// From the snapshot BEFORE to the snapshot AFTER. In between one at each mark, and at each tenth of the operations.
void run_workload(const job& work);

} // namespace lab
