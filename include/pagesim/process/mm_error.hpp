// SPDX-License-Identifier: MIT
// What a system call on the address space answers when it does not do what it was asked (kernel: the negative errno).
#pragma once

#include <cstdint>
#include <string_view>

namespace pagesim {

enum class mm_error : std::uint8_t { none, einval, enomem, eoverflow, eexist, eperm, eagain, eacces, efault };

[[nodiscard]] constexpr std::string_view mm_error_name(mm_error e) {
    switch (e) {
    case mm_error::none: return "none";
    case mm_error::einval: return "EINVAL";
    case mm_error::enomem: return "ENOMEM";
    case mm_error::eoverflow: return "EOVERFLOW";
    case mm_error::eexist: return "EEXIST";
    case mm_error::eperm: return "EPERM";
    case mm_error::eagain: return "EAGAIN";
    case mm_error::eacces: return "EACCES";
    case mm_error::efault: return "EFAULT";
    }
    return "";
}

} // namespace pagesim
