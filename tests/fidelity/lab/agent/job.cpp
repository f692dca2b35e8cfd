// SPDX-License-Identifier: MIT
#include "job.hpp"

#include <cstring>

namespace lab {

namespace {

const volatile std::uint64_t* map_words(std::uint64_t bytes) {
    return static_cast<const volatile std::uint64_t*>(map_physical(job_at, bytes, access::read));
}

// Copies whole words and returns the place behind them.
const volatile std::uint64_t* copy(void* to, const volatile std::uint64_t* from, std::uint64_t bytes) {
    auto* const out = static_cast<char*>(to);
    for (std::uint64_t at = 0; at < bytes; at += 8) {
        const std::uint64_t value = *from++;
        std::memcpy(out + at, &value, 8);
    }
    return from;
}

} // namespace

std::string_view settings::cut(std::string_view& from, char mark) {
    const std::size_t at = from.find(mark);
    const std::string_view head = from.substr(0, at);
    from.remove_prefix(at == std::string_view::npos ? from.size() : at + 1);
    return head;
}

std::string_view settings::get(std::string_view key) const {
    std::string_view found;
    each(key, [&](std::string_view value) {
        if (found.empty()) found = value;
    });
    return found;
}

job::job() {
    job_header head{};
    copy(&head, map_words(page_bytes), sizeof head);
    if (head.magic != job_magic) fail("there is no job in memory");
    if (head.settings_bytes > settings_.size() || head.names > names_.size()) fail("the job is too large");
    const std::uint64_t bytes =
        sizeof head + head.settings_bytes + head.names * name_bytes + head.operations * sizeof(operation);
    mapped_ = map_words(bytes);
    const volatile std::uint64_t* at = mapped_ + sizeof head / 8;
    at = copy(settings_.data(), at, head.settings_bytes);
    settings_bytes_ = std::strlen(settings_.data());
    at = copy(names_.data(), at, head.names * name_bytes);
    words_ = {at, head.operations * 2};
}

} // namespace lab
