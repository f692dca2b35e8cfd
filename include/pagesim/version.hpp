// SPDX-License-Identifier: MIT
// The version of pagesim. CMakeLists.txt checks that it is the project's.
#pragma once

#include <string_view>

namespace pagesim {

inline constexpr std::string_view version = "0.1.0";

} // namespace pagesim
