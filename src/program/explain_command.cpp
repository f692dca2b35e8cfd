// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include "output.hpp"
#include "run_setup.hpp"
#include "usage_error.hpp"

#include <pagesim/machine/biography.hpp>
#include <pagesim/machine/eviction_log.hpp>
#include <pagesim/stat/sink_list.hpp>
#include <pagesim/version.hpp>
#include <pagesim/workload/ops.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <limits>

namespace pagesim::program {

namespace {

using json = nlohmann::ordered_json;

constexpr unsigned va_bits = 48;

std::optional<std::uint64_t> number(std::string_view text) {
    int base = 10;
    if (text.starts_with("0x")) {
        text.remove_prefix(2);
        base = 16;
    }
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n, base);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return n;
}

// What --page and --frame ask for.
struct question {
    std::string text;        // as given
    std::string name;        // of a region or a file, if it is one
    std::uint64_t index = 0; // its page
    std::optional<std::uint32_t> pid;
    std::optional<page_in_question> page; // once it is known
};

question parse_question(const explain_options& o) {
    question q;
    if (!o.frame.empty()) {
        const auto frame = number(o.frame);
        if (!frame) throw usage_error{fmt::format("--frame: '{}' is not the number of a frame", o.frame)};
        q.text = "frame " + o.frame;
        q.page = page_in_frame{pfn{*frame}};
        return q;
    }
    q.text = o.page;
    std::string_view what = o.page;
    if (const std::size_t at = what.rfind('@'); at != std::string_view::npos) {
        const auto pid = number(what.substr(at + 1));
        if (!pid || *pid > std::numeric_limits<std::uint32_t>::max())
            throw usage_error{fmt::format("--page: '{}' is not a process", what.substr(at + 1))};
        q.pid = static_cast<std::uint32_t>(*pid);
        what = what.substr(0, at);
    }
    if (const std::size_t colon = what.rfind(':'); colon != std::string_view::npos) {
        const auto index = number(what.substr(colon + 1));
        if (!index || colon == 0) throw usage_error{fmt::format("--page: '{}' is not NAME:PAGE", what)};
        q.name = what.substr(0, colon);
        q.index = *index;
        return q;
    }
    const auto address = number(what);
    if (!address || *address >> va_bits != 0)
        throw usage_error{
            fmt::format("--page: '{}' is neither an address of {} bits nor NAME:PAGE", what, va_bits)};
    q.page = page_of_process{.pid = q.pid.value_or(0), .at = vpn{*address / page_size}};
    return q;
}

// A region's page gets its address when the region is mapped.
void find_name(question& q, const machine& m, const std::vector<opened_input>& inputs) {
    const auto processes = m.processes();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const auto* const ops = dynamic_cast<const ops_stream*>(inputs[i].stream.get());
        if (ops == nullptr || (q.pid && processes[i]->pid() != *q.pid)) continue;
        const auto place = ops->place_of(q.name);
        if (!place) continue;
        if (q.index >= place->pages.value)
            throw usage_error{
                fmt::format("--page: {} has {} pages, so none is {}", q.name, place->pages.value, q.index)};
        if (place->is_file) {
            q.page = page_of_file{.file = q.name, .index = q.index};
        } else {
            q.page = page_of_process{.pid = processes[i]->pid(), .at = place->first + q.index};
        }
        return;
    }
}

std::string standing_text(const life_event& e) {
    const page_standing& s = e.after;
    if (!s.frame) return {};
    std::string out =
        fmt::format("frame {}, refcount {}, mapcount {}", raw(*s.frame), s.refcount, s.mapcount);
    if (s.list)
        out += fmt::format(", {} {}/{} from the tail", lru_list_name(*s.list), e.position + 1, e.list_size);
    return "  [" + out + "]";
}

std::string line_of(const life_event& e) {
    return fmt::format("{:>5}.{:09}  {:<18} {}{}\n", e.time.ns / 1'000'000'000, e.time.ns % 1'000'000'000,
                       fmt::format("{}-{}", e.comm, e.pid), e.text, standing_text(e));
}

json json_of(const life_event& e) {
    json out{{"ns", e.time.ns}, {"comm", e.comm}, {"pid", e.pid}, {"what", e.what}, {"text", e.text}};
    if (e.verdict) out["verdict"] = reason_name(*e.verdict);
    const page_standing& s = e.after;
    if (s.slot) out["slot"] = {{"area", s.slot->type}, {"offset", s.slot->offset}};
    if (!s.frame) return out;
    out["frame"] = raw(*s.frame);
    out["refcount"] = s.refcount;
    out["mapcount"] = s.mapcount;
    out["mapped"] = s.mapped;
    if (s.list)
        out["list"] = {{"name", lru_list_name(*s.list)}, {"position", e.position}, {"size", e.list_size}};
    return out;
}

std::string line_of(const eviction_log::comeback& c) {
    return fmt::format("{:>14.3f} {:>16.9f} {:<24} {:<16} {:>8}  {}\n",
                       static_cast<double>(c.away().ns) / 1e6, static_cast<double>(c.out.time.ns) / 1e9,
                       c.page, fmt::format("{}-{}", c.out.comm, c.out.pid),
                       c.out.priority ? std::to_string(*c.out.priority) : "-", reason_text(c.out.reason));
}

