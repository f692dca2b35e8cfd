// SPDX-License-Identifier: MIT
// The LRU lists, their batches and isolation beside the five deques of lruvec_naive.hpp: each list from head to tail,
// flags and counts of each page, the counters of vmstat and of the zones, after each operation.
#pragma once

#include <property/lruvec_naive.hpp>
#include <property/lruvec_operations.hpp>

#include <support/property.hpp>
#include <support/small_machine.hpp>

#include <pagesim/memory/page_state.hpp>

#include <array>

namespace pagesim::testing::on_lruvec {

class world : public complaints {
public:
    explicit world(const setup& s) : parts_{config(s), waker_, nullptr} {
        freed_before_ = parts_.stat[vm_item::pgfree];
    }

    void perform(const operation& o) {
        switch (o.what) {
        case act::allocate: return allocate(o);
        case act::lru_add_drain: parts_.batches.lru_add_drain(); return twin_.drain();
        case act::isolate: return isolate(o);
        case act::putback: return putback(o);
        default: break;
        }
        if (twin_.pages.empty()) return;
        const auto at =
            std::next(twin_.pages.begin(), static_cast<std::ptrdiff_t>(o.which % twin_.pages.size()));
        on_page(o.what, at->first, at->second);
    }

    void compare() {
        for (unsigned l = 0; l < nr_lru_lists; ++l) compare_list(static_cast<lru_list>(l));
        for (const auto& [n, p] : twin_.pages) compare_page(n, p);
        const auto& stat = parts_.stat;
        expect_equal("pgrotated", stat[vm_item::pgrotated], twin_.rotated);
        expect_equal("pgactivate", stat[vm_item::pgactivate], twin_.activated);
        expect_equal("unevictable_pgs_culled", stat[vm_item::unevictable_pgs_culled], twin_.culled);
        expect_equal("unevictable_pgs_rescued", stat[vm_item::unevictable_pgs_rescued], twin_.rescued);
        expect_equal("pgskip_normal", stat[vm_item::pgskip_normal], twin_.skipped[2]);
        expect_equal("pgfree", stat[vm_item::pgfree] - freed_before_, twin_.freed);
        expect_equal("the clock", parts_.lru.nonresident_age, twin_.age);
        expect_equal("pages in batches", parts_.batches.waiting(),
                     twin_.adding.size() + twin_.rotating.size() + twin_.activating.size());
        if (!content()) return;
        parts_.lru.check_consistency();
        parts_.home.check_consistency();
    }

    // Everything is given up: no page may stay behind.
    void finish() {
        while (!twin_.isolated.empty() && content()) putback({act::putback, 0, 0});
        std::vector<page_name> owned;
        for (const auto& [n, p] : twin_.pages) {
            if (p.owned) owned.push_back(n);
        }
        for (const page_name n : owned) on_page(act::put, n, twin_.pages.at(n));
        parts_.batches.lru_add_drain();
        twin_.drain();
        compare();
        expect(twin_.pages.empty() && parts_.lru.evictable_size() == 0, "pages are left");
    }

private:
    static machine_config config(const setup& s) {
        machine_config c = machine_with(page_count{s.dma_pages});
        c.zones.push_back({.type = zone_type::normal,
                           .present = page_count{s.normal_pages},
                           .managed = page_count{s.normal_pages}});
        c.swap.device = swap_device::none;
        return c;
    }
    page& real(page_name n) { return parts_.frames[pfn{n}]; }

    void allocate(const operation& o) {
        auto& zones = parts_.home.zones();
        zone& from = zones[o.value % zones.size()];
        page* p = from.rmqueue(page_order{0}, migratetype::movable);
        if (p == nullptr) return;
        const page_name n = raw(parts_.frames.pfn_of(*p));
        if (twin_.pages.count(n) != 0) return complain(fmt::format("frame {} is handed out twice", n));
        naive_page& twin = twin_.pages[n];
        twin.zone = from.index();
        twin.anon = o.value / 2 % 4 != 0;
        twin.active = o.value / 8 % 4 == 0;
        if (twin.anon) p->set(page_flag::swapbacked);
        if (twin.active) p->set(page_flag::active);
        p->set(page_flag::uptodate);
    }

    void on_page(act what, page_name n, naive_page& twin) {
        page& p = real(n);
        const bool off = !twin.listed && !twin_.waits_to_be_added(n) && !twin_.is_isolated(n);
        switch (what) {
        case act::add_page:
            if (!off) return;
            parts_.lru.add_page(p);
            return twin_.link(n, end_of_list::head);
        case act::add_page_tail:
            if (!off) return;
            parts_.lru.add_page_tail(p);
            return twin_.link(n, end_of_list::tail);
        case act::del_page:
            if (!twin.listed) return;
            parts_.lru.del_page(p);
            return twin_.unlink(n);
        case act::lru_cache_add:
            if (!off) return;
            parts_.batches.lru_cache_add(p);
            return twin_.cache_add(n);
        case act::activate_page: parts_.batches.activate_page(p); return twin_.activate(n);
        case act::rotate: parts_.batches.rotate_reclaimable_page(p); return twin_.rotate(n);
        case act::put: return put(n, twin);
        default: return toggle(what, p, twin);
        }
    }

