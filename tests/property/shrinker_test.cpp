// SPDX-License-Identifier: MIT
// The shrinker and the printer themselves, on structures that are wrong on purpose.
#include <support/property.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <unistd.h>

namespace pagesim::testing {

// A stack that forgets its third element, is ended by the number 13 on top of another, throws at 14 and
// hangs at 15.
namespace on_wrong_stack {

enum class act : std::uint8_t { push, pop };
struct setup {
    unsigned depth;
};
struct operation {
    act what;
    unsigned value;
};
struct thrown_case {
    setup start;
    std::vector<operation> operations;
};

class world : public complaints {
public:
    explicit world(const setup& s) : depth_{s.depth} {}
    void perform(const operation& o) {
        if (o.what == act::pop) {
            if (real_.empty()) return;
            real_.pop_back();
            expected_.pop_back();
            return;
        }
        if (o.value == 13 && !real_.empty()) std::abort();
        if (o.value == 14) throw std::runtime_error{"fourteen"};
        if (o.value == 15) ::pause();
        expected_.push_back(o.value);
        if (real_.size() < depth_) real_.push_back(o.value);
    }
    void compare() { expect_equal("size", real_.size(), expected_.size()); }
    void finish() {}

private:
    std::size_t depth_;
    std::vector<unsigned> real_;
    std::vector<unsigned> expected_;
};

played play(const setup& s, const std::vector<operation>& operations) {
    return play_in<world>(s, operations);
}

struct property {
    static constexpr property_names names{"wrong_stack", "on_wrong_stack", "property/wrong_stack.hpp"};
    static thrown_case thrown(dice& d) {
        thrown_case c{.start = {.depth = 2}, .operations = std::vector<operation>(60)};
        for (operation& o : c.operations) {
            o = {d.ratio(1, 2) ? act::push : act::pop, static_cast<unsigned>(d.below(10))};
        }
        return c;
    }
    static played play(const setup& s, const std::vector<operation>& o) { return on_wrong_stack::play(s, o); }
    static std::string code(const setup& s) { return fmt::format("{{.depth = {}}}", s.depth); }
    static std::string code(const operation& o) {
        return fmt::format("{{act::{}, {}}}", o.what == act::push ? "push" : "pop", o.value);
    }
    static auto numbers(operation& o) { return std::array{&o.value}; }
};

// The same with one number in the middle of each case, and room for all.
template <unsigned Number>
struct property_with : property {
    static thrown_case thrown(dice& d) {
        thrown_case c = property::thrown(d);
        c.start.depth = 1000;
        c.operations[30] = {act::push, Number};
        return c;
    }
};

} // namespace on_wrong_stack

namespace {

constexpr std::chrono::milliseconds short_time{2000};

bool has(const kept_operations& kept, std::size_t n) {
    return std::find(kept.begin(), kept.end(), n) != kept.end();
}

TEST(shrinker, leaves_exactly_the_operations_that_matter) {
    std::size_t asked = 0;
    const auto fails = [&](const kept_operations& kept) {
        ++asked;
        return has(kept, 7) && has(kept, 500) && has(kept, 999);
    };
    EXPECT_EQ(shrunk(all_operations(1000), fails, short_time), (kept_operations{7, 500, 999}));
    EXPECT_LT(asked, 200U);
}

TEST(shrinker, takes_again_what_only_later_can_be_missed) {
    // 3 may go only when 1 and 2 are gone.
    const auto fails = [](const kept_operations& kept) {
        return has(kept, 0) && (has(kept, 3) || (!has(kept, 1) && !has(kept, 2)));
    };
    EXPECT_EQ(shrunk(all_operations(4), fails, short_time), kept_operations{0});
}

TEST(shrinker, leaves_nothing_where_the_setup_alone_fails) {
    EXPECT_EQ(shrunk(
                  all_operations(9), [](const kept_operations&) { return true; }, short_time),
              kept_operations{});
    EXPECT_EQ(shrunk(
                  {}, [](const kept_operations&) { return true; }, short_time),
              kept_operations{});
}

TEST(shrinker, ends_when_its_time_is_over) {
    const kept_operations kept = shrunk(
        all_operations(50), [](const kept_operations&) { return true; }, std::chrono::milliseconds{0});
    EXPECT_EQ(kept.size(), 50U);
}

TEST(property, a_complaint_is_shrunk_and_printed_as_a_test) {
    typed_property<on_wrong_stack::property> p;
    const property_result r = run_property(p, {.first_seed = 5});
    ASSERT_TRUE(r.failed());
    EXPECT_EQ(r.first_seed, 5U);
    EXPECT_EQ(r.thrown, 60U);
    EXPECT_EQ(r.complaint, "operation 2: size is 2, expected 3");
    ASSERT_EQ(r.kept.size(), 3U);
    EXPECT_EQ(r.code, fmt::format("#include <property/wrong_stack.hpp>\n\n"
                                  "TEST(wrong_stack_again, seed_{}) {{\n"
                                  "    using namespace pagesim::testing::on_wrong_stack;\n"
                                  "    const setup start{{.depth = 2}};\n"
                                  "    const std::vector<operation> operations{{\n"
                                  "        {{act::push, 0}},\n"
                                  "        {{act::push, 0}},\n"
                                  "        {{act::push, 0}},\n"
                                  "    }};\n"
                                  "    EXPECT_EQ(play(start, operations).complaint, \"\");\n"
                                  "}}\n",
                                  r.last_seed));
}

// The printed test, by hand.
TEST(property, a_printed_test_fails_in_the_same_way) {
    using namespace pagesim::testing::on_wrong_stack;
    const setup start{.depth = 2};
    const std::vector<operation> operations{
        {act::push, 0},
        {act::push, 0},
        {act::push, 0},
    };
    EXPECT_EQ(play(start, operations).complaint, "operation 2: size is 2, expected 3");
}

TEST(property, a_death_is_shrunk_too) {
    typed_property<on_wrong_stack::property_with<13>> p;
    const property_result r = run_property(p, {});
    ASSERT_TRUE(r.failed());
    EXPECT_EQ(r.complaint.substr(0, 28), "the process died by signal 6");
    EXPECT_EQ(r.kept.size(), 2U);
    EXPECT_TRUE(has(r.kept, 30));
}

TEST(property, an_exception_is_a_death) {
    typed_property<on_wrong_stack::property_with<14>> p;
    const property_result r = run_property(p, {});
    EXPECT_EQ(r.complaint.substr(0, 28), "the process died by signal 6");
    EXPECT_NE(r.complaint.find("fourteen"), std::string::npos) << r.complaint;
    EXPECT_EQ(r.kept, kept_operations{30});
}

TEST(property, a_case_that_never_ends_has_failed) {
    typed_property<on_wrong_stack::property_with<15>> p;
    property_limits limits;
    limits.case_seconds = 1;
    limits.shrink = std::chrono::milliseconds{0};
    const property_result r = run_property(p, limits);
    ASSERT_TRUE(r.failed());
    EXPECT_EQ(r.complaint.substr(0, 25), "the process took too long");
}

TEST(property, what_holds_runs_for_its_time_and_counts) {
    typed_property<on_wrong_stack::property_with<9>> p;
    property_limits limits;
    limits.run = std::chrono::milliseconds{50};
    const property_result r = run_property(p, limits);
    EXPECT_FALSE(r.failed());
    EXPECT_GT(r.last_seed, r.first_seed);
    EXPECT_EQ(r.steps, 60 * (r.last_seed - r.first_seed + 1));
}

} // namespace
} // namespace pagesim::testing
