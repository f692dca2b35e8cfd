// SPDX-License-Identifier: MIT
// The job as it lies in memory: what to set up, and what to do.
#pragma once

#include "layout.hpp"
#include "system.hpp"

#include <array>
#include <span>
#include <string_view>

namespace lab {

// Lines of "key value"; a key may come several times.
class settings {
public:
    explicit settings(std::string_view lines) : lines_{lines} {}

    // The first value of that key; empty if there is none.
    [[nodiscard]] std::string_view get(std::string_view key) const;
    [[nodiscard]] std::uint64_t number(std::string_view key) const { return number_in(get(key)); }

    // do_it(value) for each line of that key, in order.
    template <typename F>
    void each(std::string_view key, F do_it) const {
        for (std::string_view rest = lines_; !rest.empty();) {
            const std::string_view line = cut(rest, '\n');
            if (std::string_view value = line; cut(value, ' ') == key) do_it(value);
        }
    }
    // What is before the first `mark`, which is taken off together with it.
    static std::string_view cut(std::string_view& from, char mark);

private:
    std::string_view lines_;
};

class job {
public:
    // Maps the job that the host left; fails if there is none.
    job();

    [[nodiscard]] settings config() const { return settings{{settings_.data(), settings_bytes_}}; }
    [[nodiscard]] std::string_view name(std::uint16_t number) const { return names_[number].data(); }
    // In device memory: each is to be read once, by words.
    [[nodiscard]] std::span<const volatile std::uint64_t> words() const { return words_; }
    // Where it is mapped, which is below all else.
    [[nodiscard]] std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(mapped_); }
    [[nodiscard]] std::uint64_t operations() const { return words_.size() / 2; }

private:
    const volatile std::uint64_t* mapped_ = nullptr;
    std::size_t settings_bytes_ = 0;
    alignas(8) std::array<char, most_settings_bytes> settings_{};
    alignas(8) std::array<std::array<char, name_bytes>, most_names> names_{};
    std::span<const volatile std::uint64_t> words_;
};

} // namespace lab
