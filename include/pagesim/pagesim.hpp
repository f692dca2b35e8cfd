// SPDX-License-Identifier: MIT
// Everything, for examples and small programs.
#pragma once

#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/report.hpp>
#include <pagesim/version.hpp>
#include <pagesim/workload/lackey.hpp>
#include <pagesim/workload/ops.hpp>
