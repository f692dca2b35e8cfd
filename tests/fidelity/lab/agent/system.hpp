// SPDX-License-Identifier: MIT
// What the agent needs of the kernel: files, time, memory of the machine. Nothing here uses the heap, so that what
// the agent occupies is what it occupied when it started.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace lab {

// A text of bounded length, ended by a zero; what does not fit is left out.
class text {
public:
    text() = default;
    explicit text(std::string_view s) { *this << s; }

    text& operator<<(std::string_view s) {
        for (const char c : s) {
            if (used_ + 1 == sizeof bytes_) break;
            bytes_[used_++] = c;
        }
        bytes_[used_] = 0;
        return *this;
    }
    text& operator<<(std::uint64_t number) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
        return *this << std::string_view{digits, static_cast<std::size_t>(end - digits)};
    }

    [[nodiscard]] const char* c_str() const { return bytes_; }
    [[nodiscard]] std::string_view view() const { return {bytes_, used_}; }

private:
    char bytes_[512]{};
    std::size_t used_ = 0;
};

// Says what went wrong in the report and on the console, and switches the machine off; the second adds errno's reason.
[[noreturn]] void fail(std::string_view what);
[[noreturn]] void fail_by_errno(std::string_view what);
[[noreturn]] void power_off();

// What the file holds, in `into`; nothing if it can't be opened.
std::optional<std::string_view> read_file(const char* path, std::span<char> into);
bool write_file(const char* path, std::string_view content);
// As write_file, but the machine must have that setting.
void set(const char* path, std::string_view content);

[[nodiscard]] std::uint64_t now_ns();
void sleep_ns(std::uint64_t ns);
void wait_for(const char* path);

// Memory of the machine that the kernel does not manage.
enum class access : std::uint8_t { read, read_and_write };
[[nodiscard]] void* map_physical(std::uint64_t address, std::uint64_t bytes, access how);

// The number that a text begins with; 0 if none.
[[nodiscard]] inline std::uint64_t number_in(std::string_view s) {
    std::uint64_t n = 0;
    std::from_chars(s.data(), s.data() + s.size(), n);
    return n;
}

} // namespace lab
