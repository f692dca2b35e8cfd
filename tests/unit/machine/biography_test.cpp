// SPDX-License-Identifier: MIT
#include <pagesim/machine/biography.hpp>
#include <pagesim/machine/eviction_log.hpp>
#include <support/script.hpp>
#include <support/small_machine.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace pagesim {
namespace {

using testing::script;

constexpr std::uint64_t first = 0x1000;

void write_twice_what_fits(script& s) {
    s.anon("a", first, 900);
    for (std::uint64_t n = 0; n < 1800; ++n) s.write(first + n % 900);
}
void read_a_file_twice(script& s) {
    s.file("f", 900);
    for (std::uint64_t n = 0; n < 1800; ++n) s.pread("f", n % 900);
}

machine_config config_with(swap_device device) {
    machine_config c = machine_with(page_count{512});
    c.swap.device = device;
    c.swap.flash.latency = microseconds(200);
    return c;
}

// A run, and what was told of one page.
struct told_run {
    told_run(page_in_question page, void (*program)(script&), swap_device device = swap_device::flash)
        : life{std::move(page), [this](const life_event& e) { events.push_back(e); }}, m{config_with(device),
                                                                                         &life} {
        program(stream);
        m.start(stream);
        life.begin(m);
        while (m.step()) life.look();
    }
    [[nodiscard]] std::vector<std::string> words() const {
        std::vector<std::string> out;
        for (const life_event& e : events) {
            if (e.what != "changed")
                out.push_back(e.verdict ? fmt::format("{} {}", e.what, reason_name(*e.verdict))
                                        : std::string{e.what});
        }
        return out;
    }
    [[nodiscard]] bool says(std::string_view text) const {
        return std::any_of(events.begin(), events.end(),
                           [text](const life_event& e) { return e.text.find(text) != std::string::npos; });
    }

