// SPDX-License-Identifier: MIT
// How fast a recorded trace is read: as text from a plain file, and as a binary trace, plain and compressed. Items
// are references of the trace.
#include <pagesim/workload/binary_trace.hpp>
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

// Writes the stream of a lackey trace as a binary one.
void convert(const std::string& from, const std::string& to) {
    auto opened = open_byte_sink(to, 9);
    byte_sink& sink = *std::get<std::unique_ptr<byte_sink>>(opened);
    binary_trace_writer writer{sink, {}};
    lackey_stream stream{from};
    for (stream_item item = stream.next();; item = stream.next()) {
        PAGESIM_ASSERT(writer.write(item, stream.counts().records).empty());
        if (std::holds_alternative<end_of_stream>(item)) break;
    }
    PAGESIM_ASSERT(sink.finish().empty());
}

// The lines of a (compressed) text, plain.
void unpack(const std::string& from, const std::string& to) {
    std::ofstream out{to, std::ios::binary};
    text_input in{from};
    while (const auto line = in.next()) out << *line << '\n';
}

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

// The same trace as a binary one. `suffix` chooses the compression.
void stream_of_a_binary_trace(benchmark::State& state, const char* suffix) {
    const made_trace trace{state.range(0)};
    const std::string path = trace.path() + suffix;
    if (path.ends_with(".zst") && !can_decompress(compression::zstd)) {
        state.SkipWithError("built without libzstd");
        return;
    }
    convert(trace.path(), path);
    std::uint64_t records = 0;
    for (auto _ : state) {
        binary_stream s{path};
        for (stream_item item = s.next(); std::holds_alternative<access_block>(item); item = s.next()) {
            records += std::get<access_block>(item).records.size();
        }
    }
    benchmark::DoNotOptimize(records);
    state.SetItemsProcessed(state.range(0) * state.iterations());
    std::filesystem::remove(path);
}
BENCHMARK_CAPTURE(stream_of_a_binary_trace, plain, ".pgt")
    ->Arg(100000)
    ->Arg(4000000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(stream_of_a_binary_trace, zstd, ".pgt.zst")
    ->Arg(100000)
    ->Arg(4000000)
    ->Unit(benchmark::kMillisecond);

// A real one: the trace that is shipped, if it can be read.
void stream_of_sort(benchmark::State& state, const char* suffix) {
    const std::string source = PAGESIM_SOURCE_DIR "/examples/traces/sort.lackey.xz";
    if (!can_decompress(compression::xz) || !can_decompress(compression::zstd)) {
        state.SkipWithError("built without liblzma or libzstd");
        return;
    }
    const std::string path =
        (std::filesystem::temp_directory_path() / fmt::format("pagesim_sort_{}{}", ::getpid(), suffix))
            .string();
    const bool text = std::string_view{suffix} == ".lackey";
    std::uint64_t references = 0;
    text ? unpack(source, path) : convert(source, path);
    for (auto _ : state) {
        std::unique_ptr<access_stream> s;
        if (text) {
            s = std::make_unique<lackey_stream>(path);
        } else {
            s = std::make_unique<binary_stream>(path);
        }
        while (std::holds_alternative<access_block>(s->next())) {}
        references = s->counts().records;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(references) * state.iterations());
    std::filesystem::remove(path);
}
BENCHMARK_CAPTURE(stream_of_sort, text, ".lackey")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(stream_of_sort, binary, ".pgt")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(stream_of_sort, binary_zstd, ".pgt.zst")->Unit(benchmark::kMillisecond);

} // namespace
