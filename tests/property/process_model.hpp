// SPDX-License-Identifier: MIT
// The naive model of processes and files: for each process a map from page to what may be done with it and which version
// of content it has. A store makes a new version, a fork copies the map. A page of a file has the file's version
// (process_files.hpp), a private one until it is stored to.
//
//     permissions     each page has the model's, and ranges hold no page more
//     content         what was written is not missing, and who shares a frame, or the slot that the frame came from, has
//                     the same version: a store that another process can see is caught
//     swap            a slot, or a dirty page in its place, has the content of who names it
//     files           a descriptor names the page that the file has there; what was stored is on the device, or known to
//                     be dirty; nothing is cached beyond a file's end
#pragma once

#include <property/process_files.hpp>
#include <property/process_slots.hpp>

#include <pagesim/swap/swap_space.hpp>

#include <map>

namespace pagesim::testing::on_processes {

struct page_model {
    vm_flags access;
    std::uint64_t version = 0; // 0: zeros. Of a page of its own
    bool freed = false;        // MADV_FREE: it may have become zeros
    std::size_t file = all_files;
    std::uint64_t index = 0;
    sharing kind = sharing::private_;
    bool copied = false; // of a file, and has a page of its own

    [[nodiscard]] bool of_file() const { return file != all_files; }
    [[nodiscard]] bool own() const { return !of_file() || copied; }
};
using space_model = std::map<vpn, page_model>;

// Processes and files with their models.
class compared : public complaints, private trace_sink {
public:
    explicit compared(const machine_config& config)
        : m_{config, this}, slots_{m_.parts, [this](const page& p) { return version_in(p); }} {
        files_.create(m_.parts);
    }

    void compare() {
        identities_.clear();
        for (std::size_t i = 0; i < m_.size() && content(); ++i) compare(m_[i], models_[i]);
        for (std::size_t i = 0; i < all_files && content(); ++i) compare_file(i);
        fills_ = false;
    }

protected:
    // Files and address spaces are about to go.
    void stop_watching() { watching_ = false; }
    void note_writes() {
        files_.note_writes();
        slots_.note_writes();
    }
    // Frames that somebody holds, beside the zero page and zram's pool.
    [[nodiscard]] std::uint64_t frames_in_use() const {
        std::uint64_t n = 0;
        for (std::uint64_t i = 0; i < m_.parts.frames.size().value; ++i) {
            const page& p = m_.parts.frames[pfn{i}];
            if (p.refcount() > 0 && !p.test(page_flag::reserved) && !p.test(page_flag::zsmalloc)) ++n;
        }
        return n;
    }

private:
    void compare(const process& p, space_model& model) {
        std::uint64_t pages = 0;
        for (const vma& v : p.space().vmas()) pages += v.pages();
        expect_equal("pages of all ranges", pages, model.size());
        for (auto& [n, page] : model) {
            const vma* const range = p.range_at(n);
            if (range == nullptr) return complain(fmt::format("page {} is in no range", raw(n)));
            if ((range->flags & vm_access) != page.access)
                return complain(fmt::format("page {} has other permissions", raw(n)));
            const descriptor d = p.entry(n);
            if (!page.own()) learn_copy(d, page);
            if (page.own()) {
                compare_content(d, page, n);
            } else if (!d.none()) {
                const auto* const there = d.present() ? files_.cached(page.file, page.index) : nullptr;
                if (there == nullptr || m_.parts.frames.pfn_of(*there) != d.frame())
                    complain(fmt::format("page {} is not the page of its file", raw(n)));
            }
        }
    }

    void on(const trace_event& e) override {
        if (!watching_ || e.kind != trace_kind::writeback_end) return;
        const page& p = m_.parts.frames[pfn{e.a}];
        if (p.in_file()) files_.written(p);
        if (p.test(page_flag::swapcache)) slots_.written(p);
    }
    // The version of content that the page of the swap cache has for those who name it, if anybody does.
    [[nodiscard]] std::optional<std::uint64_t> version_in(const page& p) const {
        const swap_entry e = swap_space::entry_of(p);
        for (std::size_t i = 0; i < models_.size(); ++i) {
            for (const auto& [n, known] : models_[i]) {
                const descriptor d = m_[i].entry(n);
                const bool here = d.is_swap() ? entry_in(d, m_.parts.config.profile.swap_pte) == e
                                              : d.present() && d.frame() == m_.parts.frames.pfn_of(p);
                if (!here) continue;
                if (known.own()) return known.version;
                if (known.index < files_[known.file].size()) return files_[known.file].content[known.index];
            }
        }
        for (std::size_t i = regular_files; i < all_files; ++i) {
            for (std::uint64_t n = 0; n < files_[i].size(); ++n) {
                const cache_slot s = files_[i].of->slot(n);
                if (s.is_value() && s.value() == e.packed()) return files_[i].content[n];
            }
        }
        return std::nullopt;
    }

