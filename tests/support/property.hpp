// SPDX-License-Identifier: MIT
// Random operations against a naive model: run them, shrink what fails, print it as C++.
//
//     seed -> thrown: a setup and a list of operations -> play(): the real thing and its slow twin, step by step
//                                                            |
//                          nothing to complain of: next seed | a complaint, or the process died
//                                                            v
//                            take operations away as long as the rest still fails, then print a TEST
//
// An operation is a plain value that stays meaningful when others are taken away: it names a live thing by its number
// modulo how many there are, and does nothing where there is none. So any sublist of a case is a case.
//
// Then the numbers in what is left are made smaller: that lets further operations go, and reads easier.
//
// A failing assertion of the library ends the process. Therefore the cases run in a child process that notes the seed
// under way, and each attempt at shrinking runs in one of its own, silenced and with a limit of time.
//
// A property is a struct; what it names lies in one namespace of one header, so that the printed test compiles beside
// any other:
//
//     namespace pagesim::testing::on_things {
//     struct setup { ... };
//     struct operation { ... };
//     struct thrown_case { setup start; std::vector<operation> operations; };
//     played play(const setup& s, const std::vector<operation>& operations);
//     struct property {
//         static constexpr property_names names{"things", "on_things", "property/things_property.hpp"};
//         static thrown_case thrown(dice& d);
//         static std::string code(const setup& s);       // setup{.pages = 3}
//         static std::string code(const operation& o);   // {act::add, 1}
//         static auto numbers(operation& o) { return std::array{&o.which}; } // what may become smaller
//     };
//     }
//     TEST(things_property, ...) { check_property<on_things::property>(); }
//
// PAGESIM_PROPERTY_SECONDS: how long each property runs (default 1). PAGESIM_PROPERTY_SEED: begin with that seed.
#pragma once

#include <pagesim/base/dice.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace pagesim::testing {

// How a case went: empty complaint, well.
struct played {
    std::string complaint;
    std::uint64_t steps = 0;
};

// Which operations of a case are left, ascending.
using kept_operations = std::vector<std::size_t>;

// What one property throws, without its types.
class any_property {
public:
    any_property() = default;
    any_property(const any_property&) = delete;
    any_property& operator=(const any_property&) = delete;
    virtual ~any_property() = default;

    // Throws the case of that seed and keeps it; returns how many operations it has.
    virtual std::size_t begin(std::uint64_t seed) = 0;
    [[nodiscard]] virtual played play(const kept_operations& kept) const = 0;
    // Makes a number in one operation of the case smaller, in the k-th way; false if there are fewer ways.
    virtual bool simplify(std::size_t operation, std::size_t k) = 0;
    // Takes the last simplify() back.
    virtual void unsimplify() = 0;
    // A TEST that plays these operations of the case.
    [[nodiscard]] virtual std::string code(std::uint64_t seed, const kept_operations& kept) const = 0;
};

struct property_limits {
    std::chrono::milliseconds run{1000};
    std::chrono::milliseconds shrink{10'000};
    unsigned case_seconds = 120; // a case that takes longer has failed
    std::uint64_t first_seed = 1;
};
[[nodiscard]] property_limits limits_from_environment();

struct property_result {
    std::uint64_t first_seed = 0;
    std::uint64_t last_seed = 0; // the one that failed, if one did
    std::uint64_t steps = 0;
    std::size_t thrown = 0;  // operations of the case that failed
    kept_operations kept{};  // those that are left
    std::uint64_t tries = 0; // of shrinking
    std::string complaint{}; // of what is left; empty: nothing failed
    std::string code{};

