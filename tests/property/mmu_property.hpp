// SPDX-License-Identifier: MIT
// Page tables, TLBs and memo of two CPUs beside the slow twin of mmu_naive.hpp: every outcome, every descriptor, what
// each level of each TLB holds, after each operation.
//
// `careful` cases flush as the kernel must. There every TLB entry must at all times be backed by its descriptor.
// `careless` cases change descriptors behind the TLB's back: there the TLB must be stale exactly as a TLB would be,
// that is, agree with the twin, which has no memo.
#pragma once

#include <property/mmu_naive.hpp>
#include <property/mmu_operations.hpp>

#include <support/property.hpp>

#include <pagesim/mmu/ptep.hpp>

#include <unit/mmu/test_space.hpp>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace pagesim::testing::on_mmu {

class world : public complaints {
public:
    explicit world(const setup& s) : careful_{s.kernel == manners::careful} {
        const cpu_model model{.name = "thrown", .tlb = s.tlb, .hardware_update = s.hardware_update};
        for (unsigned i = 0; i < nr_spaces; ++i) {
            spaces_.push_back(std::make_unique<test_space>(from_, asid{static_cast<std::uint16_t>(i * 7)}));
            page& root = frame();
            spaces_.back()->table.set_root(root);
            naive_memory_.tables.insert({raw(spaces_.back()->id), 0, 0});
        }
        for (unsigned i = 0; i < nr_cpus; ++i) {
            cpus_.push_back(std::make_unique<mmu>(model));
            naive_.emplace_back(s.tlb, s.hardware_update);
            tlbs_.attach(cpus_.back()->entries());
        }
    }

    void perform(const operation& o) {
        switch (o.what) {
        case act::read: return access(o, access_kind::read);
        case act::write: return access(o, access_kind::write);
        case act::fetch: return access(o, access_kind::fetch);
        case act::read_slowly: return translate(o, access_kind::read, nullptr);
        case act::write_slowly: return translate(o, access_kind::write, nullptr);
        case act::map: return change(o, mapping_of(o.variant));
        case act::swap_out: return change(o, descriptor::swap({.offset = o.variant + 1ULL}));
        case act::flush_page: return flush_page(o);
        case act::flush_range: return flush_range(o);
        case act::flush_space: return flush_space(o);
        case act::flush_all:
            tlbs_.flush_all();
            for (naive_cpu& c : naive_) c.drop([](place) { return true; });
            return;
        case act::release_tables: return release_tables(o);
        default: return change_mapped(o);
        }
    }

    void compare() {
        for (const auto& s : spaces_) compare_tables(*s);
        for (unsigned i = 0; i < nr_cpus; ++i) compare_tlb(cpus_[i]->entries(), naive_[i]);
        if (!content()) return;
        for (const auto& s : spaces_) {
            if (careful_) tlbs_.check_consistency(s->id, s->table);
        }
    }
    void finish() {}

private:
    [[nodiscard]] place where(const operation& o) const { return {raw(spaces_[o.space]->id), pages[o.page]}; }
    page& frame() {
        if (spare_.empty()) return from_.table_frame();
        page* p = spare_.back();
        spare_.pop_back();
        return *p;
    }

    // The real descriptor; adds tables on both sides.
    std::uint64_t& slot(const operation& o) {
        test_space& s = *spaces_[o.space];
        const vpn n{pages[o.page]};
        for (int level = s.table.missing_level(n); level >= 0; level = s.table.missing_level(n)) {
            s.table.install_table(n, level, frame());
        }
        const std::uint64_t word = *s.table.leaf(n);
        naive_memory_.set(where(o), word);
        return *s.table.leaf(n);
    }
    void flush_page(const operation& o) {
        tlbs_.flush_page(spaces_[o.space]->id, vpn{pages[o.page]});
        for (naive_cpu& c : naive_) c.drop([&](place p) { return p == where(o); });
    }
    // The kernel changes a descriptor; a careful one flushes.
    void change(const operation& o, descriptor d) {
        slot(o) = d.word();
        naive_memory_.set(where(o), d.word());
        if (careful_) flush_page(o);
    }

