// SPDX-License-Identifier: MIT
#include "output.hpp"

#include "usage_error.hpp"

#include <pagesim/version.hpp>

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace pagesim::program {

namespace {

using json = nlohmann::ordered_json;

std::string hex(std::uint64_t v) { return fmt::format("{:016x}", v); }

json vmstat_as_json(const vmstat& s, vmstat_lines kernel) {
    json out = json::object();
    for (const vmstat_line& l : lines_of(kernel)) out[std::string{l.name}] = l.value(s);
    return out;
}

json mmu_as_json(const machine& m) {
    const mmu_stats& t = m.parts().cpu_mmu.stats();
    const tlb_flush_stats& f = m.parts().tlbs.stats();
    return {{"accesses", t.accesses()},
            {"l1_hits", t.l1_hits},
            {"l2_hits", t.l2_hits},
            {"walks", t.walks},
            {"walk_steps", t.walk_steps},
            {"translation_faults", t.faults_of(fault_kind::translation)},
            {"access_flag_faults", t.faults_of(fault_kind::access_flag)},
            {"permission_faults", t.faults_of(fault_kind::permission)},
            {"access_flags_set_by_hardware", t.hw_access_flag},
            {"dirty_states_set_by_hardware", t.hw_dirty},
            {"page_flushes", f.page_flushes + f.page_flushes_nosync},
            {"range_flushes", f.range_flushes},
            {"asid_flushes", f.asid_flushes}};
}

json config_as_json(const machine_config& c) {
    json out = json::object();
    const std::string text = describe_config(c);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        const std::string line = text.substr(at, end - at);
        const std::size_t space = line.find(' ');
        out[line.substr(0, space)] = line.substr(space + 1);
        at = end + 1;
    }
    return out;
}

json input_as_json(const input_identity& input) {
    return {{"name", input.name},       {"format", input.format},   {"fnv1a", hex(input.hash)},
            {"records", input.records}, {"skipped", input.skipped}, {"touched_pages", input.touched_pages}};
}

json all_inputs_as_json(std::span<const input_identity> inputs) {
    json out = json::array();
    for (const input_identity& i : inputs) out.push_back(input_as_json(i));
    return out;
}

std::string outcome_text(const machine& m) {
    std::string out;
    for (const workload_task* p : m.processes())
        out += fmt::format("{}{}", out.empty() ? "" : "; ", describe_outcome(*p));
    return out;
}

json processes_as_json(const machine& m) {
    json out = json::array();
    for (const workload_task* p : m.processes()) {
        const end_of_task& end = p->ending();
        json one{{"pid", p->pid()},
                 {"name", p->name()},
                 {"oom_score_adj", p->oom_score_adj()},
                 {"outcome", outcome_name(end.outcome)},
                 {"outcome_text", describe_outcome(*p)},
                 {"ended_ns", end.time.ns}};
        if (end.address) one["address"] = fmt::format("{:#x}", raw(addr_of(*end.address)));
        one["accesses"] = p->accesses();
        one["cpu_ns"] = p->cpu_time.ns;
        one["in_faults_ns"] = p->stalled().ns;
        out.push_back(std::move(one));
    }
    return out;
}

json kernel_log_as_json(const machine& m) {
    json out = json::array();
    for (const oom_report& r : m.oom_reports()) {
        const std::string text = format_oom_report(r);
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = text.find('\n', at);
            out.push_back(text.substr(at, end - at));
            at = end + 1;
        }
    }
    return out;
}

json marks_as_json(const machine& m, vmstat_lines kernel) {
    json out = json::array();
    for (const workload_task* p : m.processes()) {
        for (const marked& k : p->marks()) {
            json one{{"label", k.label}, {"time_ns", k.time.ns}};
            if (m.processes().size() > 1) one["pid"] = p->pid();
            one["vmstat"] = vmstat_as_json(k.stat, kernel);
            out.push_back(std::move(one));
        }
    }
    return out;
}

// What of a sample has a curve of its own.
constexpr std::array curves{vm_item::nr_inactive_anon,
                            vm_item::nr_active_anon,
                            vm_item::nr_inactive_file,
                            vm_item::nr_active_file,
                            vm_item::nr_unevictable,
                            vm_item::nr_dirty,
                            vm_item::nr_writeback,
                            vm_item::pgfault,
                            vm_item::pgmajfault,
                            vm_item::pgscan_kswapd,
                            vm_item::pgscan_direct,
                            vm_item::pgsteal_kswapd,
                            vm_item::pgsteal_direct,
                            vm_item::workingset_refault_anon,
                            vm_item::workingset_refault_file,
                            vm_item::pswpin,
                            vm_item::pswpout};

// One value of each sample.
template <typename Value>
json curve(const time_series& series, Value value) {
    json out = json::array();
    for (const time_series::sample& s : series.samples()) out.push_back(value(s));
    return out;
}

