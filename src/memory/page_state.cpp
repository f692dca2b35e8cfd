// SPDX-License-Identifier: MIT
#include <pagesim/memory/page_list.hpp>
#include <pagesim/memory/page_state.hpp>
#include <pagesim/memory/pcp.hpp>

#include <fmt/format.h>

#include <array>

namespace pagesim {

namespace {

bool is_blank(const page& p) {
    return unlinked(p) && p.flags().empty() && p.refcount() == 0 && p.mapcount() == 0 && p.mapping() == 0 &&
           p.index() == 0 && p.private_data() == 0;
}

// Flags that only pages of user memory carry.
constexpr page_flags user_flags{page_flag::lru,       page_flag::active,      page_flag::workingset,
                                page_flag::swapcache, page_flag::writeback,   page_flag::swapbacked,
                                page_flag::mlocked,   page_flag::unevictable, page_flag::anon_exclusive,
                                page_flag::private_};

// A free frame carries only the flag of the place where it is.
bool is_legal_free(const page& p, page_flag place) {
    return p.flags() == page_flags{place} && p.refcount() == 0 && p.mapcount() == 0 && p.mapping() == 0 &&
           !unlinked(p);
}

bool is_legal_user(const page& p) {
    const bool cached = p.test(page_flag::swapcache);
    if (cached && !p.test(page_flag::swapbacked)) return false;
    if (p.test(page_flag::unevictable) && p.test(page_flag::active)) return false;
    return p.mapcount() >= 0 && p.refcount() >= p.mapcount() + (cached ? 1 : 0);
}

} // namespace

page_state state_of(const page& p) {
    if (p.test(page_flag::buddy)) return page_state::free_buddy;
    if (p.test(page_flag::pcp)) return page_state::free_pcp;
    if (p.test(page_flag::table)) return page_state::table;
    if (p.test(page_flag::zsmalloc)) return page_state::zspage;
    if (p.test(page_flag::lru)) return page_state::on_lru;
    const bool user = p.mapped() || p.mapping() != 0 || !(p.flags() & user_flags).empty();
    if (p.refcount() > 0) return user ? page_state::in_transit : page_state::kernel;
    return is_blank(p) ? page_state::blank : page_state::frozen;
}

std::string_view page_state_name(page_state s) {
    static constexpr std::array<std::string_view, 9> names{
        "blank", "free_buddy", "free_pcp", "kernel", "table", "zspage", "on_lru", "in_transit", "frozen"};
    static_assert(names.size() == static_cast<std::size_t>(page_state::frozen) + 1);
    return names[static_cast<std::size_t>(s)];
}

bool is_legal(const page& p) {
    switch (state_of(p)) {
    case page_state::blank: return true;
    case page_state::free_buddy:
        return is_legal_free(p, page_flag::buddy) && p.private_data() < max_order &&
               p.index() < nr_migratetypes;
    case page_state::free_pcp:
        return is_legal_free(p, page_flag::pcp) && p.private_data() < nr_pcp_lists && p.index() == 0;
    case page_state::table:
    case page_state::zspage: return p.refcount() > 0 && p.mapcount() == 0 && (p.flags() & user_flags).empty();
    case page_state::kernel: return p.mapcount() == 0 && unlinked(p);
    case page_state::on_lru: return p.refcount() > 0 && !unlinked(p) && is_legal_user(p);
    case page_state::in_transit: return is_legal_user(p);
    case page_state::frozen: break;
    }
    return p.mapcount() == 0 && !p.test(page_flag::swapcache) && !p.test(page_flag::writeback) && unlinked(p);
}

std::string_view page_flag_name(page_flag f) {
    switch (f) {
    case page_flag::locked: return "locked";
    case page_flag::referenced: return "referenced";
    case page_flag::uptodate: return "uptodate";
    case page_flag::dirty: return "dirty";
    case page_flag::lru: return "lru";
    case page_flag::active: return "active";
    case page_flag::workingset: return "workingset";
    case page_flag::error: return "error";
    case page_flag::swapcache: return "swapcache";
    case page_flag::reserved: return "reserved";
    case page_flag::private_: return "private";
    case page_flag::writeback: return "writeback";
    case page_flag::anon_exclusive: return "anon_exclusive";
    case page_flag::reclaim: return "reclaim";
    case page_flag::swapbacked: return "swapbacked";
    case page_flag::unevictable: return "unevictable";
    case page_flag::mlocked: return "mlocked";
    case page_flag::buddy: return "buddy";
    case page_flag::pcp: return "pcp";
    case page_flag::table: return "table";
    case page_flag::zsmalloc: return "zsmalloc";
    }
    return "unknown";
}

std::string flag_names(page_flags flags) {
    std::string names;
    for (unsigned bit = 0; bit < 32; ++bit) {
        const auto f = static_cast<page_flag>(bit);
        if (!flags.has(f)) continue;
        if (!names.empty()) names += '|';
        names += page_flag_name(f);
    }
    return names;
}

std::string describe(const page& p) {
    const std::string flags = flag_names(p.flags());
    return fmt::format("{} flags {} refcount {} mapcount {} mapping {} index {} private {:#x}{}",
                       page_state_name(state_of(p)), flags.empty() ? "none" : flags, p.refcount(),
                       p.raw_mapcount(), p.mapping(), p.index(), p.private_data(),
                       unlinked(p) ? "" : " linked");
}

} // namespace pagesim
