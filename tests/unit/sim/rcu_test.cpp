// SPDX-License-Identifier: MIT
#include <pagesim/sim/rcu.hpp>

#include <gtest/gtest.h>

namespace pagesim {
namespace {

TEST(rcu_callbacks, without_ticks_effects_come_at_once) {
    rcu_callbacks rcu;
    bool freed = false;
    rcu.call([&] { freed = true; });
    EXPECT_TRUE(freed);
}

TEST(rcu_callbacks, an_effect_comes_with_the_tick_after_its_grace_period) {
    rcu_callbacks rcu;
    rcu.defer();
    bool freed = false;
    rcu.call([&] { freed = true; });
    EXPECT_TRUE(rcu.tick()) << "it begins";
    EXPECT_TRUE(rcu.tick()) << "it ends";
    EXPECT_FALSE(freed);
    EXPECT_TRUE(rcu.pending()) << "one is ready";
    EXPECT_FALSE(rcu.tick());
    EXPECT_TRUE(freed);
    EXPECT_FALSE(rcu.pending());
}

TEST(rcu_callbacks, what_comes_during_a_grace_period_waits_for_the_following_one) {
    rcu_callbacks rcu;
    rcu.defer();
    unsigned freed = 0;
    rcu.call([&] { ++freed; });
    rcu.tick();
    rcu.call([&] { freed += 10; });
    rcu.tick(); // ends the first, begins the second
    EXPECT_TRUE(rcu.tick()) << "ends the second";
    EXPECT_EQ(freed, 1U);
    rcu.tick();
    EXPECT_EQ(freed, 11U);
}

TEST(rcu_callbacks, an_effect_may_queue_another) {
    rcu_callbacks rcu;
    rcu.defer();
    unsigned freed = 0;
    rcu.call([&] { rcu.call([&] { ++freed; }); });
    for (int tick = 0; tick < 5; ++tick) rcu.tick();
    EXPECT_EQ(freed, 0U);
    rcu.tick();
    EXPECT_EQ(freed, 1U);
}

} // namespace
} // namespace pagesim