    static descriptor mapping_of(unsigned variant) {
        constexpr std::array prots{page_prot::readonly,    page_prot::shared,   page_prot::readonly_exec,
                                   page_prot::shared_exec, page_prot::execonly, page_prot::shared};
        const descriptor d = descriptor::page(pfn{variant}, prots[variant % prots.size()]);
        return variant % 2 == 0 ? d : d.mkdirty();
    }
    void change_mapped(const operation& o) {
        const descriptor d{slot(o)};
        if (!d.present()) return;
        if (o.what == act::age) {
            age(o);
        } else if (o.what == act::clean) {
            change(o, d.mkclean());
        } else if (o.what == act::protect) {
            change(o, d.wrprotect());
        } else {
            change(o, d.modify(d.protnone() ? page_prot::shared : page_prot::none));
        }
    }
    void age(const operation& o) {
        std::uint64_t& word = slot(o);
        if (careful_) {
            const bool young =
                ptep_clear_flush_young(tlbs_, {spaces_[o.space]->id, vpn{pages[o.page]}}, word);
            if (young) {
                for (naive_cpu& c : naive_) c.drop([&](place p) { return p == where(o); });
            }
        } else {
            static_cast<void>(ptep_test_and_clear_young(word));
        }
        naive_memory_.set(where(o), word);
    }
    void flush_range(const operation& o) {
        constexpr std::array<std::uint64_t, 4> lengths{1, 3, 200, 700};
        const std::uint64_t length = std::min(lengths[o.variant % 4], vpn_limit - pages[o.page]);
        const std::uint16_t space = raw(spaces_[o.space]->id);
        tlbs_.flush_range(asid{space}, vpn{pages[o.page]}, vpn{pages[o.page] + length});
        for (naive_cpu& c : naive_) {
            c.drop([&](place p) {
                const bool inside = p.second >= pages[o.page] && p.second < pages[o.page] + length;
                return p.first == space && (inside || length >= 512);
            });
        }
    }
    void flush_space(const operation& o) {
        const asid space = spaces_[o.space]->id;
        tlbs_.flush_asid(space);
        for (naive_cpu& c : naive_) c.drop([&](place p) { return p.first == raw(space); });
    }
    // Pages of a released table are none, so a careful kernel has flushed them already.
    void release_tables(const operation& o) {
        for (page* p : spaces_[o.space]->table.release_empty(vpn{0}, vpn{vpn_limit})) spare_.push_back(p);
        naive_memory_.release_empty(raw(spaces_[o.space]->id));
    }

    // What the kernel does about a fault it can repair by flags alone.
    void access(const operation& o, access_kind kind) {
        translation t;
        translate(o, kind, &t);
        if (t.ok() || t.fault.kind == fault_kind::translation) return;
        const descriptor d{slot(o)};
        if (!d.valid()) return;
        descriptor entry = d.mkyoung();
        if (kind == access_kind::write && d.writable()) entry = entry.mkdirty();
        const mapped_at at{spaces_[o.space]->id, vpn{pages[o.page]}};
        const bool changed = ptep_set_access_flags(tlbs_, at, slot(o), entry, kind);
        naive_memory_.set(where(o), slot(o));
        if (changed && kind == access_kind::write) {
            for (naive_cpu& c : naive_) c.drop([&](place p) { return p == where(o); });
        }
    }
    // One access on both sides; by the memo where it answers, unless `result` is null.
    void translate(const operation& o, access_kind kind, translation* result) {
        test_space& s = *spaces_[o.space];
        mmu& cpu = *cpus_[o.cpu];
        const vpn n{pages[o.page]};
        const translation expected = naive_[o.cpu].translate(naive_memory_, where(o), kind);
        if (result != nullptr && cpu.memo_hit({s.id, n}, kind)) {
            cpu.count_memo_hits(1);
            if (expected.outcome != translation_outcome::l1_hit)
                complain("the memo hit, the L1 TLB would not");
            result->outcome = translation_outcome::l1_hit;
            return;
        }
        const translation t = cpu.translate(s.table, s.id, n, kind);
        if (result != nullptr) *result = t;
        if (t.outcome != expected.outcome) {
            complain(fmt::format("outcome {}, expected {}", static_cast<int>(t.outcome),
                                 static_cast<int>(expected.outcome)));
        } else if (t.steps != expected.steps || t.frame != expected.frame) {
            complain(fmt::format("{} steps to frame {}, expected {} to {}", t.steps, raw(t.frame),
                                 expected.steps, raw(expected.frame)));
        } else if (!t.ok() && t.fault != expected.fault) {
            complain("another kind or level of fault");
        }
    }

