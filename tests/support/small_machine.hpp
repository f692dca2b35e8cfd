// SPDX-License-Identifier: MIT
// A machine small enough to know every page of: the parts, one address space, and nobody to sleep.
//
//     auto m = a_machine().with_memory(1024).with_swap_on(swap_device::zram).build();
//     page& p = m->written(3);          // virtual page 3, touched by a store, on the inactive list
//     EXPECT_EQ(m->picture(), "ia: 3 | aa: - | if: - | af: - | un: -");
#pragma once

#include <pagesim/fault/handle_mm_fault.hpp>
#include <pagesim/machine/parts.hpp>
#include <pagesim/mmu/descriptor.hpp>
#include <pagesim/reclaim/shrink_list.hpp>

#include <array>
#include <memory>
#include <string>

namespace pagesim::testing {

// Wakes nobody, and remembers that it was asked to.
class silent_waker final : public waker {
public:
    unsigned wake_all(wait_channel channel) override {
        last = channel;
        ++times_[static_cast<std::size_t>(channel.reason)];
        return 0;
    }
    // How often anybody who waits for that was to be woken.
    [[nodiscard]] unsigned times(wait_reason r) const { return times_[static_cast<std::size_t>(r)]; }
    [[nodiscard]] bool anyone_waits(wait_reason /*reason*/) const override { return false; }
    [[nodiscard]] bool need_resched() const override { return another_is_to_run; }

    wait_channel last{};
    bool another_is_to_run = false;

private:
    std::array<unsigned, 32> times_{}; // by reason
};

class small_machine {
public:
    explicit small_machine(const machine_config& config);

    // One access from outside: translates, and lets faults run until it does.
    fault_outcome touch(std::uint64_t page_number, access_kind kind);
    // The page behind a virtual page number; it must be present.
    page& page_at(std::uint64_t page_number);
    // Stores to it, drains the batches and returns it.
    page& written(std::uint64_t page_number);
    // Makes the page's descriptor old.
    void age(std::uint64_t page_number);
    // Isolates exactly this page, which is on a list.
    void isolate(page& p);
    // Judges one isolated page and carries the verdict out; returns the reason.
    why judge(page& p, scan_control& sc);
    // Takes the page to swap: afterwards it is gone, the descriptor holds a swap entry.
    void swap_out(std::uint64_t page_number);
    // A clean page of the file, read just now: on the inactive file list. The file is made when it is first asked for.
    page& file_page(std::uint64_t index);
    // A page of metadata, of a machine that began with some.
    page& metadata(std::uint64_t index) { return *parts.cache.find(*parts.cache.files()[1], index); }
    // The same of a shmem file: dirty, on the inactive anonymous list.
    page& shmem_page(std::uint64_t index);
    [[nodiscard]] mapping& file() { return file_of(regular_, file_kind::regular); }
    [[nodiscard]] mapping& shmem() { return file_of(shmem_, file_kind::shmem); }
    // Maps that page of its file in a range of its own, by a young descriptor; returns the range. That it was
    // stored to through it, the descriptor alone knows.
    enum class mapped_by : std::uint8_t { load, store };
    vma& map_file(page& p, vm_flags flags, mapped_by through = mapped_by::load);
    [[nodiscard]] descriptor entry_of(const vma& v) { return descriptor{*space->table().leaf(v.first)}; }
    // Lets the device answer all that it was asked.
    void complete_io();
    // The lists from head to tail: anonymous pages by virtual page number, pages of a file as f0, f1, of shmem as s0; ? has
    // neither.
    [[nodiscard]] std::string picture() const;
    [[nodiscard]] descriptor entry(std::uint64_t page_number) {
        return descriptor{*space->table().leaf(vpn{page_number})};
    }
    void check() const { parts.check_consistency({space.get()}); }

    silent_waker waker;
    machine_parts parts;
    std::unique_ptr<mm> space;
    vma* range = nullptr;

private:
    [[nodiscard]] mapping& file_of(mapping*& known, file_kind kind);
    [[nodiscard]] page& new_page();

    mapping* regular_ = nullptr;
    mapping* shmem_ = nullptr;
    vpn next_range_{2U << 20U}; // of map_file, each in a table of its own
};

class a_machine {
public:
    a_machine() : config_{machine_with(page_count{1024})} {}
    a_machine& with_memory(std::uint64_t pages) {
        config_.zones = machine_with(page_count{pages}).zones;
        return *this;
    }
    a_machine& with_swap_on(swap_device device, std::uint64_t pages = 4096) {
        config_.swap.device = device;
        config_.swap.pages = page_count{pages};
        return *this;
    }
    a_machine& with_files_on(file_device device) {
        config_.files.device = device;
        return *this;
    }
    a_machine& with_dirty(const dirty_config& dirty) {
        config_.dirty = dirty;
        return *this;
    }
    // One more area, after the first.
    a_machine& and_swap_on(const swap_config& area) {
        config_.more_swap.push_back(area);
        return *this;
    }
    // The first area as it shall be.
    a_machine& with_swap(const swap_config& area) {
        config_.swap = area;
        return *this;
    }
    a_machine& with_metadata(std::uint64_t by_mount, std::uint64_t by_bh_lru) {
        config_.start.metadata = {.by_mount = page_count{by_mount}, .by_bh_lru = page_count{by_bh_lru}};
        return *this;
    }
    a_machine& with_page_cluster(unsigned n) {
        config_.reclaim.page_cluster = n;
        return *this;
    }
    a_machine& with_profile(const kernel_profile& p) {
        config_.profile = p;
        return *this;
    }
    a_machine& with_cpu(const cpu_model& model) {
        config_.cpu = model;
        return *this;
    }
    [[nodiscard]] std::unique_ptr<small_machine> build() const {
        return std::make_unique<small_machine>(config_);
    }
    [[nodiscard]] const machine_config& config() const { return config_; }

private:
    machine_config config_;
};

} // namespace pagesim::testing
