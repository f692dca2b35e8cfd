// SPDX-License-Identifier: MIT
#include <support/golden.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace pagesim::testing {

void expect_golden(const std::string& text, const std::string& name) {
    const std::string path = std::string{PAGESIM_SOURCE_DIR} + "/tests/golden/" + name;
    if (std::getenv("PAGESIM_WRITE_GOLDEN") != nullptr) std::ofstream{path} << text;
    std::stringstream expected;
    expected << std::ifstream{path}.rdbuf();
    EXPECT_EQ(text, expected.str()) << name;
}

} // namespace pagesim::testing
