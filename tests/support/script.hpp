// SPDX-License-Identifier: MIT
// An access stream made in a test: commands and accesses in the order in which they were added.
#pragma once

#include <pagesim/workload/access_stream.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace pagesim::testing {

class script final : public access_stream {
public:
    script& anon(std::string name, std::uint64_t first, std::uint64_t pages) {
        items_.emplace_back(op_anon{std::move(name), vpn{first}, page_count{pages}});
        return *this;
    }
    script& unmap(std::string name, std::uint64_t first, std::uint64_t pages) {
        items_.emplace_back(op_unmap{std::move(name), vpn{first}, page_count{pages}});
        return *this;
    }
    script& file(std::string name, std::uint64_t pages) {
        items_.emplace_back(op_file{std::move(name), page_count{pages}});
        return *this;
    }
    script& map(std::string name, std::uint64_t first, std::uint64_t pages) {
        items_.emplace_back(op_map{std::move(name), vpn{first}, page_count{pages}});
        return *this;
    }
    script& pread(std::string name, std::uint64_t page, std::uint64_t pages = 1) {
        items_.emplace_back(
            op_transfer{std::move(name), page, page_count{pages}, op_transfer::action::pread});
        return *this;
    }
    script& pwrite(std::string name, std::uint64_t page, std::uint64_t pages = 1) {
        items_.emplace_back(
            op_transfer{std::move(name), page, page_count{pages}, op_transfer::action::pwrite});
        return *this;
    }
    script& read(std::uint64_t page) { return touch(page, run_writes::none); }
    script& write(std::uint64_t page) { return touch(page, run_writes::first); }
    script& mlock(std::string name, std::uint64_t first, std::uint64_t pages) {
        items_.emplace_back(op_lock{std::move(name), vpn{first}, page_count{pages}, op_lock::action::mlock});
        return *this;
    }
    script& sleep(sim_duration d) {
        items_.emplace_back(op_sleep{d});
        return *this;
    }
    script& mark(std::string label) {
        items_.emplace_back(op_mark{std::move(label)});
        return *this;
    }
    script& access(std::vector<access_record> records) {
        blocks_.push_back(std::move(records));
        items_.emplace_back(access_block{blocks_.back()});
        return *this;
    }
    script& fail(input_error error) {
        items_.emplace_back(std::move(error));
        return *this;
    }

    stream_item next() override {
        if (at_ == items_.size()) return end_of_stream{};
        return items_[at_++];
    }
    [[nodiscard]] stream_counts counts() const override { return {}; }

private:
    script& touch(std::uint64_t page, run_writes writes) {
        return access({access_record{vpn{page}, writes, instruction_role::time_only, 100, 1}});
    }

    std::vector<stream_item> items_;
    std::deque<std::vector<access_record>> blocks_; // stable addresses
    std::size_t at_ = 0;
};

} // namespace pagesim::testing