    [[nodiscard]] bool failed() const { return !complaint.empty(); }
};

// Runs cases with growing seeds until the time is over or one fails; shrinks that one.
[[nodiscard]] property_result run_property(any_property& property, const property_limits& limits);

// Takes operations away, large pieces first, until none can be missed or the time is over. `fails` tells whether what
// is left still fails; the whole is known to.
using still_fails = std::function<bool(const kept_operations&)>;
[[nodiscard]] kept_operations shrunk(kept_operations kept, const still_fails& fails,
                                     std::chrono::milliseconds at_most);
// 0 .. n-1
[[nodiscard]] kept_operations all_operations(std::size_t n);

// What to say of a failure.
[[nodiscard]] std::string describe(std::string_view name, const property_result& result);

// Runs and reports one property within the limits of the environment.
void check_property(std::string_view name, any_property& property);

// ---- for the properties

struct property_names {
    std::string_view name;   // of the test suite
    std::string_view space;  // its namespace, inside pagesim::testing
    std::string_view header; // as tests include it
};

// The C++ of a TEST; `setup` and each operation as C++ initializers.
[[nodiscard]] std::string test_code(const property_names& names, std::uint64_t seed, const std::string& setup,
                                    const std::vector<std::string>& operations);

template <typename Property>
class typed_property final : public any_property {
public:
    std::size_t begin(std::uint64_t seed) override {
        dice d{seed};
        case_ = Property::thrown(d);
        return case_.operations.size();
    }
    [[nodiscard]] played play(const kept_operations& kept) const override {
        decltype(case_.operations) operations;
        operations.reserve(kept.size());
        for (const std::size_t i : kept) operations.push_back(case_.operations[i]);
        return Property::play(case_.start, operations);
    }
    bool simplify(std::size_t operation, std::size_t k) override {
        auto& o = case_.operations[operation];
        std::size_t ways = 0;
        for (unsigned* n : Property::numbers(o)) {
            for (const unsigned smaller : {0U, 1U, 2U, 3U, *n / 2, *n - *n / 4, *n - *n / 16, *n - 1}) {
                if (smaller >= *n || ways++ != k) continue;
                before_ = {operation, o};
                *n = smaller;
                return true;
            }
        }
        return false;
    }
    void unsimplify() override { case_.operations[before_.first] = before_.second; }
    [[nodiscard]] std::string code(std::uint64_t seed, const kept_operations& kept) const override {
        std::vector<std::string> operations;
        for (const std::size_t i : kept) operations.push_back(Property::code(case_.operations[i]));
        return test_code(Property::names, seed, Property::code(case_.start), operations);
    }

private:
    using thrown_case = std::invoke_result_t<decltype(Property::thrown), dice&>;
    using operation_type = typename decltype(thrown_case::operations)::value_type;

    thrown_case case_{};
    std::pair<std::size_t, operation_type> before_{}; // the operation that simplify() changed
};

template <typename Property>
void check_property() {
    typed_property<Property> property;
    check_property(Property::names.name, property);
}

// The first thing that a real structure and its twin disagree in.
class complaints {
public:
    [[nodiscard]] const std::string& complaint() const { return complaint_; }
    [[nodiscard]] bool content() const { return complaint_.empty(); }

protected:
    void complain(std::string text) {
        if (content()) complaint_ = std::move(text);
    }
    void expect(bool holds, std::string_view otherwise) {
        if (!holds) complain(std::string{otherwise});
    }
    template <typename Value, typename Expected>
    void expect_equal(std::string_view what, const Value& is, const Expected& expected) {
        if (!(is == expected)) complain(fmt::format("{} is {}, expected {}", what, is, expected));
    }

private:
    std::string complaint_;
};

// Plays a list of operations in a World (of type `complaints`): perform(operation), compare(), at last finish().
template <typename World, typename Setup, typename Operation>
[[nodiscard]] played play_in(const Setup& setup, const std::vector<Operation>& operations) {
    World world{setup};
    world.compare();
    if (!world.content()) return {"at the beginning: " + world.complaint(), 0};
    std::uint64_t step = 0;
    for (const Operation& o : operations) {
        world.perform(o);
        if (world.content()) world.compare();
        if (!world.content()) return {fmt::format("operation {}: {}", step, world.complaint()), step};
        ++step;
    }
    world.finish();
    return {world.content() ? std::string{} : "at the end: " + world.complaint(), step};
}

} // namespace pagesim::testing
