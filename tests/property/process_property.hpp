// SPDX-License-Identifier: MIT
// Processes that map, touch, fork and die under pressure, and files that they read, write and map, beside a naive model
// (process_model.hpp).
//
// After every step the machine recounts itself (machine_parts::check_consistency: map counts are the descriptors found
// by walking and by the reverse mapping, slots are named as often as they count, TLBs hold what tables say), and between
// two steps the flusher does one of its own. After every operation the model is held against the machine; and at the end
// nothing may be left.
#pragma once

#include <property/process_model.hpp>
#include <property/process_operations.hpp>

#include <pagesim/process/fadvise.hpp>
#include <pagesim/process/file_read.hpp>
#include <pagesim/process/file_write.hpp>
#include <pagesim/process/truncate.hpp>
#include <pagesim/process/writeback_calls.hpp>
#include <pagesim/reclaim/direct_reclaim.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <optional>
#include <set>

namespace pagesim::testing::on_processes {

class world : public compared {
public:
    explicit world(const setup& s) : compared{config(s)}, setup_{s} {
        m_.parts.bdi.set_ratelimit();
        m_.between_steps = [this] { between_steps(); };
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
        case act::map_file: map_file(p, model, o); break;
        case act::exec:
            m_.exec(p);
            model.clear();
            break;
        case act::fork: fork(i); break;
        case act::exit: end(i); return;
        case act::brk: set_heap(p, model, o); break;
        case act::reclaim: reclaim(o); break;
        case act::idle: forget_use(); break;
        case act::pread:
        case act::pwrite:
        case act::fsync:
        case act::fadvise:
        case act::truncate:
        case act::sync:
        case act::drop: on_files(p, o); break;
        default: on_part(p, model, o);
        }
        if (m_.size() > i && &m_[i] == &p && p.outcome == fault_outcome::out_of_memory) end(i);
    }

