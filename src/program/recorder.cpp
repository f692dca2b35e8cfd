// SPDX-License-Identifier: MIT
#include "recorder.hpp"

#include "usage_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pagesim::program {

namespace {

// Where valgrind finds its end of the pipe.
constexpr int log_descriptor = 9;

std::string reason_of(int error) { return std::generic_category().message(error); }

bool can_be_run(const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0;
}

// Whether a name without a slash is found in PATH, or the file can be run.
bool is_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return can_be_run(name);
    const char* path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "" : path;
    while (!rest.empty()) {
        const std::string_view folder = rest.substr(0, rest.find(':'));
        if (!name.empty() && can_be_run(std::filesystem::path{folder} / name)) return true;
        rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    }
    return false;
}

// valgrind with the pipe's end in place, and signals as they are by default.
int start(pid_t& process, const std::vector<char*>& words, int log) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t by_default;
    sigemptyset(&by_default);
    sigaddset(&by_default, SIGPIPE);
    sigaddset(&by_default, SIGINT);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, log, log_descriptor);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &by_default);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    const int error = posix_spawnp(&process, words.front(), &actions, &attributes, words.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

} // namespace

recorder::recorder(const std::vector<std::string>& command) {
    if (!is_program("valgrind"))
        throw program_error{"record needs valgrind, which is not installed (Debian: apt install valgrind)"};
    if (!is_program(command.front()))
        throw usage_error{fmt::format("record: {}: no program that can be run", command.front())};
    std::vector<std::string> words{"valgrind",
                                   "--tool=lackey",
                                   "--trace-mem=yes",
                                   "--basic-counts=no",
                                   "--child-silent-after-fork=yes",
                                   fmt::format("--log-fd={}", log_descriptor)};
    words.insert(words.end(), command.begin(), command.end());
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (std::string& w : words) pointers.push_back(w.data());
    pointers.push_back(nullptr);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw program_error{fmt::format("record: no pipe: {}", reason_of(errno))};
    std::signal(SIGINT, SIG_IGN);
    const int error = start(process_, pointers, ends[1]);
    ::close(ends[1]);
    pipe_ = ends[0];
    if (error != 0) {
        process_ = -1;
        ::close(std::exchange(pipe_, -1));
        throw program_error{fmt::format("record: valgrind can't be run: {}", reason_of(error))};
    }
}

recorder::~recorder() {
    if (pipe_ >= 0) ::close(pipe_);
    if (process_ < 0) return;
    ::kill(process_, SIGTERM);
    static_cast<void>(wait());
}

int recorder::take_pipe() { return std::exchange(pipe_, -1); }

std::string recorder::wait() {
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {}
    process_ = -1;
    std::signal(SIGINT, SIG_DFL);
    if (WIFSIGNALED(status)) return fmt::format("ended by signal {}", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) return fmt::format("ended with status {}", WEXITSTATUS(status));
    return {};
}

} // namespace pagesim::program
