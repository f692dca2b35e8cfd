// SPDX-License-Identifier: MIT
// What the property test of processes knows of files: for each page the version of its content, and which version its
// device has.
//
//     a store, a pwrite     the content gets a new version
//     a write to the device is under way: the version that it carries; it is over: the device has that
//     truncation            what lies behind the end has version 0, zeros, on either side
//
// The writes are watched from outside, by the page's flag between two steps and by the event at their end. So a page that
// is clean, or gone, before its device has its content, is a store that was lost.
#pragma once

#include <support/processes.hpp>
#include <support/property.hpp>

#include <array>
#include <map>
#include <string>
#include <vector>

namespace pagesim::testing::on_processes {

struct file_model {
    mapping* of = nullptr;
    open_file* open = nullptr;
    std::vector<std::uint64_t> content{}; // version, by page
    std::vector<std::uint64_t> stored{};  // on the device

    [[nodiscard]] std::uint64_t size() const { return content.size(); }
};

inline constexpr std::size_t regular_files = 2; // then as many of shmem
inline constexpr std::size_t all_files = 4;

class file_models {
public:
    void create(machine_parts& parts) {
        parts_ = &parts;
        constexpr std::array<std::uint64_t, all_files> sizes{100, 30, 80, 20};
        for (std::size_t i = 0; i < all_files; ++i) {
            mapping& f = parts.cache.create(std::string(1, static_cast<char>('a' + i)), page_count{sizes[i]},
                                            i < regular_files ? file_kind::regular : file_kind::shmem);
            all_.push_back({&f, &parts.cache.open(f)});
            resize(all_.back(), sizes[i]);
        }
    }
    [[nodiscard]] file_model& operator[](std::size_t i) { return all_[i]; }
    [[nodiscard]] const file_model& operator[](std::size_t i) const { return all_[i]; }
    [[nodiscard]] page* cached(std::size_t file, std::uint64_t index) const {
        return parts_->cache.find(*all_[file].of, index);
    }

    static void resize(file_model& f, std::uint64_t pages) {
        f.content.resize(pages);
        f.stored.resize(pages);
    }

    // Between two steps: what began to be written carries the content of now.
    void note_writes() {
        for (std::size_t i = 0; i < regular_files; ++i) {
            const mapping& f = *all_[i].of;
            for (std::uint64_t n = f.next_tagged(0, cache_tag::writeback); n < all_[i].size();
                 n = f.next_tagged(n + 1, cache_tag::writeback))
                under_way_.try_emplace(raw(f.slot(n).frame()), all_[i].content[n]);
        }
    }
    // One is over.
    void written(const page& p) {
        const std::uint64_t frame = raw(parts_->frames.pfn_of(p));
        for (file_model& f : all_) {
            if (f.of->id() != p.file_id() || p.index() >= f.size()) continue;
            const auto begun = under_way_.find(frame);
            f.stored[p.index()] = begun != under_way_.end() ? begun->second : f.content[p.index()];
        }
        under_way_.erase(frame);
    }

    // What is wrong with a regular file's page.
    [[nodiscard]] std::string fault_of(std::size_t file, std::uint64_t index) const {
        const file_model& f = all_[file];
        if (f.stored[index] == f.content[index]) return {};
        const page* const p = cached(file, index);
        if (p == nullptr) return "is gone before it was written";
        if (p->test(page_flag::dirty)) return {};
        const auto begun = under_way_.find(raw(parts_->frames.pfn_of(*p)));
        const bool arrives = begun != under_way_.end() && begun->second == f.content[index];
        return arrives ? std::string{} : "is clean before it was written";
    }
    [[nodiscard]] bool stored(std::size_t file) const { return all_[file].stored == all_[file].content; }

private:
    machine_parts* parts_ = nullptr;
    std::vector<file_model> all_;
    std::map<std::uint64_t, std::uint64_t> under_way_; // version, by frame
};

} // namespace pagesim::testing::on_processes