json series_as_json(const machine& m, const time_series& series) {
    using sample = time_series::sample;
    json zones = json::array();
    const auto& all = m.parts().home.zones();
    for (std::size_t z = 0; z < all.size(); ++z) {
        zones.push_back({{"name", zone_name(all[z].type())},
                         {"free", curve(series, [z](const sample& s) { return s.zones[z].free; })},
                         {"min", curve(series, [z](const sample& s) { return s.zones[z].min; })},
                         {"low", curve(series, [z](const sample& s) { return s.zones[z].low; })},
                         {"high", curve(series, [z](const sample& s) { return s.zones[z].high; })}});
    }
    json counters = json::object();
    for (const vm_item i : curves) {
        counters[std::string{vm_item_name(i)}] = curve(series, [i](const sample& s) { return s.stat[i]; });
    }
    json verdicts = json::object();
    for (std::size_t r = 0; r < nr_reasons; ++r) {
        const auto w = static_cast<why>(r);
        if (series.samples().back().reasons[w] == 0) continue;
        verdicts[std::string{reason_name(w)}] = curve(series, [w](const sample& s) { return s.reasons[w]; });
    }
    return {{"interval_ns", series.interval().ns},
            {"time_ns", curve(series, [](const sample& s) { return s.time.ns; })},
            {"zones", std::move(zones)},
            {"vmstat", std::move(counters)},
            {"verdicts", std::move(verdicts)},
            {"memstall_some_ns", curve(series, [](const sample& s) { return s.some.ns; })},
            {"memstall_full_ns", curve(series, [](const sample& s) { return s.full.ns; })}};
}

} // namespace

const input_error* first_error(const machine& m) {
    for (const workload_task* p : m.processes()) {
        if (p->error()) return &*p->error();
    }
    return nullptr;
}

nlohmann::ordered_json run_as_json(const machine& m, std::span<const input_identity> inputs,
                                   double host_seconds, const time_series* series) {
    json reasons = json::object();
    for (std::size_t r = 0; r < nr_reasons; ++r) {
        const auto w = static_cast<why>(r);
        reasons[std::string{reason_name(w)}] = m.parts().reasons[w];
    }
    const vmstat_lines kernel = m.parts().config.profile.vmstat;
    const bool alone = inputs.size() == 1;
    json out{{"pagesim", version}};
    out[alone ? "input" : "inputs"] = alone ? input_as_json(inputs.front()) : all_inputs_as_json(inputs);
    out["configuration"] = config_as_json(m.parts().config);
    out["configuration_fnv1a"] = hex(config_hash(m.parts().config));
    out["outcome"] = outcome_name(outcome_of(m));
    out["outcome_text"] = outcome_text(m);
    out["complete"] = first_error(m) == nullptr;
    if (const input_error* error = first_error(m)) out["error"] = to_string(*error);
    out["processes"] = processes_as_json(m);
    if (!m.oom_reports().empty()) out["kernel_log"] = kernel_log_as_json(m);
    const process_totals totals = totals_of(m);
    out["accesses"] = totals.accesses;
    out["mmu"] = mmu_as_json(m);
    out["time_ns"] = {{"simulated", m.now().ns},
                      {"workload", totals.cpu_time.ns},
                      {"kswapd", m.kswapd().cpu_time.ns},
                      {"idle", m.idle_time().ns},
                      {"in_faults", totals.stalled.ns}};
    out["task_switches"] = m.switches();
    out["verdicts"] = std::move(reasons);
    out["vmstat"] = vmstat_as_json(m.parts().snapshot(), kernel);
    out["marks"] = marks_as_json(m, kernel);
    if (series != nullptr) out["series"] = series_as_json(m, *series);
    out["fingerprint"] = hex(m.fingerprint_value());
    out["host"] = {{"seconds", host_seconds}};
    return out;
}

void write_file(const std::string& path, const std::string& text) {
    const bool to_stdout = path == "-";
    const auto close = [](std::FILE* f) { return f == stdout ? 0 : std::fclose(f); };
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{to_stdout ? stdout : std::fopen(path.c_str(), "wb"),
                                                         close};
    if (!file) throw program_error{fmt::format("{}: can't be opened for writing", path)};
    const bool written = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
    const bool flushed = std::fflush(file.get()) == 0;
    const bool closed = close(file.release()) == 0;
    if (!written || !flushed || !closed)
        throw program_error{fmt::format("{}: could not be written in full", path)};
}

growing_file::growing_file(const std::string& option, const std::string& path)
    : path_{path}, file_{path == "-" ? stdout : std::fopen(path.c_str(), "wb")} {
    if (!file_) throw usage_error{fmt::format("{}: {}: can't be opened for writing", option, path)};
}

void growing_file::write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size())
        throw program_error{fmt::format("{}: could not be written in full", path_)};
}

void growing_file::close() {
    if (std::fflush(file_.get()) != 0)
        throw program_error{fmt::format("{}: could not be written in full", path_)};
    std::FILE* const f = file_.release();
    if (f != stdout && std::fclose(f) != 0)
        throw program_error{fmt::format("{}: could not be written in full", path_)};
}

void check_writable(const std::string& option, const std::string& path) {
    if (path.empty() || path == "-") return;
    std::FILE* f = std::fopen(path.c_str(), "ab");
    if (f == nullptr) throw usage_error{fmt::format("{}: {}: can't be opened for writing", option, path)};
    std::fclose(f);
}

} // namespace pagesim::program
