// SPDX-License-Identifier: MIT
// Files' dirty pages under a flusher, an fsync, a truncation and a drop_caches that take turns step by step, on a device
// that answers late, beside a set of what was dirtied. What must hold:
//
//     - everything that the machine checks of itself, after each operation
//     - what was dirtied is dirty, under writeback or has been written since; only truncation may lose it
//     - when an fsync returns, what was dirty when it began is written
//     - at the end everybody gets through, sync leaves nothing dirty, and nobody still holds a page
#pragma once

#include <support/dirty_files.hpp>
#include <support/property.hpp>

#include <pagesim/process/writeback_calls.hpp>

#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace pagesim::testing::on_writeback {

enum class act : std::uint8_t {
    dirty,    // `amount` pages from `page` on, of file `which`
    flush,    // `amount` steps of the flusher
    wake,     // the flusher is asked for everything
    fsync,    // `amount` steps; of file `which`, if none is under way
    truncate, // the same, at `page`
    drop,     // the same, of all files
    time,     // `amount` times 20 microseconds pass, devices and timers answer
};
inline constexpr std::array<std::string_view, 7> act_names{"dirty",    "flush", "wake", "fsync",
                                                           "truncate", "drop",  "time"};

struct setup {
    unsigned flash = 1; // or pmem
    unsigned old_kernel = 0;
};
struct operation {
    act what;
    unsigned which;
    unsigned page;
    unsigned amount;
};
struct thrown_case {
    setup start;
    std::vector<operation> operations;
};

class world : public complaints {
public:
    explicit world(const setup& s)
        : m_{a_machine()
                 .with_memory(1024)
                 .with_files_on(s.flash != 0 ? file_device::flash : file_device::pmem)
                 .with_profile(s.old_kernel != 0 ? linux_5_10 : linux_6_1)
                 .build()},
          d_{*m_} {
        for (const char* name : {"a", "b", "c"}) files_.push_back(&d_.create(name, pages));
    }

    void perform(const operation& o) {
        switch (o.what) {
        case act::dirty: return dirty(o.which % 3, o.page, o.amount);
        case act::flush:
            for (unsigned i = 0; i < o.amount; ++i) static_cast<void>(flusher_step(m_->parts.wb, d_.flusher));
            return;
        case act::wake: return m_->parts.bdi.wakeup_flusher_threads(wb_reason::vmscan);
        case act::fsync:
            if (!fsync_on_) begin_fsync(o.which % 3);
            for (unsigned i = 0; i < o.amount && fsync_on_; ++i) step_fsync();
            return;
        case act::truncate:
            if (!truncate_on_) {
                truncate_on_ = o.which % 3;
                truncate_ = {};
                truncate_.first = o.page % pages;
            }
            for (unsigned i = 0; i < o.amount && truncate_on_; ++i) step_truncate();
            return;
        case act::drop:
            for (unsigned i = 0; i < o.amount; ++i) {
                if (drop_caches(m_->parts.wb, m_->parts.rc, drop_what::pagecache, drop_).done()) return;
            }
            return;
        case act::time: return pass(microseconds(20) * o.amount);
        }
    }
    void compare() {
        m_->check();
        for (auto it = unsaved_.begin(); it != unsaved_.end();) {
            const page* p = m_->parts.cache.find(*files_[it->first], it->second);
            if (p == nullptr)
                return complain(
                    fmt::format("page {} of file {} is gone, and was dirty", it->second, it->first));
            const bool saved = !p->test(page_flag::dirty) && !p->test(page_flag::writeback);
            it = saved ? unsaved_.erase(it) : std::next(it);
        }
    }
    void finish() {
        for (unsigned i = 0; i < 5000 && (fsync_on_ || truncate_on_); ++i) {
            if (fsync_on_) step_fsync();
            if (truncate_on_) step_truncate();
            perform({.what = act::flush, .which = 0, .page = 0, .amount = 5});
            pass(microseconds(100));
        }
        expect(!fsync_on_ && !truncate_on_, "somebody does not get through");
        sync_cursor s;
        unsigned tries = 0;
        while (!sync_files(m_->parts.wb, s).done() && ++tries < 20000) {
            perform({.what = act::flush, .which = 0, .page = 0, .amount = 5});
            pass(microseconds(20));
        }
        expect_equal("nr_dirty", m_->parts.stat[vm_item::nr_dirty], std::uint64_t{0});
        expect_equal("nr_writeback", m_->parts.stat[vm_item::nr_writeback], std::uint64_t{0});
        m_->parts.batches.lru_add_drain();
        for (const mapping* f : files_) {
            for (std::uint64_t i = f->next_frame(0); i != mapping::none; i = f->next_frame(i + 1))
                expect_equal("references", m_->parts.cache.find(*f, i)->refcount(), 2);
        }
        compare();
    }

private:
    static constexpr std::uint64_t pages = 80;
    using key = std::pair<std::size_t, std::uint64_t>; // file, page

