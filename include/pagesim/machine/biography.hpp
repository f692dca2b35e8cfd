// SPDX-License-Identifier: MIT
// The life of one page, told as it happens: each fault, each list that it joins and leaves, each verdict of reclaim with
// its reason, each trip to swap and back.
//
//     biography told{page_of_process{.pid = 1001, .at = vpn{0x40000}}, [](const life_event& e) { ... }};
//     machine m{config, &told};
//     told.begin(m);
//     while (m.step()) told.look();
//
// A page is what a process sees at an address, or what a file has at an index, whichever frame that is at the time; or one
// frame, whoever has it. The page is looked at with every event of the machine and, by look(), between two steps. So a
// change that has no event of its own is told at the next one, with the time of that.
//
// Listening does not change the run. What it costs is a look at one descriptor for each event.
#pragma once

#include <pagesim/machine/machine.hpp>
#include <pagesim/machine/task_name.hpp>
#include <pagesim/stat/trace_event.hpp>
#include <pagesim/swap/swap_entry.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pagesim {

struct page_of_process {
    std::uint32_t pid = 0;
    vpn at{0};
};
struct page_of_file {
    std::string file; // by name; it may be created later
    std::uint64_t index = 0;
};
struct page_in_frame {
    pfn frame{0};
};
using page_in_question = std::variant<page_of_process, page_of_file, page_in_frame>;

// How the page stands after an event. Without a frame only `slot` means something.
struct page_standing {
    std::optional<pfn> frame;
    std::optional<swap_entry>
        slot;            // that the descriptor or the file names, or the swap cache has the frame under
    bool mapped = false; // by the process in question; for files and frames: by anybody
    bool young = false;  // the descriptor's access flag
    std::optional<lru_list> list; // that it is on
    bool waits = false;           // for a list, in a batch of the CPU
    page_flags flags{};
    std::int32_t refcount = 0;
    std::int32_t mapcount = 0;
};

struct life_event {
    sim_time time;
    std::string comm; // who ran
    std::uint32_t pid = 0;
    std::string_view what;      // one word, for programs; see biography.cpp
    std::string text;           // one line, for people
    std::optional<why> verdict; // of reclaim
    page_standing after;
    std::uint64_t position = 0; // on its list: how many pages reclaim takes before it
    std::uint64_t list_size = 0;
};

class biography final : public trace_sink {
public:
    using listener = std::function<void(const life_event&)>;

    biography(page_in_question page, listener tell) : page_{std::move(page)}, tell_{std::move(tell)} {}

    // Before the first step. `m` outlives the last event.
    void begin(const machine& m) { machine_ = &m; }
    // Between two steps.
    void look() { notice(machine_->now(), {}, {}); }
    // Another page from now on; as long as its address is not known, that of no process.
    void ask_about(page_in_question page) { page_ = std::move(page); }

    void on(const trace_event& e) override;
    void on(sim_time time, const tracepoint& t) override;

private:
    [[nodiscard]] page_standing standing() const;
    [[nodiscard]] page_standing standing_of(const page_of_process& p) const;
    [[nodiscard]] page_standing standing_of(const page_of_file& p) const;
    [[nodiscard]] page_standing standing_of(const page_in_frame& p) const;
    void look_at_frame(page_standing& s, pfn frame) const;
    [[nodiscard]] bool is_of_current_process(vpn at) const;
    // Tells of an event of the page itself (`what` and `text`; none: nothing happened that is worth a line unless the page
    // stands differently now).
    void notice(sim_time time, std::string_view what, std::string text,
                std::optional<why> verdict = std::nullopt);

    page_in_question page_;
    listener tell_;
    const machine* machine_ = nullptr;
    page_standing known_;
    std::uint32_t current_ = tracepoints::sched_switch::idle; // task
};

// What a reason of reclaim means, as a clause: "used since the last look, and once before".
[[nodiscard]] std::string_view reason_text(why reason);

} // namespace pagesim
