// SPDX-License-Identifier: MIT
// What the property test of the whole machine does: random programs as lists of operations, and the access stream that
// carries such a list out. The machines are those of machine_setup.hpp.
//
// A program has at most four ranges, anonymous ones and mappings of files together; `range` names one by its number modulo
// how many there are, or an open file likewise. The same number, divided by four, says whose operation it is if there
// are several processes. A program knows at most three files, each of the length with which it was first opened.
#pragma once

#include <property/machine_setup.hpp>

#include <pagesim/machine/machine.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

namespace pagesim::testing::on_machine {

enum class act : std::uint8_t {
    map,   // a range of `pages`, `gap` pages behind the last one
    unmap, // a range
    run,   // touches `pages` pages in a row, from page `gap` on, round the end
    jump,  // touches `pages` pages anywhere; `gap` seeds which
    rest,  // sleeps `gap` microseconds
    mark,  // a snapshot
    mlock, // `pages` pages of a range, from page `gap` on, as far as it goes
    munlock,
    madvise,  // the same pages; which advice, `writes` and `gap` tell
    file,     // opens file `range`, of `pages` pages if it is new
    map_file, // an open file, `gap` pages behind the last range
    pread,    // `pages` pages of an open file, from page `gap` on, as far as it goes
    pwrite,
    close,
    fsync,
    drop, // drop_caches
};
inline constexpr std::array<std::string_view, 16> act_names{
    "map",     "unmap", "run",      "jump",  "rest",   "mark",  "mlock", "munlock",
    "madvise", "file",  "map_file", "pread", "pwrite", "close", "fsync", "drop"};
inline constexpr std::size_t most_ranges = 4;
inline constexpr std::size_t most_files = 3;

struct operation {
    act what;
    unsigned range;
    unsigned pages;
    unsigned gap;
    unsigned writes; // run_writes of each touch: 0 none .. 3 first and later
};
struct thrown_case {
    setup start;
    std::vector<operation> operations;
};

inline std::string code(const operation& o) {
    return fmt::format("{{act::{}, {}, {}, {}, {}}}", act_names[static_cast<std::size_t>(o.what)], o.range,
                       o.pages, o.gap, o.writes);
}

// The process that does it.
class program final : public access_stream {
public:
    explicit program(const std::vector<operation>& operations) : operations_{operations} {}

    stream_item next() override {
        while (at_ < operations_.size()) {
            if (auto item = perform(operations_[at_++])) return *item;
        }
        return end_of_stream{};
    }
    [[nodiscard]] stream_counts counts() const override { return {}; }
    // Pages of all ranges that are mapped now.
    [[nodiscard]] std::uint64_t mapped() const {
        std::uint64_t n = 0;
        for (const range& r : ranges_) n += r.pages;
        return n;
    }

private:
    struct known_file {
        std::string name;
        std::uint64_t pages = 0; // 0: never opened
        bool open = false;
        bool mapped = false;
    };
    struct range {
        std::uint64_t first;
        std::uint64_t pages;
        known_file* of = nullptr; // null: anonymous
    };
    struct part {
        std::uint64_t first;
        page_count pages;
    };

    // Nothing, if what the operation needs is not there.
    std::optional<stream_item> perform(const operation& o) {
        switch (o.what) {
        case act::rest: return op_sleep{microseconds(o.gap)};
        case act::mark: return op_mark{"m"};
        case act::drop: return op_drop{};
        case act::file: return open(o);
        case act::map_file:
        case act::pread:
        case act::pwrite:
        case act::close:
        case act::fsync: return on_file(o);
        case act::map:
            if (ranges_.size() == most_ranges) return std::nullopt;
            return op_anon{"r", add_range(o, std::max(o.pages, 1U), nullptr),
                           page_count{std::max(o.pages, 1U)}};
        default: break;
        }
        if (ranges_.empty()) return std::nullopt;
        const std::size_t which = o.range % ranges_.size();
        if (o.what == act::unmap) return unmap(which);
        if (o.what == act::mlock || o.what == act::munlock) return lock(o, ranges_[which]);
        if (o.what == act::madvise) return advise(o, ranges_[which]);
        return touch(o, ranges_[which]);
    }

