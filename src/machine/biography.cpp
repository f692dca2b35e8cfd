// SPDX-License-Identifier: MIT
// Words of life_event::what:
//
//     fault, major_fault          the process wants it
//     judged                      reclaim's verdict
//     swapped_out, swapped_in     its write begins; its slot is being read
//     written                     a write is over
//     activated, deactivated      by mark_page_accessed and by age
//     migrated                    it is in another frame now
//     freed                       its frame is
//     changed                     it stands differently, and nothing else was told
#include <pagesim/machine/biography.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace pagesim {

namespace {

struct named_flag {
    page_flag flag;
    std::string_view set;
    std::string_view cleared;
};
// Flags whose change is a part of the story.
constexpr std::array<named_flag, 8> told_flags{
    {{page_flag::dirty, "dirty", "clean"},
     {page_flag::writeback, "under writeback", "no longer under writeback"},
     {page_flag::referenced, "marked referenced", "referenced mark gone"},
     {page_flag::workingset, "of the working set", "not of the working set"},
     {page_flag::reclaim, "to rotate when written", "not to rotate"},
     {page_flag::mlocked, "mlocked", "no longer mlocked"},
     {page_flag::swapcache, "in the swap cache", "out of the swap cache"},
     {page_flag::anon_exclusive, "exclusive", "shared"}}};

std::string slot_text(swap_entry e) { return fmt::format("slot {}:{}", e.type, e.offset); }

// How the page stands now, as far as it differs from before.
class differences {
public:
    differences(const page_standing& before, const page_standing& after) : before_{before}, after_{after} {
        place();
        list();
        flags();
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    void say(std::string_view s) {
        if (!text_.empty()) text_ += "; ";
        text_ += s;
    }
    [[nodiscard]] bool moved() const {
        return before_.frame && after_.frame && *before_.frame != *after_.frame;
    }
    void place() {
        if (after_.frame && (!before_.frame || moved())) {
            say(fmt::format("{} frame {}", moved() ? "now in" : "in", raw(*after_.frame)));
        }
        if (after_.mapped && (!before_.mapped || moved())) say("mapped");
        if (before_.mapped && !after_.mapped) say("unmapped");
        if (after_.slot && after_.slot != before_.slot) say(slot_text(*after_.slot));
        const bool left = before_.frame && !after_.frame; // with what it was, if a frame is asked about
        if (before_.slot && !after_.slot && !left) say(slot_text(*before_.slot) + " given back");
        if (before_.frame && !after_.frame) say("gone from memory");
    }
    void list() {
        if (after_.list && after_.list != before_.list)
            say(fmt::format("on {}", lru_list_name(*after_.list)));
        if (before_.list && !after_.list && after_.frame)
            say(fmt::format("off {}", lru_list_name(*before_.list)));
        if (after_.waits && !before_.waits && !after_.list) say("waits in a batch for its list");
    }
    void flags() {
        if (!after_.frame) return;
        const bool fresh = !before_.frame || moved();
        if (after_.young != before_.young && !fresh && after_.mapped && before_.mapped) {
            say(after_.young ? "used" : "access flag cleared");
        }
        for (const named_flag& f : told_flags) {
            if (f.flag == page_flag::anon_exclusive && !after_.mapped)
                continue; // says something of descriptors only
            const bool is = after_.flags.has(f.flag);
            const bool was = !fresh && before_.flags.has(f.flag);
            if (is != was) say(is ? f.set : f.cleared);
        }
    }

    const page_standing& before_;
    const page_standing& after_;
    std::string text_;
};

} // namespace

std::string_view reason_text(why reason) {
    constexpr std::array<std::string_view, nr_reasons> texts{
        "somebody holds the page lock",
        "it is mlocked",
        "it is mapped, and this pass may not unmap",
        "kswapd meets it again while it is still being written, like everything else",
        "it is still being written; it will rotate when that is over",
        "a locked range maps it",
        "it was used since the last look, and once before",
        "it was used since the last look: one more round",
        "it needs a swap slot, and this pass may do no I/O",
        "there is no swap slot to be had",
        "a descriptor could not be replaced",
        "it is dirty, and this pass may not enter the file system",
        "it is dirty, and this pass may not write",
        "it is dirty, and somebody else holds a reference",
        "its write was started; it goes once that is over and reclaim comes by again",
        "its write did not happen",
        "it is clean, but somebody else holds a reference",
        "it is old and clean: freed",
        "it is executable and was used since the last look",
        "it was given up by MADV_FREE, but stored to since, or is held",
        "it is dirty, and writing files is the flusher's work",
        "it is dirty and was read lately: not worth a write",
        "it gets no swap slot",
        "it is no file's any more, but held by somebody",
        "its content was given up by MADV_FREE: freed",
        "it was truncated long ago: freed",
        "a buffer of it is in use"};
    return texts[static_cast<std::size_t>(reason)];
}

void biography::look_at_frame(page_standing& s, pfn frame) const {
    const machine_parts& parts = machine_->parts();
    const page& p = parts.frames[frame];
    s.frame = frame;
    s.flags = p.flags();
    s.refcount = p.refcount();
    s.mapcount = p.mapcount();
    if (p.test(page_flag::lru)) {
        s.list = page_lru(p);
    } else {
        s.waits = parts.batches.batches_with(p) > 0;
    }
    if (p.test(page_flag::swapcache)) s.slot = swap_space::entry_of(p);
}

page_standing biography::standing_of(const page_of_process& p) const {
    const machine_parts& parts = machine_->parts();
    page_standing s;
    const workload_task* const process = process_with_pid(*machine_, p.pid);
    const std::uint64_t* const word = process == nullptr ? nullptr : process->space().table().leaf(p.at);
    if (word == nullptr || *word == 0) return s;
    const descriptor d{*word};
    if (d.is_swap()) {
        s.slot = entry_in(d, parts.config.profile.swap_pte);
        const page* const cached = parts.swap.lookup(*s.slot);
        if (cached != nullptr) look_at_frame(s, parts.frames.pfn_of(*cached));
        return s;
    }
    look_at_frame(s, d.frame());
    s.mapped = true;
    s.young = d.young();
    return s;
}

page_standing biography::standing_of(const page_of_file& p) const {
    const machine_parts& parts = machine_->parts();
    page_standing s;
    for (const auto& f : parts.cache.files()) {
        if (f == nullptr || f->name() != p.file) continue;
        const cache_slot slot = f->slot(p.index);
        if (slot.is_frame()) {
            look_at_frame(s, slot.frame());
            s.mapped = s.mapcount > 0;
        } else if (slot.is_value() && f->kind() == file_kind::shmem) {
            s.slot = swap_entry::from_packed(static_cast<std::uint32_t>(slot.value()));
            const page* const cached = parts.swap.lookup(*s.slot);
            if (cached != nullptr) look_at_frame(s, parts.frames.pfn_of(*cached));
        }
        return s;
    }
    return s;
}

page_standing biography::standing_of(const page_in_frame& p) const {
    page_standing s;
    if (machine_->parts().frames[p.frame].refcount() == 0) return s;
    look_at_frame(s, p.frame);
    s.mapped = s.mapcount > 0;
    return s;
}

page_standing biography::standing() const {
    return std::visit([this](const auto& p) { return standing_of(p); }, page_);
}

bool biography::is_of_current_process(vpn at) const {
    const auto* const p = std::get_if<page_of_process>(&page_);
    return p != nullptr && p->at == at && name_of_task(*machine_, current_).pid == p->pid;
}

void biography::notice(sim_time time, std::string_view what, std::string text, std::optional<why> verdict) {
    page_standing now = standing();
    const differences found{known_, now};
    if (!found.text().empty()) text += (text.empty() ? "" : "; ") + found.text();
    known_ = now;
    if (text.empty()) return;
    const task_name who = name_of_task(*machine_, current_);
    life_event e{.time = time,
                 .comm = std::string{who.comm},
                 .pid = who.pid,
                 .what = what.empty() ? "changed" : what,
                 .text = std::move(text),
                 .verdict = verdict,
                 .after = now};
    if (now.list) {
        const page* const wanted = &machine_->parts().frames[*now.frame];
        const page_list& list = machine_->parts().lru.list(*now.list);
        std::uint64_t newer = 0;
        bool met = false;
        list.for_each([&](const page& p) {
            met = met || &p == wanted;
            newer += met ? 0 : 1;
        });
        e.list_size = list.size();
        e.position = met ? list.size() - newer - 1 : 0;
    }
    tell_(e);
}

void biography::on(const trace_event& e) {
    if (machine_ == nullptr) return; // the machine is being made
    const page_standing now = standing();
    const auto is_it = [&](std::uint64_t frame) {
        return (now.frame && raw(*now.frame) == frame) || (known_.frame && raw(*known_.frame) == frame);
    };
    switch (e.kind) {
    case trace_kind::fault:
        if (is_of_current_process(vpn{e.a}))
            return notice(e.time, "fault", e.b != 0 ? "page fault, a store" : "page fault, a load");
        break;
    case trace_kind::major_fault:
        if (is_of_current_process(vpn{e.a}))
            return notice(e.time, "major_fault", "major fault: it has to be read");
        break;
    case trace_kind::judged: {
        const auto reason = static_cast<why>(e.b);
        if (is_it(e.a))
            return notice(e.time, "judged",
                          fmt::format("judged \"{}\": {}", reason_name(reason), reason_text(reason)), reason);
        break;
    }
    case trace_kind::swap_in:
        if (is_it(e.a) || (now.slot && from_generic_swap_entry(e.b) == *now.slot))
            return notice(e.time, "swapped_in",
                          fmt::format("swapped in: {} is read", slot_text(from_generic_swap_entry(e.b))));
        break;
    case trace_kind::writeback_end:
        if (is_it(e.a)) return notice(e.time, "written", "its write is over");
        break;
    case trace_kind::activate:
        if (is_it(e.a)) return notice(e.time, "activated", "activated");
        break;
    case trace_kind::deactivate:
        if (is_it(e.a)) return notice(e.time, "deactivated", "deactivated");
        break;
    case trace_kind::migrate:
        if (is_it(e.a)) return notice(e.time, "migrated", fmt::format("moved from frame {} to {}", e.a, e.b));
        break;
    default: break;
    }
    notice(e.time, {}, {});
}

void biography::on(sim_time time, const tracepoint& t) {
    if (machine_ == nullptr || is_decision(t)) return;
    if (const auto* s = std::get_if<tracepoints::sched_switch>(&t)) {
        notice(time, {}, {});
        current_ = s->next;
        return;
    }
    const auto is_it = [&](std::uint64_t frame) { return known_.frame && raw(*known_.frame) == frame; };
    if (const auto* w = std::get_if<tracepoints::write_page>(&t)) {
        const page_standing now = standing();
        if (now.frame && raw(*now.frame) == w->pfn) {
            const std::string where = now.slot ? " to " + slot_text(*now.slot) : "";
            return notice(time, w->file ? "write" : "swapped_out",
                          w->file ? "reclaim writes it" : fmt::format("swapped out{}", where));
        }
    }
    if (const auto* f = std::get_if<tracepoints::page_free>(&t); f != nullptr && is_it(f->pfn)) {
        return notice(time, "freed", fmt::format("frame {} is freed", f->pfn));
    }
    notice(time, {}, {});
}

} // namespace pagesim
