// SPDX-License-Identifier: MIT
// A program that runs under valgrind's lackey, with a pipe from which its references are read.
//
// The program has our standard input, output and error; the references go through a descriptor of their own,
// which it does not see. Its children run unrecorded. An interrupt from the terminal is for the program: what
// it did until then is a trace.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace pagesim::program {

class recorder {
public:
    // Throws usage_error if the program can't be run, program_error if valgrind is missing.
    explicit recorder(const std::vector<std::string>& command);
    recorder(const recorder&) = delete;
    recorder& operator=(const recorder&) = delete;
    // Ends the program if it still runs.
    ~recorder();

    // The pipe's end for reading; it belongs to the caller.
    [[nodiscard]] int take_pipe();
    // Waits for the end; how it ended if not by status 0, else nothing.
    [[nodiscard]] std::string wait();

private:
    pid_t process_ = -1;
    int pipe_ = -1;
};

} // namespace pagesim::program
