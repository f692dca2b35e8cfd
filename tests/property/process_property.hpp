// SPDX-License-Identifier: MIT
// Processes that map, touch, fork and die under pressure, beside a naive model: for each process a map from page to what
// may be done with it and which version of content it has. A store makes a new version, a fork copies the map.
//
// After every step the machine recounts itself (machine_parts::check_consistency: map counts are the descriptors found
// by walking and by the reverse mapping, slots are named as often as they count, TLBs hold what tables say). After every
// operation
//
//     permissions     each page has the model's, and ranges hold no page more
//     accesses        are refused exactly where the model refuses them
//     content         what was written is not missing, and who shares a frame, or the slot that the frame came from, has
//                     the same version: a store that another process can see is caught
#pragma once

#include <property/process_operations.hpp>

#include <support/processes.hpp>
#include <support/property.hpp>

#include <pagesim/reclaim/direct_reclaim.hpp>

#include <array>
#include <iterator>
#include <map>
#include <optional>

namespace pagesim::testing::on_processes {

struct page_model {
    vm_flags access;
    std::uint64_t version = 0; // 0: zeros
};
using space_model = std::map<vpn, page_model>;

class world : public complaints {
public:
    explicit world(const setup& s) : setup_{s}, m_{config(s)} {
        m_.between_steps = [this] { m_.check(); };
        add(m_.start());
    }

    void perform(const operation& o) {
        if (m_.size() == 0) add(m_.start());
        const std::size_t i = o.which % m_.size();
        process& p = m_[i];
        space_model& model = models_[i];
        p.outcome = fault_outcome::resolved;
        switch (o.what) {
        case act::write: access(p, model, o, access_kind::write); break;
        case act::read: access(p, model, o, access_kind::read); break;
        case act::map: map_anywhere(p, model, o); break;
        case act::map_over: map_over(p, model, o); break;
        case act::exec:
            m_.exec(p);
            model.clear();
            break;
        case act::fork: fork(i); break;
        case act::exit: end(i); return;
        case act::brk: set_heap(p, model, o); break;
        case act::reclaim: reclaim(o); break;
        case act::idle: forget_use(); break;
        default: on_part(p, model, o);
        }
        if (m_.size() > i && &m_[i] == &p && p.outcome == fault_outcome::out_of_memory) end(i);
    }

    void compare() {
        identities_.clear();
        for (std::size_t i = 0; i < m_.size() && content(); ++i) compare(m_[i], models_[i]);
    }