    void dirty(std::size_t file, std::uint64_t first, unsigned amount) {
        for (std::uint64_t i = first % pages; i < pages && amount > 0; ++i, --amount) {
            if (truncate_on_ == file && i >= truncate_.first) return; // beyond its end
            const page* there = m_->parts.cache.find(*files_[file], i);
            if (there != nullptr && there->test(page_flag::locked)) continue; // a writer would wait
            d_.dirty(*files_[file], i);
            unsaved_.insert({file, i});
            to_sync_.erase({file, i});
        }
    }
    void begin_fsync(std::size_t file) {
        fsync_on_ = file;
        fsync_ = {};
        to_sync_.clear();
        for (const key& k : unsaved_)
            if (k.first == file) to_sync_.insert(k);
    }
    void step_fsync() {
        if (!fsync_file(m_->parts.wb, *files_[*fsync_on_], fsync_).done()) return;
        fsync_on_.reset();
        for (const auto& [file, i] : to_sync_) {
            const page* p = m_->parts.cache.find(*files_[file], i);
            if (p != nullptr && (p->test(page_flag::dirty) || p->test(page_flag::writeback)))
                complain(fmt::format("fsync returned, and page {} of file {} is not written", i, file));
        }
    }
    void step_truncate() {
        for (std::uint64_t i = truncate_.first; i < pages; ++i) unsaved_.erase({*truncate_on_, i});
        if (truncate_inode_pages(m_->parts.wb, *files_[*truncate_on_], truncate_).done())
            truncate_on_.reset();
    }
    void pass(sim_duration d) {
        m_->parts.clock.charge(d);
        while (m_->parts.events.run_one(m_->parts.clock.now())) {}
    }

    std::unique_ptr<small_machine> m_;
    dirty_files d_;
    std::vector<mapping*> files_;
    std::set<key> unsaved_;
    std::set<key> to_sync_; // dirty when the fsync under way began, and not dirtied since
    std::optional<std::size_t> fsync_on_;
    fsync_cursor fsync_;
    std::optional<std::size_t> truncate_on_;
    truncate_cursor truncate_;
    drop_caches_cursor drop_;
};

inline played play(const setup& s, const std::vector<operation>& operations) {
    return play_in<world>(s, operations);
}

struct property {
    static constexpr property_names names{"writeback", "on_writeback", "property/writeback_property.hpp"};
    static thrown_case thrown(dice& d) {
        constexpr std::array<act, 14> table{act::dirty, act::dirty, act::dirty,    act::flush, act::flush,
                                            act::wake,  act::fsync, act::fsync,    act::fsync, act::truncate,
                                            act::drop,  act::time,  act::truncate, act::time};
        thrown_case c;
        c.start = {.flash = d.ratio(3, 4) ? 1U : 0U, .old_kernel = d.ratio(1, 4) ? 1U : 0U};
        c.operations.resize(d.between(10, 200));
        for (operation& o : c.operations) {
            o = {.what = table[d.below(table.size())],
                 .which = static_cast<unsigned>(d.below(3)),
                 .page = static_cast<unsigned>(d.below(80)),
                 .amount = static_cast<unsigned>(d.between(1, 30))};
        }
        return c;
    }
    static played play(const setup& s, const std::vector<operation>& o) { return on_writeback::play(s, o); }
    static std::string code(const setup& s) {
        return fmt::format("{{.flash = {}, .old_kernel = {}}}", s.flash, s.old_kernel);
    }
    static std::string code(const operation& o) {
        return fmt::format("{{act::{}, {}, {}, {}}}", act_names[static_cast<std::size_t>(o.what)], o.which,
                           o.page, o.amount);
    }
    static auto numbers(operation& o) { return std::array{&o.which, &o.page, &o.amount}; }
};

} // namespace pagesim::testing::on_writeback