    script stream;
    std::vector<life_event> events;
    biography life;
    machine m;
};

TEST(biography, of_an_anonymous_page_goes_from_its_fault_to_swap_and_back) {
    const told_run run{page_of_process{.pid = 1001, .at = vpn{first}}, write_twice_what_fits};
    const std::vector<std::string> words = run.words();
    const std::vector<std::string> begins{"fault",          "judged referenced", "swapped_out",
                                          "judged written", "written",           "judged reclaimed",
                                          "fault",          "swapped_in",        "major_fault"};
    // Other verdicts may come between; the order is this.
    auto at = words.begin();
    for (const std::string& word : begins) {
        at = std::find(at, words.end(), word);
        ASSERT_NE(at, words.end()) << word;
        ++at;
    }
    EXPECT_EQ(run.events.front().text, "page fault, a store");
    EXPECT_EQ(run.events.front().comm, "workload");
    EXPECT_TRUE(run.says("swapped out to slot 0:"));
    EXPECT_TRUE(run.says("off inactive_anon"));
    EXPECT_TRUE(run.says("gone from memory"));
    for (std::size_t i = 1; i < run.events.size(); ++i) EXPECT_LE(run.events[i - 1].time, run.events[i].time);
}

TEST(biography, of_a_page_on_zram_says_that_it_was_swapped_out_although_the_device_answers_at_once) {
    const told_run run{page_of_process{.pid = 1001, .at = vpn{first}}, write_twice_what_fits,
                       swap_device::zram};
    const std::vector<std::string> words = run.words();
    EXPECT_NE(std::find(words.begin(), words.end(), "swapped_out"), words.end());
    EXPECT_NE(std::find(words.begin(), words.end(), "swapped_in"), words.end());
}

TEST(biography, says_where_on_its_list_a_page_is) {
    const told_run run{page_of_process{.pid = 1001, .at = vpn{first}}, write_twice_what_fits};
    const auto listed = std::find_if(run.events.begin(), run.events.end(),
                                     [](const life_event& e) { return e.after.list.has_value(); });
    ASSERT_NE(listed, run.events.end());
    EXPECT_EQ(listed->after.list, lru_list::inactive_anon);
    EXPECT_EQ(listed->position, 0U) << "the first page of all is the first that reclaim meets";
    EXPECT_GT(listed->list_size, 1U);
    EXPECT_EQ(listed->after.refcount, 1);
    EXPECT_EQ(listed->after.mapcount, 1);
}

TEST(biography, of_a_page_of_a_file_follows_it_from_frame_to_frame) {
    const told_run run{page_of_file{.file = "f", .index = 3}, read_a_file_twice};
    std::set<std::uint64_t> frames;
    for (const life_event& e : run.events) {
        if (e.after.frame) frames.insert(raw(*e.after.frame));
    }
    EXPECT_GE(frames.size(), 2U);
    EXPECT_TRUE(run.says("judged \"reclaimed\""));
    EXPECT_TRUE(run.says("gone from memory"));
}

TEST(biography, of_a_frame_sees_it_change_hands) {
    const told_run page{page_of_process{.pid = 1001, .at = vpn{first}}, write_twice_what_fits};
    const auto in_frame = std::find_if(page.events.begin(), page.events.end(),
                                       [](const life_event& e) { return e.after.frame.has_value(); });
    ASSERT_NE(in_frame, page.events.end());
    const told_run run{page_in_frame{*in_frame->after.frame}, write_twice_what_fits};
    EXPECT_GE(std::count_if(
                  run.events.begin(), run.events.end(),
                  [](const life_event& e) { return e.text.find("gone from memory") != std::string::npos; }),
              2);
}

TEST(biography, of_a_page_that_nobody_touches_is_empty) {
    EXPECT_TRUE((told_run{page_of_process{.pid = 1001, .at = vpn{first + 5000}}, write_twice_what_fits}
                     .events.empty()));
    EXPECT_TRUE(
        (told_run{page_of_process{.pid = 7, .at = vpn{first}}, write_twice_what_fits}.events.empty()));
    EXPECT_TRUE((told_run{page_of_file{.file = "g", .index = 0}, read_a_file_twice}.events.empty()));
}

TEST(biography, listening_changes_nothing) {
    const told_run run{page_of_process{.pid = 1001, .at = vpn{first}}, write_twice_what_fits};
    machine quiet{config_with(swap_device::flash)};
    script stream;
    write_twice_what_fits(stream);
    quiet.start(stream);
    quiet.run();
    EXPECT_EQ(quiet.fingerprint_value(), run.m.fingerprint_value());
}

TEST(biography, every_reason_has_words_of_its_own) {
    std::set<std::string_view> texts;
    for (std::size_t i = 0; i < nr_reasons; ++i) texts.insert(reason_text(static_cast<why>(i)));
    EXPECT_EQ(texts.size(), nr_reasons);
    EXPECT_FALSE(texts.contains(""));
}

struct logged_run {
    logged_run(void (*program)(script&), std::size_t most)
        : log{most}, m{config_with(swap_device::flash), &log} {
        program(stream);
        m.start(stream);
        log.begin(m);
        m.run();
        log.finish();
    }
    script stream;
    eviction_log log;
    machine m;
};

TEST(eviction_log, counts_what_vmstat_counts) {
    const logged_run anon{write_twice_what_fits, 10};
    EXPECT_EQ(anon.log.evicted(), anon.m.stat()[vm_item::pgsteal_anon]);
    EXPECT_EQ(anon.log.came_back(), anon.m.stat()[vm_item::pgmajfault]);
    const logged_run file{read_a_file_twice, 10};
    EXPECT_EQ(file.log.evicted(), file.m.stat()[vm_item::pgsteal_file]);
    EXPECT_EQ(file.log.came_back(), file.m.stat()[vm_item::workingset_refault_file]);
}

TEST(eviction_log, keeps_those_that_came_back_soonest_with_the_decision_that_sent_them_out) {
    const logged_run all{write_twice_what_fits, 100'000};
    const logged_run few{write_twice_what_fits, 5};
    ASSERT_GT(all.log.soonest().size(), 5U);
    ASSERT_EQ(few.log.soonest().size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(few.log.soonest()[i].page, all.log.soonest()[i].page);
    for (std::size_t i = 0; i < all.log.soonest().size(); ++i) {
        const eviction_log::comeback& c = all.log.soonest()[i];
        EXPECT_TRUE(i == 0 || all.log.soonest()[i - 1].away() <= c.away());
        EXPECT_EQ(c.out.reason, why::reclaimed);
        ASSERT_TRUE(c.out.priority);
        EXPECT_TRUE(*c.out.priority >= 0 && *c.out.priority <= 12);
        EXPECT_EQ(c.page.substr(c.page.find('@')), "@1001");
    }
}

TEST(eviction_log, listening_changes_nothing) {
    const logged_run run{read_a_file_twice, 5};
    machine quiet{config_with(swap_device::flash)};
    script stream;
    read_a_file_twice(stream);
    quiet.start(stream);
    quiet.run();
    EXPECT_EQ(quiet.fingerprint_value(), run.m.fingerprint_value());
}

} // namespace
} // namespace pagesim