    void compare_tables(test_space& s) {
        for (const std::uint64_t n : pages) {
            const std::uint64_t* word = s.table.leaf(vpn{n});
            const place p{raw(s.id), n};
            if ((word != nullptr) != naive_memory_.has_table(3, p)) return complain("another set of tables");
            const auto it = naive_memory_.words.find(p);
            const std::uint64_t expected = it == naive_memory_.words.end() ? 0 : it->second;
            if (word != nullptr && *word != expected) {
                complain(fmt::format("descriptor {:#x}, expected {:#x}", *word, expected));
            }
        }
    }
    void compare_tlb(const tlb& t, const naive_cpu& n) {
        std::map<place, std::uint64_t> l1;
        std::map<place, std::uint64_t> l2;
        const auto into = [](std::map<place, std::uint64_t>& all) {
            return [&all](translation_key k, descriptor d) {
                all[{raw(k.space()), raw(k.page())}] = d.word();
            };
        };
        t.for_each_l1(into(l1));
        t.for_each_l2(into(l2));
        if (l1 != n.l1.content()) return complain("L1 holds something else");
        if (l2 != n.l2.content()) return complain("L2 holds something else");
        t.memo().for_each([&](translation_key k, access_kind kind) {
            const auto it = l1.find({raw(k.space()), raw(k.page())});
            if (it == l1.end()) {
                complain(fmt::format("the memo knows page {}, L1 does not", raw(k.page())));
            } else if (!naive_cpu::allowed(it->second, kind)) {
                complain(fmt::format("the memo allows on page {} what L1 denies", raw(k.page())));
            }
        });
        if (!careful_) return;
        for (const auto& held : {l1, l2}) {
            for (const auto& [p, word] : held) check_backed(p, word);
        }
    }
    // A careful kernel: what a TLB holds, the descriptor still says.
    void check_backed(place p, std::uint64_t held) {
        const std::uint64_t now = naive_memory_.words[p];
        const bool valid = (now & 3U) == 3 && naive_cpu::bit(now, 10);
        if (!valid || ((now ^ held) >> 12U & 0xf'ffff'ffffU) != 0) {
            return complain(fmt::format("page {} is held after it was unmapped or aged", p.second));
        }
        for (const access_kind kind : {access_kind::read, access_kind::write, access_kind::fetch}) {
            if (naive_cpu::allowed(held, kind) && !naive_cpu::allowed(now, kind)) {
                complain(fmt::format("page {} is held with a permission it lost", p.second));
            }
        }
    }

    bool careful_;
    test_frames from_;
    std::vector<page*> spare_;
    std::vector<std::unique_ptr<test_space>> spaces_;
    std::vector<std::unique_ptr<mmu>> cpus_;
    std::vector<naive_cpu> naive_;
    naive_tables naive_memory_;
    tlb_domain tlbs_;
};

inline played play(const setup& s, const std::vector<operation>& operations) {
    return play_in<world>(s, operations);
}

template <manners Kernel>
struct property {
    static constexpr property_names names{Kernel == manners::careful ? "careful_mmu" : "careless_mmu",
                                          "on_mmu", "property/mmu_property.hpp"};
    static thrown_case thrown(dice& d) {
        thrown_case c;
        c.start = throw_setup(d, Kernel);
        c.operations = throw_operations(d, 300);
        return c;
    }
    static played play(const setup& s, const std::vector<operation>& o) { return on_mmu::play(s, o); }
    static std::string code(const setup& s) { return on_mmu::code(s); }
    static std::string code(const operation& o) { return on_mmu::code(o); }
    static auto numbers(operation& o) { return std::array{&o.cpu, &o.space, &o.page, &o.variant}; }
};

} // namespace pagesim::testing::on_mmu
