// SPDX-License-Identifier: MIT
#pragma once

#include <comparison.hpp>

namespace pagesim::testing {

// A counter with a real value, whose runs did not vary, and a simulated one.
inline program::compared pair_of(double real, double simulated) {
    return {.counter = "pgscan", .real = real, .real_runs = {real, real}, .simulated = simulated};
}

} // namespace pagesim::testing
