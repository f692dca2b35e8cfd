// SPDX-License-Identifier: MIT
#include <pagesim/workload/input_error.hpp>

#include <fmt/format.h>

#include <iterator>

namespace pagesim {

std::string to_string(const input_error& e) {
    if (e.line == 0) return fmt::format("{}: {}", e.file, e.reason);
    return fmt::format("{}:{}: {}", e.file, e.line, e.reason);
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t most = 60;
    std::string out = "'";
    for (const char c : text.substr(0, most)) {
        if (c >= ' ' && c <= '~') {
            out += c;
        } else {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    if (text.size() > most) out += "...";
    return out + "'";
}

} // namespace pagesim
