// SPDX-License-Identifier: MIT
// Texts that are kept as files in tests/golden.
#pragma once

#include <string>

namespace pagesim::testing {

// Compares a text with a golden file; PAGESIM_WRITE_GOLDEN=1 in the environment writes the file anew.
void expect_golden(const std::string& text, const std::string& name);

} // namespace pagesim::testing