    void finish() {
        while (m_.size() > 0) end(0);
        m_.drain();
        expect_equal("anonymous pages left", m_.count(vm_item::nr_anon_pages), 0U);
        expect_equal("tables left", m_.count(vm_item::nr_page_table_pages), 0U);
        expect_equal("locked pages left", m_.count(vm_item::nr_mlock), 0U);
        expect_equal("anon_vmas left", m_.parts.map.anon_vmas().in_use(), 0U);
    }

private:
    static vm_flags access_of(unsigned number) {
        constexpr vm_flags read{vm_flag::read};
        const unsigned n = number % 4;
        return n == 0 ? vm_flags{} : n == 1 ? read : read | vm_flags{vm_flag::write};
    }
    void add(process& p) {
        p.space().limits.max_map_count = setup_.max_map_count;
        models_.emplace_back();
    }
    void end(std::size_t i) {
        m_.exit(m_[i]);
        models_.erase(models_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    void fork(std::size_t i) {
        if (m_.size() == most_processes) return;
        if (m_.try_fork(m_[i]) != nullptr) models_.push_back(models_[i]);
    }
    static void set(space_model& model, vpn first, std::uint64_t pages, vm_flags access) {
        for (std::uint64_t i = 0; i < pages; ++i) model[first + i] = {.access = access};
    }
    static void erase(space_model& model, vpn first, std::uint64_t pages) {
        model.erase(model.lower_bound(first), model.lower_bound(first + pages));
    }

    void map_anywhere(process& p, space_model& model, const operation& o) {
        const vpn first = p.map({.pages = page_count{o.pages},
                                 .access = access_of(o.access),
                                 .populate = o.at % 8 == 0 ? populating::yes : populating::no});
        if (p.error != mm_error::none) return;
        expect(model.lower_bound(first) == model.lower_bound(first + o.pages), "a used place was given away");
        set(model, first, o.pages, access_of(o.access));
    }
    void map_over(process& p, space_model& model, const operation& o) {
        const std::uint64_t first = 200 + o.at;
        p.map_at(first, o.pages, access_of(o.access));
        if (p.error != mm_error::none) return;
        erase(model, vpn{first}, o.pages);
        set(model, vpn{first}, o.pages, access_of(o.access));
    }
    void set_heap(process& p, space_model& model, const operation& o) {
        const vpn heap = vpn_of(p.space().start_brk);
        const std::uint64_t before = vpn_of(p.space().brk) - heap;
        p.brk(o.pages);
        const std::uint64_t after = vpn_of(p.space().brk) - heap;
        if (after > before) set(model, heap + before, after - before, access_of(3));
        if (after < before) erase(model, heap + after, before - after);
    }

    [[nodiscard]] static std::optional<vpn> page_of(const space_model& model, unsigned at) {
        if (model.empty()) return std::nullopt;
        return std::next(model.begin(), static_cast<std::ptrdiff_t>(at % model.size()))->first;
    }
    void access(process& p, space_model& model, const operation& o, access_kind kind) {
        const std::optional<vpn> first = page_of(model, o.at);
        const vpn from = first.value_or(vpn{77});
        for (std::uint64_t i = 0; i < o.pages && content(); ++i) {
            const auto at = model.find(from + i);
            const fault_outcome is = p.touch(from + i, kind);
            if (is == fault_outcome::out_of_memory) {
                p.outcome = is;
                return;
            }
            if (at == model.end()) {
                expect(is == fault_outcome::map_error, "an access beside all ranges was let pass");
                return;
            }
            const bool write = kind == access_kind::write;
            const bool allowed =
                write ? at->second.access.has(vm_flag::write) : is_accessible(at->second.access);
            expect((is == fault_outcome::resolved) == allowed, "an access was not judged by its permission");
            if (is != (allowed ? fault_outcome::resolved : fault_outcome::access_error)) return;
            if (allowed && write) at->second.version = ++newest_;
        }
    }

    // What a part of an address space, found by one of its pages, is done to.
    void on_part(process& p, space_model& model, const operation& o) {
        const std::optional<vpn> first = page_of(model, o.at);
        if (!first) return;
        switch (o.what) {
        case act::unmap:
            p.unmap(*first, o.pages);
            if (p.error == mm_error::none) erase(model, *first, o.pages);
            break;
        case act::protect: {
            p.protect(*first, o.pages, access_of(o.access));
            if (setup_.max_map_count < 65530) return learn(p, model);
            for (std::uint64_t i = 0; i < o.pages; ++i) { // up to the first gap
                const auto at = model.find(*first + i);
                if (at == model.end()) break;
                at->second.access = access_of(o.access);
            }
            break;
        }
        case act::lock: p.lock(*first, o.pages); break;
        case act::unlock: p.lock(*first, o.pages, lock_action::munlock); break;
        default: remap(p, model, *first, o.pages);
        }
    }
    // Refused for too many ranges, a call may have done a part of its work.
    static void learn(const process& p, space_model& model) {
        for (auto& [n, page] : model) page.access = p.range_at(n)->flags & vm_access;
    }
    void remap(process& p, space_model& model, vpn first, std::uint64_t new_pages) {
        const std::uint64_t old_pages =
            std::min<std::uint64_t>(p.range_at(first)->end - first, new_pages > 60 ? 20 : 200);
        const vm_flags access = model.at(first).access;
        const vpn to = p.remap(first, old_pages, new_pages);
        if (p.error != mm_error::none || p.outcome != fault_outcome::resolved) return;
        space_model moved;
        for (std::uint64_t i = 0; i < std::min(old_pages, new_pages); ++i)
            moved[to + i] = model.at(first + i);
        erase(model, first, old_pages);
        for (std::uint64_t i = old_pages; i < new_pages; ++i) moved[to + i] = {.access = access};
        model.insert(moved.begin(), moved.end());
    }

    void reclaim(const operation& o) {
        for (unsigned i = 0; i < o.pages % 4; ++i) {
            direct_reclaim_cursor c;
            c.sc.gfp = gfp::highuser_movable;
            m_.finish([&] { return try_to_free_pages(m_.parts.rc, c); });
        }
    }
    void forget_use() {
        for (std::uint64_t n = 0; n < m_.parts.frames.size().value; ++n) {
            page& p = m_.parts.frames[pfn{n}];
            if (p.mapped()) static_cast<void>(m_.parts.map.page_referenced(p));
        }
    }

    void compare(const process& p, const space_model& model) {
        std::uint64_t pages = 0;
        for (const vma& v : p.space().vmas()) pages += v.pages();
        expect_equal("pages of all ranges", pages, model.size());
        for (const auto& [n, page] : model) {
            const vma* const range = p.range_at(n);
            if (range == nullptr) return complain(fmt::format("page {} is in no range", raw(n)));
            if ((range->flags & vm_access) != page.access)
                return complain(fmt::format("page {} has other permissions", raw(n)));
            compare_content(p.entry(n), page.version, n);
        }
    }
    void compare_content(descriptor d, std::uint64_t version, vpn n) {
        if (d.none() || (d.present() && d.special())) {
            if (version != 0) complain(fmt::format("page {} has lost its content", raw(n)));
            return;
        }
        const auto [at, fresh] = identities_.try_emplace(identity(d), version);
        if (!fresh && at->second != version)
            complain(fmt::format("page {} has version {}, and shares its frame or slot with version {}",
                                 raw(n), version, at->second));
    }
    // What holds the content: a slot, also if a page of the swap cache still has it, or a frame.
    [[nodiscard]] std::uint64_t identity(descriptor d) const {
        constexpr std::uint64_t slots = 1ULL << 40U;
        if (d.is_swap()) return slots + d.swap_entry().offset;
        const page& p = m_.parts.frames[d.frame()];
        if (p.test(page_flag::swapcache)) return slots + swap_space::entry_of(p).offset;
        return raw(d.frame());
    }

    setup setup_;
    processes m_;
    std::vector<space_model> models_;
    std::uint64_t newest_ = 0;
    std::map<std::uint64_t, std::uint64_t> identities_; // version by identity
};

struct property {
    static constexpr property_names names{"processes", "on_processes", "property/process_property.hpp"};
    static thrown_case thrown(dice& d) { return on_processes::thrown(d); }
    static played play(const setup& s, const std::vector<operation>& o) { return play_in<world>(s, o); }
    static std::string code(const setup& s) { return on_processes::code(s); }
    static std::string code(const operation& o) { return on_processes::code(o); }
    static auto numbers(operation& o) { return std::array{&o.which, &o.at, &o.pages, &o.access}; }
};

} // namespace pagesim::testing::on_processes
