// SPDX-License-Identifier: MIT
// The assertion that stays on in every build. A failed assertion is a mistake of the programmer, never of the
// input: it prints what was expected and where, and ends the process.
#pragma once

namespace pagesim {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

} // namespace pagesim

#define PAGESIM_ASSERT(condition)                                                                            \
    (static_cast<bool>(condition) ? static_cast<void>(0)                                                     \
                                  : ::pagesim::assertion_failed(#condition, __FILE__, __LINE__))