json json_of(const eviction_log::comeback& c) {
    json out{{"page", c.page},         {"evicted_ns", c.out.time.ns},
             {"wanted_ns", c.time.ns}, {"by", c.out.comm},
             {"pid", c.out.pid},       {"reason", reason_name(c.out.reason)}};
    if (c.out.priority) out["priority"] = *c.out.priority;
    return out;
}

// The story of the page in question, as text at once and as JSON in the end.
class story {
public:
    story(const explain_options& o, bool as_text)
        : question_{parse_question(o)}, out_{"--page", "-"}, as_text_{as_text},
          life_{question_.page.value_or(page_of_process{}), [this](const life_event& e) { tell(e); }} {}

    [[nodiscard]] biography& life() { return life_; }
    void begin(const machine& m) {
        life_.begin(m);
        if (!question_.page) return;
        if (auto* const p = std::get_if<page_of_process>(&*question_.page); p != nullptr && !question_.pid) {
            p->pid = m.workload().pid();
            life_.ask_about(*p);
        }
        check(m);
    }
    void look(const machine& m, const std::vector<opened_input>& inputs) {
        if (!question_.page) {
            find_name(question_, m, inputs);
            if (!question_.page) return;
            life_.ask_about(*question_.page);
        }
        life_.look();
    }
    void finish() {
        if (!question_.page)
            throw usage_error{
                fmt::format("--page: no input has a region or a file called '{}'", question_.name)};
        if (as_text_ && events_.empty())
            out_.write(fmt::format("{}: nothing happened to it\n", question_.text));
        if (as_text_) out_.close();
    }
    [[nodiscard]] json as_json() const { return {{"page", question_.text}, {"events", events_}}; }

private:
    void tell(const life_event& e) {
        events_.push_back(json_of(e));
        if (as_text_) out_.write(line_of(e));
    }
    void check(const machine& m) const {
        const auto* const f = std::get_if<page_in_frame>(&*question_.page);
        if (f != nullptr && raw(f->frame) >= m.parts().frames.size().value)
            throw usage_error{
                fmt::format("--frame: the machine has {} frames, from 0 on", m.parts().frames.size().value)};
        const auto* const p = std::get_if<page_of_process>(&*question_.page);
        if (p == nullptr) return;
        if (process_with_pid(m, p->pid) == nullptr)
            throw usage_error{fmt::format("--page: no process has the pid {}", p->pid)};
    }

    question question_;
    growing_file out_;
    bool as_text_;
    biography life_;
    json events_ = json::array();
};

std::string evictions_text(const eviction_log& log) {
    std::string out = fmt::format(
        "{} evicted, {} wanted again; soonest:\n{:>14} {:>16} {:<24} {:<16} {:>8}  {}\n", log.evicted(),
        log.came_back(), "away ms", "evicted at s", "page", "by", "priority", "decision");
    for (const eviction_log::comeback& c : log.soonest()) out += line_of(c);
    return out;
}

} // namespace

int explain_command(const explain_options& o) {
    const bool asks_page = !o.page.empty() || !o.frame.empty();
    if (!asks_page && o.why_evicted == 0)
        throw usage_error{"explain: --page, --frame or --why-evicted says what is to be explained"};
    check_writable("--json", o.json_file);
    const bool as_text = o.json_file != "-";
    std::optional<story> told;
    if (asks_page) told.emplace(o, as_text);
    std::optional<eviction_log> evictions;
    if (o.why_evicted > 0) evictions.emplace(o.why_evicted);

    const std::vector<opened_input> inputs = open_inputs(o.run);
    sink_list sinks;
    if (told) sinks.add(&told->life());
    if (evictions) sinks.add(&*evictions);
    machine m{configure(o.run, choose_memory(o.run, inputs).pages), &sinks};
    start_processes(o.run, m, inputs);
    if (as_text) write_file("-", fmt::format("# pagesim {}, {}\n", version, about(m, inputs)));
    if (told) told->begin(m);
    if (evictions) evictions->begin(m);
    while (m.step()) {
        if (told) told->look(m, inputs);
    }
    if (evictions) evictions->finish();
    if (told) told->finish();
    if (evictions && as_text) write_file("-", evictions_text(*evictions));

    if (!o.json_file.empty()) {
        json out{{"pagesim", version},
                 {"configuration", fmt::format("{:016x}", config_hash(m.parts().config))}};
        for (const opened_input& i : inputs) {
            out["inputs"].push_back(
                {{"name", i.identity.name}, {"fnv1a", fmt::format("{:016x}", i.identity.hash)}});
        }
        if (told) out.update(told->as_json());
        if (evictions) {
            out["evicted"] = evictions->evicted();
            out["wanted_again"] = evictions->came_back();
            out["soonest"] = json::array();
            for (const eviction_log::comeback& c : evictions->soonest()) out["soonest"].push_back(json_of(c));
        }
        write_file(o.json_file, out.dump(1) + "\n");
    }
    if (const input_error* error = first_error(m)) throw usage_error{to_string(*error)};
    return ended;
}

} // namespace pagesim::program
