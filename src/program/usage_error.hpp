// SPDX-License-Identifier: MIT
// What ends the program early, and with which status.
#pragma once

#include <stdexcept>
#include <string>

namespace pagesim::program {

// 0: the run ended, whatever became of its tasks.
enum exit_status : int { ended = 0, failed = 1, bad_input_or_option = 2 };

// A wrong option, value or file: one clear line, status 2.
class usage_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The program could not do its work (disk full, broken pipe): status 1.
class program_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace pagesim::program
