// SPDX-License-Identifier: MIT
#include "system.hpp"

#include "layout.hpp"
#include "report.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lab {

void power_off() {
    sleep_ns(100'000'000); // what is on its way to the console arrives
    reboot(RB_POWER_OFF);
    for (;;) pause();
}

void fail(std::string_view what) {
    fail_report(what);
    write_file("/dev/console", (text{"agent: "} << what << "\n").view());
    power_off();
}

void fail_by_errno(std::string_view what) {
    const char* const reason = std::strerror(errno);
    fail((text{what} << ": " << reason).view());
}

std::optional<std::string_view> read_file(const char* path, std::span<char> into) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    std::size_t used = 0;
    while (used < into.size()) {
        const ssize_t n = read(fd, into.data() + used, into.size() - used);
        if (n <= 0) break;
        used += static_cast<std::size_t>(n);
    }
    close(fd);
    return std::string_view{into.data(), used};
}

bool write_file(const char* path, std::string_view content) {
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const ssize_t n = write(fd, content.data(), content.size());
    close(fd);
    return n == static_cast<ssize_t>(content.size());
}

void set(const char* path, std::string_view content) {
    if (!write_file(path, content))
        fail_by_errno((text{path} << " does not take '" << content << "'").view());
}

std::uint64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}

void sleep_ns(std::uint64_t ns) {
    const timespec t{.tv_sec = static_cast<time_t>(ns / 1'000'000'000U),
                     .tv_nsec = static_cast<long>(ns % 1'000'000'000U)};
    nanosleep(&t, nullptr);
}

void wait_for(const char* path) {
    struct stat s {};
    for (int tries = 0; stat(path, &s) != 0; ++tries) {
        if (tries == 200) fail((text{path} << " did not appear").view());
        sleep_ns(20'000'000);
    }
}

void* map_physical(std::uint64_t address, std::uint64_t bytes, access how) {
    const int fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
    if (fd < 0) fail_by_errno("/dev/mem");
    const std::uint64_t whole = (bytes + page_bytes - 1) / page_bytes * page_bytes;
    const int protection = how == access::read ? PROT_READ : PROT_READ | PROT_WRITE;
    void* const at = mmap(nullptr, whole, protection, MAP_SHARED, fd, static_cast<off_t>(address));
    if (at == MAP_FAILED) fail_by_errno("/dev/mem can't be mapped");
    close(fd);
    return at;
}

} // namespace lab
