// SPDX-License-Identifier: MIT
// How fast a recorded trace is read: bytes of text a second, from a plain file.
#include <pagesim/workload/lackey.hpp>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace {

using namespace pagesim;

// A copy loop as lackey sees it: instructions on one page, data that moves on.
class made_trace {
public:
    explicit made_trace(std::int64_t lines)
        : path_{(std::filesystem::temp_directory_path() / fmt::format("pagesim_bench_{}.lackey", ::getpid()))
                    .string()} {
        std::string text;
        for (std::int64_t i = 0; i < lines / 4; ++i) {
            fmt::format_to(std::back_inserter(text),
                           "I  0401ab70,3\n L {:010x},8\nI  0401ab74,4\n S {:010x},8\n", 0x4a000000 + i * 8,
                           0x1fff000000 + i % 512 * 8);
        }
        std::ofstream{path_, std::ios::binary} << text;
        bytes_ = text.size();
    }
    made_trace(const made_trace&) = delete;
    made_trace& operator=(const made_trace&) = delete;
    ~made_trace() { std::filesystem::remove(path_); }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
    std::string path_;
    std::size_t bytes_ = 0;
};

void stream_of_a_plain_trace(benchmark::State& state) {
    const made_trace trace{state.range(0)};
    std::uint64_t records = 0;
    for (auto _ : state) {
        lackey_stream s{trace.path()};
        for (stream_item item = s.next(); std::holds_alternative<access_block>(item); item = s.next()) {
            records += std::get<access_block>(item).records.size();
        }
    }
    benchmark::DoNotOptimize(records);
    state.SetBytesProcessed(static_cast<std::int64_t>(trace.bytes()) * state.iterations());
    state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(stream_of_a_plain_trace)->Arg(100000)->Arg(4000000)->Unit(benchmark::kMillisecond);

void scan_of_a_plain_trace(benchmark::State& state) {
    const made_trace trace{state.range(0)};
    for (auto _ : state) benchmark::DoNotOptimize(scan_lackey(trace.path()));
    state.SetBytesProcessed(static_cast<std::int64_t>(trace.bytes()) * state.iterations());
}
BENCHMARK(scan_of_a_plain_trace)->Arg(100000)->Arg(4000000)->Unit(benchmark::kMillisecond);

} // namespace