    // Locking and filling a private range of a file that may be written copies its pages.
    void learn_copy(descriptor d, page_model& page) {
        const bool copy = d.is_swap() || (d.present() && m_.parts.frames[d.frame()].anon());
        if (!copy || page.kind == sharing::shared) return;
        expect(fills_, "a page of a file was copied without a store");
        page.copied = true;
        page.version = files_[page.file].content[page.index];
    }
    void compare_content(descriptor d, const page_model& page, vpn n) {
        if (d.none() || (d.present() && d.special())) {
            if (page.version != 0 && !page.freed)
                complain(fmt::format("page {} has lost its content", raw(n)));
            return;
        }
        if (d.present() && !m_.parts.frames[d.frame()].anon())
            return complain(fmt::format("page {} is not of its own", raw(n)));
        const std::string who = fmt::format("page {}", raw(n));
        if (d.is_swap()) {
            return compare_slot(entry_in(d, m_.parts.config.profile.swap_pte), page.version, page.freed, who);
        }
        const auto& there = m_.parts.frames[d.frame()];
        identify(identity(there), page.version, who);
        const bool slot_counts = there.test(page_flag::swapcache) && there.mapcount() == 1 && !d.dirty();
        if (slot_counts && !page.freed && !slots_.has(swap_space::entry_of(there), page.version))
            complain(who + " is clean, and its slot has another content");
    }
    void compare_slot(swap_entry e, std::uint64_t version, bool freed, const std::string& who) {
        identify(identity(e), version, who);
        if (!freed && !slots_.has(e, version))
            complain(who + " is in swap, and its slot has another content");
    }
    void identify(std::uint64_t identity, std::uint64_t version, const std::string& who) {
        const auto [at, fresh] = identities_.try_emplace(identity, version);
        if (!fresh && at->second != version)
            complain(fmt::format("{} has version {}, and shares its frame or slot with version {}", who,
                                 version, at->second));
    }
    // What holds the content: a slot, also if a page of the swap cache still has it, or a frame.
    [[nodiscard]] static std::uint64_t identity(swap_entry e) {
        constexpr std::uint64_t slots = 1ULL << 40U;
        return slots + e.packed();
    }
    [[nodiscard]] std::uint64_t identity(const page& p) const {
        if (p.test(page_flag::swapcache)) return identity(swap_space::entry_of(p));
        return raw(m_.parts.frames.pfn_of(p));
    }

    void compare_file(std::size_t number) {
        const file_model& f = files_[number];
        for (std::uint64_t i = 0; i < f.size() && content(); ++i) {
            const cache_slot s = f.of->slot(i);
            const std::string who = fmt::format("page {} of file {}", i, f.of->name());
            if (s.is_frame()) identify(identity(m_.parts.frames[s.frame()]), f.content[i], who);
            if (f.of->writes_back()) {
                if (const std::string fault = files_.fault_of(number, i); !fault.empty())
                    complain(fmt::format("{} {}", who, fault));
            } else if (s.is_value()) {
                compare_slot(swap_entry::from_packed(static_cast<std::uint32_t>(s.value())), f.content[i],
                             false, who);
            } else if (s.empty()) {
                expect(f.content[i] == 0, "a page of shared memory has lost its content");
            }
        }
        expect(f.of->next_used(f.size()) == mapping::none, "something is cached beyond the end of a file");
    }

    std::map<std::uint64_t, std::uint64_t> identities_; // version by identity

protected:
    file_models files_;
    processes m_;
    slot_models slots_;
    bool watching_ = true;
    std::vector<space_model> models_;
    bool fills_ = false; // the operation may have filled a range with copies
};

} // namespace pagesim::testing::on_processes
