// SPDX-License-Identifier: MIT
// Uses the installed library as research code would: a machine and a workload of its own.
#include <pagesim/pagesim.hpp>

#include <utility>
#include <vector>

namespace {

using namespace pagesim;

class sweep final : public access_stream {
public:
    stream_item next() override {
        if (!std::exchange(mapped_, true)) return op_anon{"a", first_, page_count{1000}};
        if (!records_.empty()) return end_of_stream{};
        for (std::uint64_t i = 0; i < 1000; ++i)
            records_.emplace_back(first_ + i, run_writes::first, instruction_role::time_only, 1, 1);
        return access_block{records_};
    }
    [[nodiscard]] stream_counts counts() const override { return {}; }

private:
    vpn first_{0x1000};
    std::vector<access_record> records_;
    bool mapped_ = false;
};

} // namespace

int main() {
    sweep workload;
    machine m{machine_with(page_count{600})};
    m.start(workload);
    m.run();
    const bool swapped = m.stat()[vm_item::pswpout] > 0 && m.workload().outcome() == run_outcome::finished;
    return swapped && version == "0.1.0" ? 0 : 1;
}
