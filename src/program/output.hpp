// SPDX-License-Identifier: MIT
// Writing what a run produced: JSON, /proc/vmstat's text.
#pragma once

#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/report.hpp>
#include <pagesim/machine/time_series.hpp>

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pagesim::program {

// Everything of the run; what depends on the host is under "host". `series` may be null.
[[nodiscard]] nlohmann::ordered_json run_as_json(const machine& m, std::span<const input_identity> inputs,
                                                 double host_seconds, const time_series* series = nullptr);

// The first line of input that was bad, or null.
[[nodiscard]] const input_error* first_error(const machine& m);

// "-" is standard output. Throws program_error if the file can't be written in full.
void write_file(const std::string& path, const std::string& text);

// A file that is written as the run goes on, piece by piece, so that a run that fails keeps what it had written.
class growing_file {
public:
    // "-": standard output. Throws usage_error if it can't be opened.
    growing_file(const std::string& option, const std::string& path);
    // Throws program_error.
    void write(std::string_view text);
    void close();

private:
    struct closer {
        void operator()(std::FILE* f) const {
            if (f != stdout) std::fclose(f);
        }
    };
    std::string path_;
    std::unique_ptr<std::FILE, closer> file_;
};

// Throws usage_error if the file can't be created; leaves it as it is.
void check_writable(const std::string& option, const std::string& path);

} // namespace pagesim::program
