// SPDX-License-Identifier: MIT
// One anonymous page from its first touch to the end of its process, step by step, on a machine whose swap
// device answers later. Beside the raw state of struct page stand the four stages that older documents
// describe. `01_life_of_a_page 5.8` tells the life under Linux 5.8, where the page is born active.
//
// The documented view is derived from the raw one: it shows `lru` also while reclaim holds the page
// isolated, shows `dirty` for as long as the write is under way, leaves out workingset, referenced and
// active, and counts neither a per-CPU batch nor the drop of the isolation's reference before the page is
// freed.
#include <pagesim/fault/handle_mm_fault.hpp>
#include <pagesim/machine/parts.hpp>
#include <pagesim/memory/page_state.hpp>
#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/process/unmap.hpp>

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace pagesim;

// Nobody sleeps here: the example is the only task.
class nobody final : public waker {
public:
    unsigned wake_all(wait_channel /*channel*/) override { return 0; }
    [[nodiscard]] bool anyone_waits(wait_reason /*reason*/) const override { return false; }
};

enum class isolated : bool { no, yes };

std::string documented_flags(const page& p, isolated held) {
    const bool writing = p.test(page_flag::swapcache) && p.test(page_flag::writeback);
    std::string out;
    const auto show = [&](bool set, std::string_view name) {
        if (set) out += out.empty() ? std::string{name} : fmt::format("|{}", name);
    };
    show(p.test(page_flag::lru) || held == isolated::yes, "lru");
    show(p.test(page_flag::swapbacked), "swapbacked");
    show(p.test(page_flag::swapcache), "swapcache");
    show(p.test(page_flag::dirty) || writing, "dirty");
    show(p.test(page_flag::uptodate), "uptodate");
    show(p.test(page_flag::locked), "locked");
    show(p.test(page_flag::reclaim), "reclaim");
    show(p.test(page_flag::writeback), "writeback");
    return out;
}

class life {
public:
    explicit life(const machine_config& config) : parts_{config, nobody_, nullptr}, space_{parts_.new_mm()} {
        space_->insert_vma({.first = at_, .end = at_ + 1});
    }

    void tell() {
        fault(access_kind::write);
        page_ = &parts_.frames[descriptor{*space_->table().leaf(at_)}.frame()];
        show("written for the first time");
        parts_.batches.lru_add_drain();
        const bool born_active = parts_.config.profile.birth == new_anon_list::active;
        show(born_active ? "joined the active list" : "joined the inactive list");
        if (!born_active) {
            parts_.batches.activate_page(*page_);
            parts_.batches.lru_add_drain();
            show("activated");
        }
        scan_control sc;
        shrink_active_list(parts_.rc, sc, swap_cluster_max, lru_type::anon);
        show("deactivated");
        swap_out();
        swap_in();
        exit_cursor gone;
        while (!exit_mmap(parts_.fc, *space_, gone).done()) {}
        show("process gone");
        fmt::print("\npswpout {} pswpin {} pgmajfault {} nr_anon_pages {}\n", parts_.stat[vm_item::pswpout],
                   parts_.stat[vm_item::pswpin], parts_.stat[vm_item::pgmajfault],
                   parts_.stat[vm_item::nr_anon_pages]);
    }

private:
    void fault(access_kind kind) {
        fault_cursor f;
        f.where = at_;
        f.kind = kind;
        for (;;) {
            const step_result r = handle_mm_fault(parts_.fc, *space_, f);
            if (r.done()) break;
            if (r.kind == step_kind::sleep) complete_io();
        }
    }

    // The device answers.
    void complete_io() {
        parts_.clock.advance_to(std::max(parts_.clock.now(), parts_.events.next_time()));
        while (parts_.events.run_one(parts_.clock.now())) {}
    }

    void isolate() {
        isolation taken;
        isolate_lru_pages(parts_.cpu, parts_.lru, lru_list::inactive_anon, 1, zone_type::movable,
                          unmap_permission::allowed, taken);
        held_ = isolated::yes;
    }

    void swap_out() {
        io_plug plug;
        isolate();
        show("isolated by reclaim");
        page_->set(page_flag::locked);
        static_cast<void>(add_to_swap(parts_.rc, *page_));
        show("in the swap cache", 1);
        static_cast<void>(parts_.map.try_to_unmap(*page_));
        show("unmapped", 2);
        static_cast<void>(pageout(parts_.rc, *page_, plug));
        parts_.io->flush(plug);
        show("write submitted", 3);
        held_ = isolated::no;
        static_cast<void>(putback_page(parts_.cpu, parts_.lru, parts_.batches, *page_));
        show("put back, still being written");
        complete_io();
        show("write complete, waits to be rotated");
        parts_.batches.lru_add_drain();
        show("rotated to the tail");
        isolate();
        page_->set(page_flag::locked);
        show("isolated again");
        static_cast<void>(remove_mapping(parts_.rc, *page_));
        page_->clear(page_flag::locked);
        held_ = isolated::no;
        show("out of the swap cache", 4);
        parts_.home.free_page(*page_);
        show("frame free");
    }

    void swap_in() {
        fault(access_kind::read);
        page_ = &parts_.frames[descriptor{*space_->table().leaf(at_)}.frame()];
        show("read again: back from swap, in a new frame");
    }

    void show(std::string_view what, int stage = 0) const {
        fmt::print("{:44} count {}  mapcount {:2}  {}\n", what, page_->refcount(), page_->raw_mapcount(),
                   flag_names(page_->flags()));
        if (stage > 0) {
            fmt::print("{:>44} count {}  mapcount {:2}  {}\n", fmt::format("documented stage ({})", stage),
                       page_->refcount(), page_->raw_mapcount(), documented_flags(*page_, held_));
        }
    }

    nobody nobody_;
    machine_parts parts_;
    std::unique_ptr<mm> space_;
    vpn at_{0x1000};
    page* page_ = nullptr;
    isolated held_ = isolated::no;
};

} // namespace

int main(int argc, char** argv) {
    const std::string_view kernel = argc > 1 ? argv[1] : "6.1";
    machine_config config = machine_with(page_count{1024});
    if (kernel == "5.8") {
        config.profile = linux_5_8;
    } else if (kernel != "6.1") {
        fmt::print(stderr, "known kernels: 6.1, 5.8\n");
        return 2;
    }
    life{config}.tell();
    fmt::print("\nWhy the raw state differs from the documented one:\n"
               "  (1) reclaim clears lru when it isolates the page; workingset stays from the active list\n"
               "  (3) the write clears dirty before it starts; lru is set again only when the page is put "
               "back, and\n"
               "      then the isolation's reference is gone: the page rests at count 1 while it is written\n"
               "  (4) workingset is never cleared before the frame is free\n");
    return 0;
}
