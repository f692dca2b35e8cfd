// SPDX-License-Identifier: MIT
#include <pagesim/reclaim/shrink_slab.hpp>
#include <support/small_machine.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace pagesim {
namespace {

using testing::a_machine;

class objects final : public shrinker {
public:
    objects(std::uint64_t n, unsigned seeks) : left{n}, seeks_{seeks} {}
    [[nodiscard]] unsigned seeks() const override { return seeks_; }
    [[nodiscard]] std::uint64_t count_objects() const override { return left; }
    std::uint64_t scan_objects(std::uint64_t n) override {
        asked.push_back(n);
        left -= n;
        return n;
    }
    std::uint64_t left;
    std::vector<std::uint64_t> asked;

private:
    unsigned seeks_;
};

class slabs : public ::testing::Test {
protected:
    std::uint64_t shrink(shrinker& s, shrinker_backlog rule, int priority) {
        return do_shrink_slab(m->parts.cpu, rule, s, priority);
    }
    std::unique_ptr<testing::small_machine> m = a_machine().build();
};

TEST_F(slabs, less_than_a_batch_is_left_for_later) {
    objects o{10000, 2};
    EXPECT_EQ(shrink(o, shrinker_backlog::cut_by_priority, 12), 0U);
    EXPECT_TRUE(o.asked.empty());
    EXPECT_EQ(o.nr_deferred, 4U) << "4 * (10000 >> 12) / 2";
    EXPECT_EQ(m->parts.stat[vm_item::slabs_scanned], 0U);
}

TEST_F(slabs, batches_are_scanned_until_less_than_one_is_left) {
    objects o{10000, 2};
    EXPECT_EQ(shrink(o, shrinker_backlog::cut_by_priority, 6), 256U);
    EXPECT_EQ(o.asked, (std::vector<std::uint64_t>{128, 128}));
    EXPECT_EQ(o.nr_deferred, 312U - 256) << "4 * 156 / 2";
    EXPECT_EQ(m->parts.stat[vm_item::slabs_scanned], 256U);
}

TEST_F(slabs, what_was_left_is_taken_on_whole_or_cut_by_the_priority) {
    objects before{10000, 2};
    before.nr_deferred = 300;
    shrink(before, shrinker_backlog::whole, 12);
    EXPECT_EQ(before.asked.size(), 2U);
    objects since{10000, 2};
    since.nr_deferred = 300;
    shrink(since, shrinker_backlog::cut_by_priority, 12);
    EXPECT_TRUE(since.asked.empty());
    EXPECT_EQ(since.nr_deferred, 304U);
}

TEST_F(slabs, a_small_step_never_empties_the_cache_before_6_1) {
    objects o{1000, 2};
    o.nr_deferred = 100'000;
    shrink(o, shrinker_backlog::whole, 12);
    EXPECT_EQ(o.left, 1000U - 384) << "half of it, in whole batches";
}

TEST_F(slabs, a_backlog_since_6_1_is_never_more_than_twice_the_cache) {
    objects o{1000, 2};
    o.nr_deferred = 100'000;
    shrink(o, shrinker_backlog::cut_by_priority, 12);
    EXPECT_EQ(o.nr_deferred, 2000U);
}

TEST_F(slabs, of_cheap_objects_half_is_wanted_whatever_the_priority) {
    objects o{1000, 0};
    shrink(o, shrinker_backlog::cut_by_priority, 12);
    EXPECT_EQ(o.left, 1000U - 384) << "of 500, three batches";
}

TEST_F(slabs, a_cache_smaller_than_a_batch_is_scanned_when_all_of_it_is_wanted) {
    objects o{10, 0};
    shrink(o, shrinker_backlog::whole, 12);
    EXPECT_EQ(o.left, 10U);
    shrink(o, shrinker_backlog::whole, 12);
    EXPECT_EQ(o.left, 0U) << "half now, half from before";
}

} // namespace
} // namespace pagesim
