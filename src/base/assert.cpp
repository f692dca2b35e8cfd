// SPDX-License-Identifier: MIT
#include <pagesim/base/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace pagesim {

void assertion_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "pagesim: assertion failed: %s (%s:%d)\n", expression, file, line);
    std::fflush(stderr);
    std::abort();
}

} // namespace pagesim
