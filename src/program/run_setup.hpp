// SPDX-License-Identifier: MIT
// From the options of a run to a machine with its processes: what `run` and `explain` have in common.
#pragma once

#include "input.hpp"
#include "options.hpp"
#include "usage_error.hpp"

#include <pagesim/machine/machine.hpp>

#include <fmt/format.h>

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pagesim::program {

// One of the values that the option knows. Throws usage_error.
template <typename T>
T choose(std::string_view option, const std::string& value,
         std::initializer_list<std::pair<std::string_view, T>> known) {
    std::string names;
    for (const auto& [name, result] : known) {
        if (name == value) return result;
        names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    }
    throw usage_error{fmt::format("{}: '{}' is not known; known are: {}", option, value, names)};
}

struct memory_choice {
    page_count pages;
    std::string note; // how it was chosen, if it was not given
};

// --memory, or half of what the inputs touch.
[[nodiscard]] memory_choice choose_memory(const run_options& o, const std::vector<opened_input>& inputs);

// Throws usage_error.
[[nodiscard]] machine_config configure(const run_options& o, page_count memory);

// Tells each input's account, unless the run is quiet. Throws usage_error.
[[nodiscard]] std::vector<opened_input> open_inputs(const run_options& o);

// A process for each input, in their order.
void start_processes(const run_options& o, machine& m, const std::vector<opened_input>& inputs);

// Configuration and inputs, in one line.
[[nodiscard]] std::string about(const machine& m, std::span<const opened_input> inputs);

} // namespace pagesim::program