    vpn add_range(const operation& o, std::uint64_t pages, known_file* of) {
        const range r{next_first_ + o.gap, pages, of};
        next_first_ = r.first + r.pages;
        ranges_.push_back(r);
        return vpn{r.first};
    }
    stream_item unmap(std::size_t which) {
        const range r = ranges_[which];
        ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(which));
        if (r.of != nullptr) r.of->mapped = false;
        return op_unmap{"r", vpn{r.first}, page_count{r.pages}};
    }
    // What `gap` and `pages` name of something that has so many pages.
    static part part_of(const operation& o, std::uint64_t pages) {
        const std::uint64_t first = o.gap % pages;
        return {first, page_count{std::min<std::uint64_t>(std::max(o.pages, 1U), pages - first)}};
    }
    static stream_item lock(const operation& o, const range& r) {
        const part p = part_of(o, r.pages);
        const auto what = o.what == act::mlock ? op_lock::action::mlock : op_lock::action::munlock;
        return op_lock{"r", vpn{r.first + p.first}, p.pages, what};
    }
    static stream_item advise(const operation& o, const range& r) {
        const part p = part_of(o, r.pages);
        const advice what = advice_words[(o.writes + 4 * (o.gap % 2)) % advice_words.size()].what;
        return op_advise{"r", vpn{r.first + p.first}, p.pages, what};
    }
    stream_item touch(const operation& o, const range& r) {
        records_.clear();
        dice d{o.gap};
        for (std::uint64_t i = 0; i < std::max(o.pages, 1U); ++i) {
            const std::uint64_t page = o.what == act::run ? (o.gap + i) % r.pages : d.below(r.pages);
            records_.emplace_back(vpn{r.first + page}, static_cast<run_writes>(o.writes % 4),
                                  instruction_role::fetched_here, d.below(200), 1);
        }
        return access_block{records_};
    }

    std::optional<stream_item> open(const operation& o) {
        known_file& f = files_[o.range % most_files];
        if (f.open) return std::nullopt;
        if (f.pages == 0) f.pages = std::max(o.pages, 1U);
        f.open = true;
        return op_file{f.name, page_count{f.pages}};
    }
    std::optional<stream_item> on_file(const operation& o) {
        std::vector<known_file*> all;
        for (known_file& f : files_) {
            if (f.open) all.push_back(&f);
        }
        if (all.empty()) return std::nullopt;
        known_file& f = *all[o.range % all.size()];
        const part p = part_of(o, f.pages);
        switch (o.what) {
        case act::pread: return op_transfer{f.name, p.first, p.pages, op_transfer::action::pread};
        case act::pwrite: return op_transfer{f.name, p.first, p.pages, op_transfer::action::pwrite};
        case act::fsync: return op_descriptor{f.name, op_descriptor::action::fsync};
        case act::close: f.open = false; return op_descriptor{f.name, op_descriptor::action::close};
        default: break;
        }
        if (f.mapped || ranges_.size() == most_ranges) return std::nullopt;
        f.mapped = true;
        return op_map{f.name, add_range(o, f.pages, &f), page_count{f.pages}};
    }

    std::vector<operation> operations_;
    std::size_t at_ = 0;
    std::uint64_t next_first_ = 0x1000;
    std::vector<range> ranges_;
    std::array<known_file, most_files> files_{known_file{"f"}, known_file{"g"}, known_file{"h"}};
    std::vector<access_record> records_;
};

// Which operations are that process's.
[[nodiscard]] inline std::vector<operation> operations_of(const setup& s, unsigned process,
                                                          const std::vector<operation>& all) {
    std::vector<operation> own;
    std::copy_if(all.begin(), all.end(), std::back_inserter(own),
                 [&](const operation& o) { return o.range / most_ranges % s.processes == process; });
    return own;
}

inline thrown_case thrown(dice& d) {
    // How often each act is thrown, in the order of the enumeration.
    constexpr std::array<std::uint64_t, act_names.size()> weights{12, 5,  35, 23, 4, 1, 5, 4,
                                                                  12, 10, 12, 9,  9, 3, 4, 3};
    std::uint64_t all = 0;
    for (const std::uint64_t w : weights) all += w;
    thrown_case c{.start = throw_setup(d), .operations = std::vector<operation>(d.between(3, 36))};
    const auto number = [&d](std::uint64_t low, std::uint64_t high) {
        return static_cast<unsigned>(d.between(low, high));
    };
    for (operation& o : c.operations) {
        std::size_t what = 0;
        for (std::uint64_t left = d.below(all); left >= weights[what]; ++what) left -= weights[what];
        o = {.what = static_cast<act>(what),
             .range = number(0, 11),
             .pages = number(1, 200),
             .gap = number(0, 899),
             .writes = number(0, 3)};
        if (&o == &c.operations.front()) o.what = d.ratio(1, 2) ? act::map : act::file;
        if (o.what == act::map || o.what == act::file) o.pages = number(1, 500);
        if (o.what == act::rest) o.gap = number(0, d.ratio(1, 4) ? 300'000 : 20'000);
        if (o.what == act::mlock || o.what == act::munlock) o.pages = number(1, 60);
    }
    return c;
}

} // namespace pagesim::testing::on_machine
