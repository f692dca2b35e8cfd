// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include "input.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "usage_error.hpp"

#include <pagesim/workload/binary_trace.hpp>
#include <pagesim/workload/window_fold.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace pagesim::program {

namespace {

class conversion {
public:
    conversion(const convert_options& o, opened_input& in)
        : options_{o}, input_{in}, sink_{open_sink(o)}, writer_{*sink_, header_of(o, in)} {
        if (o.window > 0) fold_.emplace(o.window);
    }

    // Everything up to the end or to a bad line, which is returned.
    std::optional<input_error> run() {
        progress_bar bar{options_.quiet ? 0 : input_.identity.records};
        for (;;) {
            const stream_item item = input_.stream->next();
            bar.show(input_.stream->counts().records);
            if (const auto* block = std::get_if<access_block>(&item)) {
                take(*block);
                continue;
            }
            if (fold_) fold_->flush(folded_);
            put_folded(1);
            if (const auto* error = std::get_if<input_error>(&item)) {
                finish();
                return *error;
            }
            if (std::holds_alternative<end_of_stream>(item)) {
                finish();
                return std::nullopt;
            }
            put(item);
        }
    }
    [[nodiscard]] std::uint64_t records() const { return records_; }

private:
    static std::unique_ptr<byte_sink> open_sink(const convert_options& o) {
        auto opened = open_byte_sink(o.output, o.level);
        if (const auto* wrong = std::get_if<std::string>(&opened))
            throw usage_error{fmt::format("{}: {}", o.output, *wrong)};
        return std::move(std::get<std::unique_ptr<byte_sink>>(opened));
    }
    static binary_trace_header header_of(const convert_options& o, const opened_input& in) {
        return {.window = std::max(o.window, in.window),
                .counts = in.counts,
                .touched = {in.identity.touched_pages},
                .source_hash = in.identity.hash,
                .source_name = in.identity.name,
                .ranges = in.ranges};
    }

    void take(const access_block& block) {
        if (!fold_) {
            put(block);
            return;
        }
        for (const access_record r : block.records) fold_->add(r, folded_);
        put_folded(block_records);
    }
    // Writes blocks of what was folded, while at least that many records wait.
    void put_folded(std::size_t at_least) {
        std::size_t at = 0;
        while (folded_.size() - at >= at_least) {
            const std::size_t n = std::min(folded_.size() - at, block_records);
            put(access_block{.records = std::span{folded_}.subspan(at, n)});
            at += n;
        }
        folded_.erase(folded_.begin(), folded_.begin() + static_cast<std::ptrdiff_t>(at));
    }
    void put(const stream_item& item) {
        if (const auto* block = std::get_if<access_block>(&item)) records_ += block->records.size();
        check(writer_.write(item, input_.stream->counts().records));
    }
    void finish() {
        put(end_of_stream{});
        check(sink_->finish());
    }
    void check(const std::string& wrong) const {
        if (!wrong.empty()) throw program_error{fmt::format("{}: {}", options_.output, wrong)};
    }

    const convert_options& options_;
    opened_input& input_;
    std::unique_ptr<byte_sink> sink_;
    binary_trace_writer writer_;
    std::optional<window_fold> fold_;
    std::vector<access_record> folded_;
    std::uint64_t records_ = 0;
};

} // namespace

int convert_opened(const convert_options& o, opened_input& input) {
    conversion c{o, input};
    const std::optional<input_error> error = c.run();
    if (!o.quiet) {
        const double ratio = static_cast<double>(input.identity.records) /
                             static_cast<double>(std::max<std::uint64_t>(c.records(), 1));
        const std::string loss = o.window > 0 ? fmt::format("window {}", o.window) : "lossless";
        write_file("-", fmt::format("{}: {} records of {} became {} ({:.1f} to 1, {}), {} bytes\n", o.output,
                                    input.identity.records, input.identity.name, c.records(), ratio, loss,
                                    std::filesystem::file_size(o.output)));
    }
    if (error) throw usage_error{to_string(*error)};
    return ended;
}

int convert_command(const convert_options& o) {
    if (o.window > widest_window)
        throw usage_error{fmt::format("--window: {} pages; 0 to {} are possible", o.window, widest_window)};
    std::error_code ignored;
    if (std::filesystem::equivalent(o.input, o.output, ignored))
        throw usage_error{fmt::format("{}: can't be converted into itself", o.input)};
    opened_input input = open_input(o.input, o.format);
    if (!o.quiet) print_account(input);
    return convert_opened(o, input);
}

} // namespace pagesim::program
