// SPDX-License-Identifier: MIT
// One record of an access stream: a run of consecutive references to one page, in 8 bytes.
//
//      63      52 51          39   38    37    36  35                      0
//     +----------+--------------+-----+-------+-------+---------------------+
//     |   data   | instructions | role| later | first |     page number     |
//     +----------+--------------+-----+-------+-------+---------------------+
//
// `first`: the first reference of the run is a write; `later`: one after it is. That is all that a page
// table can learn from a run: whether it begins by a read of untouched memory, and whether the page ends up
// dirty. `instructions` is CPU time in instructions. `role` says whether these were fetched from this very
// page (a recorded trace, where each is an access of its own) or are merely time spent (an ops file). A
// longer run than the counts can hold becomes two records.
//
// A run takes time, and an event may fall due in the middle of it: then it is split there. What was done until
// the event is the first part; the rest is a record of its own, and meets the page as the event left it. Which
// references were the writes is not known: a later write is taken to be in both parts.
#pragma once

#include <pagesim/base/assert.hpp>
#include <pagesim/base/units.hpp>

#include <cstdint>

namespace pagesim {

// Which references of a run are writes.
enum class run_writes : std::uint8_t { none = 0, first = 1, later = 2, first_and_later = 3 };
// Whether a record's instructions are themselves accesses to its page.
enum class instruction_role : std::uint8_t { time_only = 0, fetched_here = 1 };

class access_record {
public:
    static constexpr unsigned vpn_bits = 36; // 48-bit addresses
    static constexpr std::uint64_t max_instructions = (1U << 13U) - 1;
    static constexpr std::uint64_t max_data = (1U << 12U) - 1;

    constexpr access_record() = default;
    constexpr access_record(pagesim::vpn page, run_writes writes, instruction_role role,
                            std::uint64_t instructions, std::uint64_t data)
        : word_{raw(page) | std::uint64_t{static_cast<std::uint8_t>(writes)} << writes_shift |
                std::uint64_t{static_cast<std::uint8_t>(role)} << role_shift |
                instructions << instructions_shift | data << data_shift} {
        PAGESIM_ASSERT(raw(page) >> vpn_bits == 0);
        PAGESIM_ASSERT(instructions <= max_instructions && data <= max_data);
    }

    [[nodiscard]] constexpr pagesim::vpn vpn() const {
        return pagesim::vpn{word_ & ((1ULL << vpn_bits) - 1)};
    }
    // The 8 bytes as a number, for a binary trace.
    [[nodiscard]] constexpr std::uint64_t word() const { return word_; }
    [[nodiscard]] static constexpr access_record from_word(std::uint64_t w) {
        access_record r;
        r.word_ = w;
        return r;
    }
    [[nodiscard]] constexpr bool first_is_write() const { return (word_ >> writes_shift & 1U) != 0; }
    [[nodiscard]] constexpr bool written_later() const { return (word_ >> (writes_shift + 1) & 1U) != 0; }
    [[nodiscard]] constexpr instruction_role role() const {
        return static_cast<instruction_role>(word_ >> role_shift & 1U);
    }
    // CPU time of the run, in instructions.
    [[nodiscard]] constexpr std::uint64_t instructions() const {
        return word_ >> instructions_shift & max_instructions;
    }
    // Loads, stores, and the second halves of what straddles two pages.
    [[nodiscard]] constexpr std::uint64_t data() const { return word_ >> data_shift; }
    // References to the page: data, and instructions if they were fetched from it. None: only time.
    [[nodiscard]] constexpr std::uint64_t accesses() const {
        return data() + (instructions() & (0 - (word_ >> role_shift & 1U)));
    }

    // What is left when the first n instructions are over, and with them the same share of the references.
    // Precondition: n < instructions().
    [[nodiscard]] constexpr access_record rest_after(std::uint64_t n) const {
        PAGESIM_ASSERT(n < instructions());
        const std::uint64_t references = data() * (instructions() - n) / instructions();
        const auto writes = written_later() ? run_writes::first_and_later : run_writes::none;
        // What an ops file's first store or load leaves is time.
        if (role() == instruction_role::time_only)
            return {vpn(), run_writes::none, role(), instructions() - n, 0};
        return {vpn(), writes, role(), instructions() - n, references};
    }

    friend constexpr bool operator==(access_record, access_record) = default;

private:
    static constexpr unsigned writes_shift = vpn_bits;
    static constexpr unsigned role_shift = writes_shift + 2;
    static constexpr unsigned instructions_shift = role_shift + 1;
    static constexpr unsigned data_shift = instructions_shift + 13;
    static_assert(data_shift + 12 == 64);

    std::uint64_t word_ = 0;
};

static_assert(sizeof(access_record) == 8);

} // namespace pagesim
