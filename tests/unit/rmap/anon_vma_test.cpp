// SPDX-License-Identifier: MIT
// Families of anon_vmas: who is in which, and which ranges a page's number is looked for in.
#include <pagesim/base/dice.hpp>
#include <pagesim/rmap/anon_vma.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace pagesim {
namespace {

struct families {
    explicit families(anon_vma_reuse rule = anon_vma_reuse::if_abandoned) : table{rule} {}
    ~families() {
        for (const auto& s : spaces) {
            for (vma& v : s->vmas()) table.unlink(v);
        }
    }

    mm& space() {
        spaces.push_back(
            std::make_unique<mm>(asid{static_cast<std::uint16_t>(spaces.size() + 1)}, frames, pool));
        return *spaces.back();
    }
    vma& range(std::uint64_t first, std::uint64_t end) {
        return space().insert_vma({.first = vpn{first}, .end = vpn{end}});
    }
    // A range with pages of its own.
    vma& used(std::uint64_t first, std::uint64_t end) {
        vma& v = range(first, end);
        table.prepare(v);
        return v;
    }
    vma& forked(const vma& parent) {
        vma& child = space().insert_vma(parent);
        table.fork(child, parent);
        return child;
    }
    void gone(vma& v) {
        table.unlink(v);
        v.owner->erase_vma(v);
    }
    void check() const {
        std::vector<const mm*> all;
        for (const auto& s : spaces) all.push_back(s.get());
        table.check_consistency(all);
    }
    // Where a page with that number is looked for: first pages in the order of the walk.
    [[nodiscard]] std::string places(std::uint32_t id, std::uint64_t number) const {
        std::string out;
        table[id].for_each_range(number, [&](const anon_link& l) {
            out += std::to_string(raw(l.address_of(number))) + ' ';
            return visit_result::go_on;
        });
        return out;
    }

