// SPDX-License-Identifier: MIT
// --ftrace: a run as ftrace text, written as it goes on.
#pragma once

#include "output.hpp"

#include <pagesim/machine/ftrace.hpp>

#include <string>
#include <string_view>

namespace pagesim::program {

struct ftrace_file {
    // "-": standard output. Throws usage_error if it can't be opened.
    ftrace_file(ftrace_dialect dialect, const std::string& path)
        : writer{dialect, [this](std::string_view text) { file.write(text); }}, file{"--ftrace", path} {}
    void finish() {
        writer.finish();
        file.close();
    }
    ftrace_writer writer;
    growing_file file;
};

} // namespace pagesim::program
