// SPDX-License-Identifier: MIT
#include "output.hpp"

#include "usage_error.hpp"

#include <pagesim/version.hpp>

#include <fmt/format.h>

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

} // namespace

nlohmann::ordered_json run_as_json(const machine& m, const input_identity& input, double host_seconds) {
    const workload_task& task = m.workload();
    json reasons = json::object();
    for (std::size_t r = 0; r < nr_reasons; ++r) {
        const auto w = static_cast<why>(r);
        reasons[std::string{reason_name(w)}] = m.parts().reasons[w];
    }
    const vmstat_lines kernel = m.parts().config.profile.vmstat;
    json marks = json::array();
    for (const marked& k : task.marks()) {
        marks.push_back(
            {{"label", k.label}, {"time_ns", k.time.ns}, {"vmstat", vmstat_as_json(k.stat, kernel)}});
    }
    json out{{"pagesim", version},
             {"input",
              {{"name", input.name},
               {"format", input.format},
               {"fnv1a", hex(input.hash)},
               {"records", input.records},
               {"skipped", input.skipped},
               {"touched_pages", input.touched_pages}}},
             {"configuration", config_as_json(m.parts().config)},
             {"configuration_fnv1a", hex(config_hash(m.parts().config))},
             {"outcome", outcome_name(task.outcome())},
             {"outcome_text", describe_outcome(task)},
             {"complete", task.outcome() != run_outcome::bad_input}};
    if (task.error()) out["error"] = to_string(*task.error());
    out["accesses"] = task.accesses();
    out["mmu"] = mmu_as_json(m);
    out["time_ns"] = {{"simulated", m.now().ns},
                      {"workload", task.cpu_time.ns},
                      {"kswapd", m.kswapd().cpu_time.ns},
                      {"idle", m.idle_time().ns},
                      {"in_faults", task.stalled().ns}};
    out["task_switches"] = m.switches();
    out["verdicts"] = std::move(reasons);
    out["vmstat"] = vmstat_as_json(m.parts().snapshot(), kernel);
    out["marks"] = std::move(marks);
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

void check_writable(const std::string& option, const std::string& path) {
    if (path.empty() || path == "-") return;
    std::FILE* f = std::fopen(path.c_str(), "ab");
    if (f == nullptr) throw usage_error{fmt::format("{}: {}: can't be opened for writing", option, path)};
    std::fclose(f);
}

} // namespace pagesim::program
