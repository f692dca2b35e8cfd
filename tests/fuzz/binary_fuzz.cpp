// SPDX-License-Identifier: MIT
// Any bytes as a binary trace: never a crash, the same items each time, and nothing that a machine could not perform.
// Half of the inputs get a good header first, so that the items are reached.
#include "fuzz_file.hpp"

#include <pagesim/base/assert.hpp>
#include <pagesim/base/hash.hpp>
#include <pagesim/workload/binary_trace.hpp>

namespace {

using namespace pagesim;

class string_sink final : public byte_sink {
public:
    std::string write(std::span<const char> bytes) override {
        text.append(bytes.begin(), bytes.end());
        return {};
    }
    std::string finish() override { return {}; }
    std::string text;
};

// Hash of all items, and how the stream ended.
std::pair<std::uint64_t, std::string> replay(const std::string& path) {
    binary_stream s{path};
    fnv1a hash;
    for (;;) {
        const stream_item item = s.next();
        hash.word(item.index());
        if (const auto* block = std::get_if<access_block>(&item)) {
            PAGESIM_ASSERT(!block->records.empty() && block->records.size() <= block_records);
            for (const access_record r : block->records) hash.word(r.word());
        } else if (const auto* anon = std::get_if<op_anon>(&item)) {
            PAGESIM_ASSERT(anon->pages.value > 0 && raw(anon->first) + anon->pages.value <= 1ULL << 36U);
        } else if (const auto* error = std::get_if<input_error>(&item)) {
            PAGESIM_ASSERT(!error->reason.empty());
            return {hash.value(), error->reason};
        } else if (std::holds_alternative<end_of_stream>(item)) {
            return {hash.value(), "end"};
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    string_sink content;
    if (size > 0 && data[0] % 2 == 0) {
        binary_trace_header header;
        header.ranges = {{.first = vpn{1}, .end = vpn{9}}};
        const binary_trace_writer w{content, header};
    }
    if (size > 0) content.text.append(reinterpret_cast<const char*>(data) + 1, size - 1);
    const testing::fuzz_file file{reinterpret_cast<const std::uint8_t*>(content.text.data()),
                                  content.text.size()};
    PAGESIM_ASSERT(replay(file.path()) == replay(file.path()));
    static_cast<void>(scan_binary_trace(file.path()));
    return 0;
}
