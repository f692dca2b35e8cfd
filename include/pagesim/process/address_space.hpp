// SPDX-License-Identifier: MIT
// Ranges are cut and joined: a system call that changes a part of a range (mlock, munmap of a part) first splits it at
// both ends, so that it works on whole ranges, and afterwards joins what has become alike.
//
//     |------- a -------|      mlock of the middle      |- a -|# locked #|- a -|
//
// Both parts share the anon_vma, so a page's index means the same in either.
//
// Joined is what is adjacent, has the same flags and the same anon_vma, or none in the upper part. (The kernel
// also joins a lower part without an anon_vma to an upper one with.)
//
// Source: split_vma, vma_merge, anon_vma_clone (mm/mmap.c, mm/rmap.c), Linux 5.8 to 6.1.
#pragma once

#include <pagesim/fault/fault_context.hpp>

namespace pagesim {

// Splits the range that holds `at`, unless one begins there or none holds it.
void split_at(const fault_context& fc, mm& owner, vpn at);

// Joins ranges that touch [first, end) with their neighbours and one another where they are alike.
void merge_around(const fault_context& fc, mm& owner, vpn first, vpn end);

} // namespace pagesim
