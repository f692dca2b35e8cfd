// SPDX-License-Identifier: MIT
// How fast the traces of others are read, each from a plain file: 20 million records a second of a binary format and 5
// million lines of text are wanted. Items are records of the trace.
#include <pagesim/workload/trace_reader.hpp>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace {

using namespace pagesim;

class made_file {
public:
    explicit made_file(std::string_view content)
        : path_{(std::filesystem::temp_directory_path() / fmt::format("pagesim_bench_{}.trace", ::getpid()))
                    .string()} {
        std::ofstream{path_, std::ios::binary} << content;
    }
    made_file(const made_file&) = delete;
    made_file& operator=(const made_file&) = delete;
    ~made_file() { std::filesystem::remove(path_); }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

template <typename Number>
void put(std::string& to, std::uint64_t n) {
    for (unsigned i = 0; i < sizeof(Number); ++i) to += static_cast<char>(n >> (8 * i) & 0xffU);
}

// A page of a working set of 16 MiB, in no order.
std::uint64_t page_of(std::int64_t i) { return static_cast<std::uint64_t>(i) * 2654435761U % 4096; }

std::string champsim(std::int64_t records) {
    std::string out;
    for (std::int64_t i = 0; i < records; ++i) {
        const auto n = static_cast<std::uint64_t>(i);
        put<std::uint64_t>(out, 0x401000 + n % 4 * 4);
        put<std::uint64_t>(out, 0);
        put<std::uint64_t>(out, n % 4 == 2 ? 0x7f0000000000 + page_of(i) * page_size : 0);
        put<std::uint64_t>(out, 0);
        put<std::uint64_t>(out, n % 4 == 1 ? 0x600000 + n * 8 % 65536 : 0);
        for (unsigned s = 0; s < 3; ++s) put<std::uint64_t>(out, 0);
    }
    return out;
}

std::string oracle_general(std::int64_t records, std::uint64_t factor) {
    std::string out;
    for (std::int64_t i = 0; i < records; ++i) {
        put<std::uint32_t>(out, 0);
        put<std::uint64_t>(out, page_of(i) * factor);
        put<std::uint32_t>(out, 4096);
        put<std::uint64_t>(out, ~0ULL);
    }
    return out;
}

std::string drmemtrace(std::int64_t records) {
    std::string out;
    const auto entry = [&out](unsigned type, unsigned size, std::uint64_t address) {
        put<std::uint16_t>(out, type);
        put<std::uint16_t>(out, size);
        put<std::uint64_t>(out, address);
    };
    entry(25, 0, 7);
    for (std::int64_t i = 0; i < records; ++i) {
        const auto n = static_cast<std::uint64_t>(i);
        if (n % 2 == 0) {
            entry(10, 4, 0x401000 + n % 64 * 4);
        } else {
            entry(n % 4 == 1 ? 0 : 1, 8,
                  n % 4 == 1 ? 0x600000 + n * 8 % 65536 : 0x7f0000000000 + page_of(i) * page_size);
        }
    }
    entry(26, 0, 0);
    return out;
}

template <typename Line>
std::string lines(std::int64_t records, Line line) {
    std::string out;
    for (std::int64_t i = 0; i < records; ++i) out += line(i);
    return out;
}

std::string csv(std::int64_t records) {
    return lines(records,
                 [](std::int64_t i) { return fmt::format("{},{},4096,read\n", i / 1000000, page_of(i)); });
}
std::string perf(std::int64_t records) {
    return lines(records, [](std::int64_t i) {
        return fmt::format("            sort  1108/1108  29498.{:06}: page-faults:     {:x}\n", i % 1000,
                           0x55f6db326548 + page_of(i) * page_size);
    });
}
std::string damon(std::int64_t records) {
    return lines(records, [](std::int64_t i) {
        const std::uint64_t start = 0x7f0000000000 + page_of(i) * page_size;
        return fmt::format("kdamond.0  1234 [002]  57.104325: damon:damon_aggregated: target_id=0 "
                           "nr_regions=12 {}-{}: 14 3\n",
                           start, start + page_size);
    });
}
std::string pages(std::int64_t records) {
    return lines(records, [](std::int64_t i) { return fmt::format("{}\n", page_of(i)); });
}

void read(benchmark::State& state, trace_format format, const std::string& content,
          object_placement placement) {
    const made_file file{content};
    std::uint64_t records = 0;
    for (auto _ : state) {
        const auto s = open_trace(file.path(), {.format = format, .columns = {}}, placement);
        while (std::holds_alternative<access_block>(s->next())) {}
        records = s->counts().records;
    }
    PAGESIM_ASSERT(records >= static_cast<std::uint64_t>(state.range(0)));
    state.SetItemsProcessed(static_cast<std::int64_t>(records) * state.iterations());
    state.SetBytesProcessed(static_cast<std::int64_t>(content.size()) * state.iterations());
}

constexpr auto by_number = object_placement::by_number;

void champsim_records(benchmark::State& s) {
    read(s, trace_format::champsim, champsim(s.range(0)), by_number);
}
void drmemtrace_records(benchmark::State& s) {
    read(s, trace_format::drmemtrace, drmemtrace(s.range(0)), by_number);
}
void oracle_general_pages(benchmark::State& s) {
    read(s, trace_format::oracle_general, oracle_general(s.range(0), 1), by_number);
}
void oracle_general_objects(benchmark::State& s) {
    read(s, trace_format::oracle_general, oracle_general(s.range(0), 0x9e3779b97f4a7c15),
         object_placement::in_order);
}
void csv_lines(benchmark::State& s) { read(s, trace_format::csv, csv(s.range(0)), by_number); }
void perf_script_lines(benchmark::State& s) { read(s, trace_format::perf, perf(s.range(0)), by_number); }
void damon_lines(benchmark::State& s) { read(s, trace_format::damon, damon(s.range(0)), by_number); }
void page_list_lines(benchmark::State& s) { read(s, trace_format::pages, pages(s.range(0)), by_number); }

BENCHMARK(champsim_records)->Arg(20000)->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(drmemtrace_records)->Arg(20000)->Arg(4000000)->Unit(benchmark::kMillisecond);
BENCHMARK(oracle_general_pages)->Arg(20000)->Arg(2000000)->Unit(benchmark::kMillisecond);
BENCHMARK(oracle_general_objects)->Arg(20000)->Arg(2000000)->Unit(benchmark::kMillisecond);
BENCHMARK(csv_lines)->Arg(20000)->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(perf_script_lines)->Arg(20000)->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(damon_lines)->Arg(20000)->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(page_list_lines)->Arg(20000)->Arg(2000000)->Unit(benchmark::kMillisecond);

// A configuration is computed, not read: items are accesses of a random pattern, and of a walk by 64 bytes.
void masim_accesses(benchmark::State& state, const char* pattern) {
    const made_file file{fmt::format("a, 16777216\n\np\n{}\n{}\n", state.range(0), pattern)};
    std::uint64_t accesses = 0;
    for (auto _ : state) {
        const auto s = open_trace(file.path(), {.format = trace_format::masim, .columns = {}}, by_number);
        while (!std::holds_alternative<end_of_stream>(s->next())) {}
        accesses = s->counts().records;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(accesses) * state.iterations());
}
BENCHMARK_CAPTURE(masim_accesses, random, "a, 1, 64, 1")->Arg(1)->Arg(40)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(masim_accesses, sequential, "a, 0, 64, 1")->Arg(1)->Arg(40)->Unit(benchmark::kMillisecond);

} // namespace
