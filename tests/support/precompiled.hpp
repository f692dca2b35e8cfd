// SPDX-License-Identifier: MIT
// The headers that most tests share.
#pragma once

#include <pagesim/base/dice.hpp>
#include <pagesim/machine/machine.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>
