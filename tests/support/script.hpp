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
    std::vector<stream_item> items_;
    std::deque<std::vector<access_record>> blocks_; // stable addresses
    std::size_t at_ = 0;
};

} // namespace pagesim::testing