    mem_map frames{page_count{16}};
    table_pool pool;
    std::vector<std::unique_ptr<mm>> spaces;
    anon_vma_table table;
};

TEST(anon_vma, a_page_is_looked_for_in_the_range_that_holds_its_number) {
    families f;
    const vma& v = f.used(100, 200);
    EXPECT_EQ(f.places(v.anon_vma, 100), "100 ");
    EXPECT_EQ(f.places(v.anon_vma, 199), "199 ");
    EXPECT_EQ(f.places(v.anon_vma, 99), "");
    EXPECT_EQ(f.places(v.anon_vma, 200), "");
    f.check();
}

TEST(anon_vma, a_child_is_searched_for_its_parents_pages_and_not_the_other_way_round) {
    families f;
    vma& parent = f.used(100, 200);
    vma& child = f.forked(parent);
    EXPECT_EQ(f.places(parent.anon_vma, 150), "150 150 ");
    EXPECT_EQ(f.places(child.anon_vma, 150), "150 ");
    EXPECT_EQ(f.table[child.anon_vma].root, parent.anon_vma);
    f.check();
}

TEST(anon_vma, bounds_that_change_are_known) {
    families f;
    vma& parent = f.used(100, 200);
    vma& child = f.forked(parent);
    f.table.set_bounds(child, vpn{150}, vpn{160});
    EXPECT_EQ(f.places(parent.anon_vma, 149), "149 ");
    EXPECT_EQ(f.places(parent.anon_vma, 155), "155 155 ");
    f.table.set_bounds(parent, vpn{90}, vpn{200});
    EXPECT_EQ(f.places(parent.anon_vma, 95), "95 ") << "it grew downwards";
    f.check();
}

TEST(anon_vma, the_walk_meets_ranges_by_their_first_page_and_equal_ones_as_they_came) {
    families f;
    vma& v = f.used(100, 200);
    vma& late = f.forked(v);
    vma& later = f.forked(v);
    f.table.set_bounds(later, vpn{110}, vpn{200});
    f.table.set_bounds(v, vpn{100}, vpn{190}); // goes out and comes in again
    std::vector<const vma*> order;
    f.table[v.anon_vma].for_each_range(150, [&](const anon_link& l) {
        order.push_back(l.range);
        return visit_result::go_on;
    });
    EXPECT_EQ(order, (std::vector<const vma*>{&late, &v, &later}));
}

TEST(anon_vma, a_walk_ends_when_it_is_told_to) {
    families f;
    vma& v = f.used(0, 10);
    f.forked(v);
    f.forked(v);
    int seen = 0;
    f.table[v.anon_vma].for_each_range(
        5, [&](const anon_link&) { return ++seen == 2 ? visit_result::stop : visit_result::go_on; });
    EXPECT_EQ(seen, 2);
}

TEST(anon_vma, the_search_agrees_with_looking_at_every_range) {
    dice d{7};
    for (int round = 0; round < 50; ++round) {
        families f;
        vma& v = f.used(1000, 1100);
        std::vector<vma*> all{&v};
        for (int step = 0; step < 40; ++step) {
            vma& one = *all[d.below(all.size())];
            if (d.ratio(1, 2)) {
                all.push_back(&f.forked(one));
            } else {
                const std::uint64_t first = d.between(1000, 1098);
                f.table.set_bounds(one, one.address_of(first), one.address_of(d.between(first + 1, 1100)));
            }
        }
        f.check();
        for (std::uint64_t number = 995; number < 1105; ++number) {
            std::size_t expected = 0;
            for (const vma* r : all)
                expected += number >= r->pgoff && number < r->pgoff + r->pages() ? 1U : 0U;
            std::size_t found = 0;
            f.table[v.anon_vma].for_each_range(number, [&](const anon_link&) {
                ++found;
                return visit_result::go_on;
            });
            ASSERT_EQ(found, expected) << "number " << number;
        }
    }
}

TEST(anon_vma, everything_is_given_back_with_the_last_range_of_a_family) {
    families f;
    vma& parent = f.used(100, 200);
    vma& child = f.forked(parent);
    EXPECT_EQ(f.table.in_use(), 2U);
    f.gone(parent);
    EXPECT_EQ(f.table.in_use(), 2U) << "the root stays as long as a descendant does";
    f.check();
    f.gone(child);
    EXPECT_EQ(f.table.in_use(), 0U);
    f.check();
}

TEST(anon_vma, a_child_takes_over_what_no_range_uses_any_more) {
    for (const anon_vma_reuse rule : {anon_vma_reuse::by_degree, anon_vma_reuse::if_abandoned}) {
        families f{rule};
        vma& first = f.used(0, 10);
        vma& second = f.forked(first);
        const std::uint32_t abandoned = second.anon_vma;
        vma& third = f.forked(second);
        EXPECT_NE(third.anon_vma, abandoned);
        f.gone(second);
        vma& fourth = f.forked(third);
        EXPECT_EQ(fourth.anon_vma, abandoned);
        EXPECT_EQ(fourth.chain, third.chain);
        f.check();
    }
}

// Fixed in 5.10.223 and later: the taken-over anon_vma of a living range makes its pages look as if the other might map
// them.
TEST(anon_vma, by_degree_a_child_may_take_over_what_a_living_range_uses) {
    for (const anon_vma_reuse rule : {anon_vma_reuse::by_degree, anon_vma_reuse::if_abandoned}) {
        families f{rule};
        vma& first = f.used(0, 10);
        vma& second = f.forked(first);
        vma& third = f.forked(second);
        f.gone(second);
        vma& fourth = f.forked(third); // uses second's
        vma& fifth = f.forked(fourth);
        const bool takes_over = rule == anon_vma_reuse::by_degree;
        EXPECT_EQ(fifth.anon_vma == third.anon_vma, takes_over);
        EXPECT_EQ(f.table.in_use(), takes_over ? 3U : 4U);
        f.check();
    }
}

TEST(anon_vma, the_root_is_never_taken_over) {
    families f;
    vma& first = f.used(0, 10);
    const std::uint32_t root = first.anon_vma;
    vma& second = f.forked(first);
    f.gone(first);
    EXPECT_NE(f.forked(second).anon_vma, root);
}

TEST(anon_vma, neighbours_of_one_file_and_like_flags_share_unless_they_were_inherited) {
    families f;
    mm& s = f.space();
    vma& lower = s.insert_vma({.first = vpn{10}, .end = vpn{20}});
    vma& upper =
        s.insert_vma({.first = vpn{20}, .end = vpn{30}, .flags = vm_flags{vm_flag::read} | vm_may_all});
    vma& locked =
        s.insert_vma({.first = vpn{30}, .end = vpn{40}, .flags = vm_data | vm_flags{vm_flag::locked}});
    f.table.prepare(lower);
    f.table.prepare(upper);
    f.table.prepare(locked);
    EXPECT_EQ(lower.anon_vma, upper.anon_vma) << "mprotect could make them one";
    EXPECT_NE(upper.anon_vma, locked.anon_vma);
    vma& child = f.forked(lower);
    vma& next = child.owner->insert_vma({.first = vpn{20}, .end = vpn{30}});
    f.table.prepare(next);
    EXPECT_NE(next.anon_vma, child.anon_vma);
    f.check();
}

} // namespace
} // namespace pagesim