    void finish() {
        while (m_.size() > 0) end(0);
        // The models look at files that are about to go; the flusher, for which deletion may wait, goes on.
        m_.between_steps = [this] { static_cast<void>(flusher_step(m_.parts.wb, flusher_)); };
        stop_watching();
        for (std::size_t i = 0; i < regular_files; ++i) {
            m_.parts.cache.close(*files_[i].open);
            delete_file_cursor c;
            mapping& f = *files_[i].of;
            m_.finish([&] { return delete_file(m_.parts.wb, f, c); });
        }
        m_.drain();
        expect_equal("anonymous pages left", m_.count(vm_item::nr_anon_pages), 0U);
        expect_equal("mapped pages left", m_.count(vm_item::nr_mapped), 0U);
        expect_equal("dirty pages left", m_.count(vm_item::nr_dirty), 0U);
        expect_equal("tables left", m_.count(vm_item::nr_page_table_pages), 0U);
        expect_equal("locked pages left", m_.count(vm_item::nr_mlock), 0U);
        expect_equal("anon_vmas left", m_.parts.map.anon_vmas().in_use(), 0U);
        // What is empty of the slabs may stay. A slab of tree nodes is two frames, of which the first counts, or one.
        const machine_parts& parts = m_.parts;
        const std::uint64_t least = m_.count(vm_item::nr_shmem) + parts.swap.cached_pages() +
                                    parts.handles.pages() + parts.zspages.pages() +
                                    parts.bios.cache().pages() + parts.buffer_heads.pages() +
                                    parts.nodes.pages() / 2;
        expect_equal("frames in use", frames_in_use(),
                     std::clamp(frames_in_use(), least, least + (parts.nodes.pages() + 1) / 2));
    }

private:
    static vm_flags access_of(unsigned number) {
        constexpr vm_flags read{vm_flag::read};
        const unsigned n = number % 4;
        return n == 0 ? vm_flags{} : n == 1 ? read : read | vm_flags{vm_flag::write};
    }
    void between_steps() {
        note_writes();
        static_cast<void>(flusher_step(m_.parts.wb, flusher_));
        note_writes();
        m_.check();
    }
    void add(process& p) {
        p.space().limits.max_map_count = setup_.max_map_count;
        p.dirtier = &dirtiers_.emplace_back();
        models_.emplace_back();
    }
    void end(std::size_t i) {
        m_.exit(m_[i]);
        models_.erase(models_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    void fork(std::size_t i) {
        if (m_.size() == most_processes) return;
        process* const child = m_.try_fork(m_[i]);
        if (child == nullptr) return;
        child->dirtier = &dirtiers_.emplace_back();
        models_.push_back(models_[i]);
    }
    static void erase(space_model& model, vpn first, std::uint64_t pages) {
        model.erase(model.lower_bound(first), model.lower_bound(first + pages));
    }
    // Pages of a new range, of which `page` is the first.
    static void set(space_model& model, vpn first, std::uint64_t pages, page_model page) {
        erase(model, first, pages);
        for (std::uint64_t i = 0; i < pages; ++i, ++page.index) model[first + i] = page;
    }

    void map_anywhere(process& p, space_model& model, const operation& o) {
        fills_ = o.at % 8 == 0;
        const vpn first = p.map({.pages = page_count{o.pages},
                                 .access = access_of(o.access),
                                 .populate = fills_ ? populating::yes : populating::no});
        if (p.error != mm_error::none) return;
        expect(model.lower_bound(first) == model.lower_bound(first + o.pages), "a used place was given away");
        set(model, first, o.pages, {.access = access_of(o.access)});
    }
    void map_over(process& p, space_model& model, const operation& o) {
        const std::uint64_t first = 200 + o.at;
        p.map_at(first, o.pages, access_of(o.access));
        if (p.error != mm_error::none) return;
        set(model, vpn{first}, o.pages, {.access = access_of(o.access)});
    }
    void map_file(process& p, space_model& model, const operation& o) {
        const std::size_t file = o.at % all_files;
        const std::uint64_t index = o.at / all_files % (files_[file].size() + 8);
        const sharing kind = o.access < 4 ? sharing::private_ : sharing::shared;
        fills_ = o.at % 7 == 0;
        const vpn first = p.map({.pages = page_count{o.pages},
                                 .access = access_of(o.access),
                                 .kind = kind,
                                 .populate = fills_ ? populating::yes : populating::no,
                                 .file = files_[file].open->id,
                                 .pgoff = index});
        if (p.error != mm_error::none) return;
        set(model, first, o.pages,
            {.access = access_of(o.access), .file = file, .index = index, .kind = kind});
    }
    void set_heap(process& p, space_model& model, const operation& o) {
        const vpn heap = vpn_of(p.space().start_brk);
        const std::uint64_t before = vpn_of(p.space().brk) - heap;
        p.brk(o.pages);
        const std::uint64_t after = vpn_of(p.space().brk) - heap;
        if (after > before) set(model, heap + before, after - before, {.access = access_of(3)});
        if (after < before) erase(model, heap + after, before - after);
    }

    [[nodiscard]] static std::optional<vpn> page_of(const space_model& model, unsigned at) {
        if (model.empty()) return std::nullopt;
        return std::next(model.begin(), static_cast<std::ptrdiff_t>(at % model.size()))->first;
    }
    // What an access must come to, memory permitting.
    [[nodiscard]] fault_outcome expected(const page_model& page, access_kind kind) const {
        const bool write = kind == access_kind::write;
        const bool allowed = write ? page.access.has(vm_flag::write) : is_accessible(page.access);
        if (!allowed) return fault_outcome::access_error;
        const bool beyond_end = page.of_file() && page.index >= files_[page.file].size();
        return beyond_end ? fault_outcome::bus_error : fault_outcome::resolved;
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
            const fault_outcome wanted = expected(at->second, kind);
            if (is != wanted)
                return complain(fmt::format("an access to page {} came to {}, expected {}", raw(from + i),
                                            static_cast<int>(is), static_cast<int>(wanted)));
            if (is != fault_outcome::resolved) return;
            if (kind == access_kind::write) store(at->second);
        }
    }
    void store(page_model& page) {
        if (page.of_file() && page.kind == sharing::shared) {
            files_[page.file].content[page.index] = ++newest_;
            return;
        }
        page.version = ++newest_;
        page.freed = false;
        page.copied = page.of_file();
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
        case act::lock:
            fills_ = true;
            p.lock(*first, o.pages);
            break;
        case act::unlock: p.lock(*first, o.pages, lock_action::munlock); break;
        case act::advise: advise(p, model, *first, o); break;
        default: remap(p, model, *first, o.pages);
        }
    }
    // Refused for too many ranges, a call may have done a part of its work.
    static void learn(const process& p, space_model& model) {
        for (auto& [n, page] : model) page.access = p.range_at(n)->flags & vm_access;
    }
    // A page that a load has brought back from a synchronous device is clean, and has no slot any more. If it is shared
    // after a fork, MADV_FREE of one process gives it up for all: the kernel asks who else maps it only if the page is
    // dirty or in the swap cache. A descriptor that is dirty saves it.
    void give_up_shared(const process& by, vpn first, std::uint64_t pages) {
        std::set<const page*> given_up;
        for (std::uint64_t i = 0; i < pages; ++i) {
            const descriptor d = by.entry(first + i);
            if (d.present() && !d.special()) given_up.insert(&m_.parts.frames[d.frame()]);
        }
        for (std::size_t i = 0; i < m_.size(); ++i) {
            for (auto& [n, page] : models_[i]) {
                const descriptor d = m_[i].entry(n);
                const bool clean = d.present() && !d.special() && !d.dirty();
                if (clean && given_up.contains(&m_.parts.frames[d.frame()])) page.freed = true;
            }
        }
    }
    void advise(process& p, space_model& model, vpn first, const operation& o) {
        const advice what = advice_words[o.access % advice_words.size()].what;
        if (what == advice::free) give_up_shared(p, first, o.pages);
        p.advise(first, o.pages, what);
        if (what != advice::dontneed && what != advice::free) return;
        for (std::uint64_t i = 0; i < o.pages; ++i) { // up to a range that it is not for
            const auto at = model.find(first + i);
            if (at == model.end()) continue;
            page_model& page = at->second;
            if (p.range_at(at->first)->flags.has(vm_flag::locked)) return;
            if (what == advice::free) {
                if (page.of_file()) return;
                page.freed = true;
            } else {
                page.version = 0;
                page.freed = page.copied = false;
            }
        }
    }
    void remap(process& p, space_model& model, vpn first, std::uint64_t new_pages) {
        const std::uint64_t old_pages =
            std::min<std::uint64_t>(p.range_at(first)->end - first, new_pages > 60 ? 20 : 200);
        fills_ = true;
        page_model added = model.at(first);
        added = {.access = added.access, .file = added.file, .index = added.index, .kind = added.kind};
        const vpn to = p.remap(first, old_pages, new_pages);
        if (p.error != mm_error::none || p.outcome == fault_outcome::out_of_memory) return;
        space_model moved;
        for (std::uint64_t i = 0; i < new_pages; ++i, ++added.index)
            moved[to + i] = i < old_pages ? model.at(first + i) : added;
        erase(model, first, old_pages);
        model.insert(moved.begin(), moved.end());
    }

