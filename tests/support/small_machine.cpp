// SPDX-License-Identifier: MIT
#include <support/small_machine.hpp>

#include <fmt/format.h>

#include <array>

namespace pagesim::testing {

namespace {

constexpr std::uint64_t range_pages = 1U << 20U;

} // namespace

small_machine::small_machine(const machine_config& config)
    : parts{config, waker, nullptr}, space{parts.new_mm()} {
    range = &space->insert_vma({.first = vpn{0}, .end = vpn{range_pages}});
    parts.settle(*space);
}

fault_outcome small_machine::touch(std::uint64_t page_number, access_kind kind) {
    const vpn n{page_number};
    while (!parts.cpu_mmu.translate(space->table(), space->id(), n, kind).ok()) {
        fault_cursor f;
        f.where = n;
        f.kind = kind;
        for (step_result r = step_again; !r.done();) {
            r = handle_mm_fault(parts.fc, *space, f);
            if (r.kind == step_kind::sleep) complete_io();
        }
        if (f.outcome != fault_outcome::resolved) return f.outcome;
    }
    return fault_outcome::resolved;
}

page& small_machine::page_at(std::uint64_t page_number) { return parts.frames[entry(page_number).frame()]; }

page& small_machine::written(std::uint64_t page_number) {
    touch(page_number, access_kind::write);
    parts.batches.lru_add_drain();
    return page_at(page_number);
}

void small_machine::age(std::uint64_t page_number) {
    static_cast<void>(parts.map.page_referenced(page_at(page_number)));
}

void small_machine::isolate(page& p) {
    p.get();
    parts.lru.del_page(p);
}

why small_machine::judge(page& p, scan_control& sc) {
    shrink_page_list_cursor c;
    c.input.push(p);
    io_plug plug;
    const reason_counts before = parts.reasons;
    while (!shrink_page_list(parts.rc, sc, c, plug).done()) {}
    if (parts.io) parts.io->flush(plug);
    for (unsigned i = 0; i < c.kept.size; ++i) {
        static_cast<void>(putback_page(parts.cpu, parts.lru, parts.batches, *c.kept.pages[i]));
    }
    for (std::size_t r = 0; r < nr_reasons; ++r) {
        const auto w = static_cast<why>(r);
        if (parts.reasons[w] != before[w]) return w;
    }
    return why::count_;
}

void small_machine::swap_out(std::uint64_t page_number) {
    for (int pass = 0; pass < 3 && !entry(page_number).is_swap(); ++pass) {
        page& p = page_at(page_number);
        isolate(p);
        scan_control sc;
        judge(p, sc);
    }
    complete_io();
    parts.batches.lru_add_drain();
    const swap_bits bits = entry(page_number).swap_entry();
    page* cached = parts.swap.lookup({.offset = bits.offset, .type = bits.type});
    if (cached == nullptr) return;
    isolate(*cached);
    scan_control sc;
    judge(*cached, sc);
}

void small_machine::complete_io() {
    while (!parts.events.empty()) {
        parts.clock.advance_to(std::max(parts.clock.now(), parts.events.next_time()));
        while (parts.events.run_one(parts.clock.now())) {}
    }
}

std::string small_machine::picture() const {
    constexpr std::array<std::string_view, nr_lru_lists> names{"ia", "aa", "if", "af", "un"};
    std::string out;
    for (unsigned l = 0; l < nr_lru_lists; ++l) {
        std::string pages;
        parts.lru.list(static_cast<lru_list>(l)).for_each([&](const page& p) {
            pages += fmt::format(" {}", raw(parts.map.vpn_of(p)));
        });
        out += fmt::format("{}{}:{}", l == 0 ? "" : " | ", names[l], pages.empty() ? " -" : pages);
    }
    return out;
}

} // namespace pagesim::testing