    void toggle(act what, page& p, naive_page& twin) {
        const auto flip = [&p](bool& own, page_flag f) {
            own = !own;
            own ? p.set(f) : p.clear(f);
        };
        switch (what) {
        case act::toggle_mlocked: return flip(twin.mlocked, page_flag::mlocked);
        case act::toggle_reference: return flip(twin.referenced, page_flag::referenced);
        case act::toggle_dirty: return flip(twin.dirty, page_flag::dirty);
        case act::toggle_locked:
            if (twin.owned) flip(twin.locked, page_flag::locked);
            return;
        case act::toggle_active:
            if (!twin.listed && !twin.unevictable) flip(twin.active, page_flag::active);
            return;
        case act::toggle_mapped:
            if (!twin.owned) return;
            twin.mapped = !twin.mapped;
            return twin.mapped ? p.add_mapping() : p.remove_mapping();
        default: return;
        }
    }

    // The owner unlocks and unmaps it first. Batches and isolation may hold it longer.
    void put(page_name n, naive_page& twin) {
        if (!twin.owned) return;
        page& p = real(n);
        if (twin.mapped) p.remove_mapping();
        twin.mapped = false;
        p.clear(page_flag::locked);
        twin.locked = false;
        parts_.batches.put_page(p);
        twin_.put_owner(n);
    }

    void isolate(const operation& o) {
        const unsigned list = o.value % nr_evictable_lists;
        const unsigned n = 1 + o.value / 4 % swap_cluster_max;
        const zone_type highest = o.which % 4 == 0 ? zone_type::dma : zone_type::movable;
        const bool mapped_too = o.which % 3 != 0;
        isolation out;
        isolate_lru_pages(parts_.cpu, parts_.lru, static_cast<lru_list>(list), n, highest,
                          mapped_too ? unmap_permission::allowed : unmap_permission::forbidden, out);
        const std::size_t before = twin_.isolated.size();
        const std::uint64_t looked_at = twin_.isolate(list, n, static_cast<unsigned>(highest), mapped_too);
        expect_equal("nr_scanned", out.nr_scanned, looked_at);
        expect_equal("number of isolated pages", out.taken.size, twin_.isolated.size() - before);
        for (unsigned i = 0; i < out.taken.size && content(); ++i) {
            expect_equal("isolated page", raw(parts_.frames.pfn_of(*out.taken.pages[i])),
                         twin_.isolated[before + i]);
        }
    }
    void putback(const operation& o) {
        if (twin_.isolated.empty()) return;
        const std::size_t which = o.which % twin_.isolated.size();
        static_cast<void>(putback_page(parts_.cpu, parts_.lru, parts_.batches, real(twin_.isolated[which])));
        twin_.putback(which);
    }

    void compare_list(lru_list l) {
        const std::deque<page_name>& expected = twin_.lists[index_of(l)];
        const std::string_view name = vm_item_name(node_item(l));
        std::vector<page_name> is;
        parts_.lru.list(l).for_each([&](const page& p) { is.push_back(raw(parts_.frames.pfn_of(p))); });
        if (!std::equal(is.begin(), is.end(), expected.begin(), expected.end())) {
            complain(fmt::format("the list of {} is {}, expected {}", name, fmt::join(is, " "),
                                 fmt::join(expected, " ")));
        }
        expect_equal("size", parts_.lru.size(l), expected.size());
        expect_equal(name, parts_.stat[node_item(l)], expected.size());
        expect_equal(vm_item_name(zone_item(l)), parts_.stat[zone_item(l)], expected.size());
        for (const zone& z : parts_.home.zones()) {
            const auto in_zone = std::count_if(expected.begin(), expected.end(), [&](page_name n) {
                return twin_.pages.at(n).zone == z.index();
            });
            expect_equal("pages of a zone", z.nr_zone_lru(index_of(l)), static_cast<std::uint64_t>(in_zone));
        }
    }
    void compare_page(page_name n, const naive_page& twin) {
        page_flags flags{page_flag::uptodate};
        const auto add = [&flags](bool is_set, page_flag f) {
            if (is_set) flags.set(f);
        };
        add(twin.anon, page_flag::swapbacked);
        add(twin.active, page_flag::active);
        add(twin.unevictable, page_flag::unevictable);
        add(twin.mlocked, page_flag::mlocked);
        add(twin.referenced, page_flag::referenced);
        add(twin.dirty, page_flag::dirty);
        add(twin.locked, page_flag::locked);
        add(twin.listed, page_flag::lru);
        const page& p = real(n);
        if (p.flags() != flags || p.refcount() != twin.references) {
            complain(fmt::format("frame {} is {}, expected flags {} refcount {}", n, describe(p),
                                 flag_names(flags), twin.references));
        }
    }

    silent_waker waker_;
    machine_parts parts_;
    naive_lists twin_;
    std::uint64_t freed_before_ = 0;
};

inline played play(const setup& s, const std::vector<operation>& operations) {
    return play_in<world>(s, operations);
}

struct property {
    static constexpr property_names names{"lruvec", "on_lruvec", "property/lruvec_property.hpp"};
    static thrown_case thrown(dice& d) { return on_lruvec::thrown(d); }
    static played play(const setup& s, const std::vector<operation>& o) { return on_lruvec::play(s, o); }
    static std::string code(const setup& s) { return on_lruvec::code(s); }
    static std::string code(const operation& o) { return on_lruvec::code(o); }
    static auto numbers(operation& o) { return std::array{&o.which, &o.value}; }
};

} // namespace pagesim::testing::on_lruvec
