// SPDX-License-Identifier: MIT
// The parameters of tests that run on each kernel.
#pragma once

#include <pagesim/base/kernel_profile.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace pagesim::testing {

// The name of a kernel as part of a test's: linux_6_1.
inline std::string kernel_of(const ::testing::TestParamInfo<const kernel_profile*>& kernel) {
    std::string name = "linux_" + std::string{kernel.param->name};
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
}

} // namespace pagesim::testing
