// SPDX-License-Identifier: MIT
#include <pagesim/memory/page.hpp>

#include <pagesim/memory/page_state.hpp>

#include <cstdio>

namespace pagesim {

void page_assertion_failed(const char* expression, const page& p, const char* file, int line) {
    std::fprintf(stderr, "pagesim: page: %s\n", describe(p).c_str());
    assertion_failed(expression, file, line);
}

} // namespace pagesim
