// SPDX-License-Identifier: MIT
// What tests of free pages name all the time.
#pragma once

#include <pagesim/base/units.hpp>
#include <pagesim/memory/gfp.hpp>

namespace pagesim {

constexpr migratetype U = migratetype::unmovable;
constexpr migratetype M = migratetype::movable;
constexpr migratetype R = migratetype::reclaimable;
constexpr page_order single{0};

} // namespace pagesim
