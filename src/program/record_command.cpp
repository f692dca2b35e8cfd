// SPDX-License-Identifier: MIT
// A real program's references, as valgrind's lackey tells them, through a pipe into a binary trace.
//
// The header of a binary trace tells what the trace touches, which is known when the program has ended. So
// the items go to a file beside the output first, and are copied behind their header in the end.
#include "commands.hpp"

#include "recorder.hpp"
#include "usage_error.hpp"

#include <pagesim/workload/binary_trace.hpp>
#include <pagesim/workload/lackey.hpp>
#include <pagesim/workload/trace_stream.hpp>
#include <pagesim/workload/window_fold.hpp>

#include <fmt/format.h>

#include <filesystem>

namespace pagesim::program {

namespace {

// Gone when it is not needed any more, whatever happens.
class part_file {
public:
    explicit part_file(const std::string& output)
        : path_{output + (can_decompress(compression::zstd) ? ".part.zst" : ".part")} {}
    part_file(const part_file&) = delete;
    part_file& operator=(const part_file&) = delete;
    ~part_file() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

void check(const std::string& path, const std::string& wrong) {
    if (!wrong.empty()) throw program_error{fmt::format("{}: {}", path, wrong)};
}

std::string name_of(const std::vector<std::string>& command) {
    constexpr std::size_t longest = 200;
    std::string name = std::filesystem::path{command.front()}.filename().string();
    for (std::size_t i = 1; i < command.size(); ++i) name += " " + command[i];
    return name.substr(0, longest);
}

// Everything that comes through the pipe, as a binary trace without a header that is true.
opened_input take_all(lackey_stream& from, const std::string& path) {
    constexpr int quick = 1; // of zstd's levels
    auto opened = open_byte_sink(path, quick);
    if (const auto* wrong = std::get_if<std::string>(&opened))
        throw usage_error{fmt::format("{}: {}", path, *wrong)};
    byte_sink& sink = *std::get<std::unique_ptr<byte_sink>>(opened);
    binary_trace_writer writer{sink, {}};
    page_set pages;
    for (;;) {
        const stream_item item = from.next();
        if (const auto* block = std::get_if<access_block>(&item)) {
            for (const access_record r : block->records) pages.insert(r.vpn());
            check(path, writer.write(item, from.counts().records));
            continue;
        }
        check(path, writer.write(end_of_stream{}, from.counts().records));
        check(path, sink.finish());
        opened_input in;
        in.ranges = infer_ranges(pages);
        in.identity.touched_pages = pages.count().value;
        in.counts = from.counts();
        if (const auto* error = std::get_if<input_error>(&item)) in.account = error->reason;
        return in;
    }
}

} // namespace

int record_command(const record_options& o) {
    if (o.window > widest_window)
        throw usage_error{fmt::format("--window: {} pages; 0 to {} are possible", o.window, widest_window)};
    const part_file part{o.output};
    const convert_options convert{.input = part.path(),
                                  .format = "binary",
                                  .output = o.output,
                                  .window = o.window,
                                  .level = o.level,
                                  .quiet = o.quiet};
    recorder program{o.command};
    lackey_stream stream{given_descriptor{program.take_pipe()}, "valgrind's output", content_hash::fnv1a};
    opened_input in = take_all(stream, part.path());
    const std::string end = program.wait();
    if (in.counts.records == 0) throw usage_error{fmt::format("record: nothing was recorded: {}", end)};
    in.identity.name = name_of(o.command);
    in.identity.format = "lackey";
    in.identity.hash = stream.hash();
    in.identity.records = in.counts.records;
    in.identity.skipped = in.counts.skipped;
    in.stream = std::make_unique<binary_stream>(part.path());
    const int status = convert_opened(convert, in);
    if (!in.account.empty()) throw usage_error{fmt::format("record: valgrind's output: {}", in.account)};
    if (!end.empty() && !o.quiet) fmt::print(stderr, "pagesim: {} {}\n", o.command.front(), end);
    return status;
}

} // namespace pagesim::program