    void on_files(process& p, const operation& o) {
        const std::size_t number = o.at % regular_files;
        file_model& f = files_[number];
        const std::uint64_t place = o.at / regular_files;
        const std::uint64_t first = place % std::max<std::uint64_t>(f.size(), 1);
        const writeback_context& wb = m_.parts.wb;
        switch (o.what) {
        case act::pread: return pread(f, first, o.pages);
        case act::pwrite: return pwrite(p, f, first, o.pages);
        case act::fsync: {
            fsync_cursor c;
            m_.finish([&] { return fsync_file(wb, *f.of, c); });
            return expect(files_.stored(number), "fsync returned, and the device has not all of the file");
        }
        case act::fadvise: {
            fadvise_cursor c;
            c.advice = static_cast<file_advice>(o.access % 6);
            c.first = first;
            c.last = first + o.pages - 1;
            return m_.finish([&] { return fadvise(m_.parts.fc, wb, *f.open, c); });
        }
        case act::truncate: return truncate(f, number, place % 130);
        case act::sync: {
            sync_cursor c;
            m_.finish([&] { return sync_files(wb, c); });
            return expect(files_.stored(0) && files_.stored(1), "sync returned, and a device has not all");
        }
        default: {
            drop_caches_cursor c;
            m_.finish(
                [&] { return drop_caches(wb, m_.parts.rc, static_cast<drop_what>(o.access % 3 + 1), c); });
        }
        }
    }
    void pread(const file_model& f, std::uint64_t first, std::uint64_t pages) {
        file_read_cursor c;
        begin_file_read(c, *f.open, first, pages);
        const std::uint64_t end = std::min(first + pages, f.size());
        m_.finish([&] { return file_read_step(m_.parts.fc, c); });
        expect(c.outcome == fault_outcome::out_of_memory || c.position == std::max(first, end),
               "a read ended early");
    }
    void pwrite(const process& p, file_model& f, std::uint64_t first, std::uint64_t pages) {
        file_write_cursor c;
        begin_file_write(c, *f.open, first, pages, *p.dirtier);
        std::uint64_t next = first;
        m_.finish([&] {
            const step_result r = file_write_step(m_.parts.fc, c);
            while (next < c.position) f.content[next++] = ++newest_;
            return r;
        });
        expect(c.outcome == fault_outcome::out_of_memory || next == std::min(first + pages, f.size()),
               "a write ended early");
    }
    void truncate(file_model& f, std::size_t number, std::uint64_t size) {
        file_models::resize(f, size);
        for (space_model& model : models_) {
            for (auto& [n, page] : model) {
                if (page.file == number && page.index >= size) page.copied = false;
            }
        }
        truncate_file_cursor c;
        m_.finish([&] { return truncate_file(m_.parts.fc, m_.parts.wb, *f.of, page_count{size}, c); });
    }

    void reclaim(const operation& o) {
        for (unsigned i = 0; i < o.pages % 4; ++i) {
            direct_reclaim_cursor c;
            c.sc.gfp = gfp::highuser_movable;
            m_.finish([&] { return try_to_free_pages(m_.parts.rc, c); });
        }
    }
    // As reclaim does, which asks nobody about a locked page: the answer would lock it once more.
    void forget_use() {
        for (std::uint64_t n = 0; n < m_.parts.frames.size().value; ++n) {
            page& p = m_.parts.frames[pfn{n}];
            if (p.mapped() && page_evictable(p)) static_cast<void>(m_.parts.map.page_referenced(p));
        }
    }

    setup setup_;
    flusher_cursor flusher_;
    std::deque<task_dirty> dirtiers_;
    std::uint64_t newest_ = 0;
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
