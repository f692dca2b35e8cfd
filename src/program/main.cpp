// SPDX-License-Identifier: MIT
// The command line: `pagesim run`, `explain`, `convert`, `record`, `vmscan-report`, `compare` and `conform`.
#include "commands.hpp"
#include "usage_error.hpp"

#include <pagesim/version.hpp>
#include <pagesim/workload/trace_format.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <exception>
#include <new>
#include <stdexcept>

namespace {

using namespace pagesim;
using namespace pagesim::program;

// Where files are, and when they are written back.
void add_file_options(CLI::App& run, run_options& o) {
    run.add_option("--file-device", o.file_device, "where files are: pmem (the CPU copies) or flash")
        ->capture_default_str();
    run.add_option("--dirty-ratio", o.dirty_ratio, "vm.dirty_ratio: percent at which writers stop")
        ->capture_default_str();
    run.add_option("--dirty-background-ratio", o.dirty_background_ratio,
                   "vm.dirty_background_ratio: percent at which the flusher writes")
        ->capture_default_str();
    run.add_option("--dirty-bytes", o.dirty_bytes, "vm.dirty_bytes, instead of the ratio; 0: the ratio")
        ->capture_default_str();
    run.add_option("--dirty-background-bytes", o.dirty_background_bytes,
                   "vm.dirty_background_bytes, likewise")
        ->capture_default_str();
    run.add_option("--dirty-expire-centisecs", o.dirty_expire_centisecs,
                   "vm.dirty_expire_centisecs: dirty data of that age is written")
        ->capture_default_str();
    run.add_option("--dirty-writeback-centisecs", o.dirty_writeback_centisecs,
                   "vm.dirty_writeback_centisecs: how often the flusher looks; 0: never")
        ->capture_default_str();
}

void add_format(CLI::App& app, std::string& format) {
    app.add_option("--format", format,
                   "of the input: auto, " + known_formats() +
                       ". Of csv, the columns may follow: "
                       "csv:time-col=2,obj-id-col=5,obj-size-col=4,op-col=6,delimiter=;,has-header=true")
        ->capture_default_str();
}

// What is written when the run has ended, and on the way.
void add_output_options(CLI::App& run, run_options& o) {
    run.add_option("--vmstat", o.vmstat_file, "write /proc/vmstat's text to FILE (- is standard output)");
    run.add_option("--zoneinfo", o.zoneinfo_file, "write /proc/zoneinfo's text to FILE");
    run.add_option("--meminfo", o.meminfo_file, "write /proc/meminfo's text to FILE");
    run.add_option("--buddyinfo", o.buddyinfo_file, "write /proc/buddyinfo's text to FILE");
    run.add_option("--swaps", o.swaps_file, "write /proc/swaps' text to FILE");
    CLI::Option* const proc = run.add_option(
        "--proc", o.proc_dir,
        "write /proc as it is at the end into the directory DIR, which is made if missing: vmstat, "
        "meminfo, zoneinfo, buddyinfo, pagetypeinfo, swaps, uptime, stat, kpageflags, kpagecount, and "
        "PID/ with maps, smaps, smaps_rollup, pagemap, status and others (docs/outputs.md)");
    run.add_option("--proc-every", o.proc_every,
                   "the same every so often of simulated time as well, e.g. 1s, 250ms or 40us, each in a "
                   "directory of its own: DIR/at-000001s, DIR/at-000002s, ...")
        ->needs(proc);
    run.add_option("--ftrace", o.ftrace_file, "write the run as ftrace text to FILE, as it goes on");
    run.add_option("--ftrace-dialect", o.ftrace_dialect,
                   "5.8, 6.1 or postprocess (what the kernel's trace-vmscan-postprocess.pl reads)")
        ->capture_default_str();
    CLI::Option* const json =
        run.add_option("--json", o.json_file, "write everything to FILE (- is standard output)");
    run.add_flag("--series", o.series, "put curves over time into --json, for `compare --html`")->needs(json);
    run.add_option("--html", o.html_file,
                   "write a report with charts to FILE, one page that needs nothing else");
}

// The inputs and the machine.
void add_machine_options(CLI::App& run, run_options& o) {
    run.add_option(
           "INPUT", o.inputs,
           "an ops file or a trace (lackey, drmemtrace, champsim, oracleGeneral, csv, perf, damon, masim, "
           "pages, or our own binary one); plain, .gz, .xz, .zst or .zip. Or a synthetic "
           "stream: zipf:, uniform:, seqloop: or hotcold:, then pages=, accesses=, writes=, gap=, seed= and "
           "untouched= (data or zero); theta= (zipf), hot=, hot_accesses=, phase= (hotcold), parted by "
           "commas")
        ->required();
    add_format(run, o.format);
    run.add_option("--memory", o.memory,
                   "what the zones manage (MemTotal), e.g. 24MiB; default: half of the footprint");
    run.add_option(
           "--swap", o.swap,
           "a swap area: [zram:|flash:]SIZE[:prio=N][:rotational], e.g. zram:64MiB:prio=5; may be given "
           "several times; 0: no swap")
        ->allow_extra_args(false)
        ->capture_default_str();
    run.add_option("--swap-device", o.swap_device,
                   "of areas that do not name one: flash (answers later), zram (compressed memory) or none")
        ->capture_default_str();
    run.add_option("--kernel", o.kernel, "whose behaviour: 6.1, 5.10, 5.8")->capture_default_str();
    run.add_option("--cpu", o.cpu, "cortex-a72 (access flag by fault) or neoverse-n1 (by hardware)")
        ->capture_default_str();
    run.add_option("--swappiness", o.swappiness, "vm.swappiness, 0 to 200")->capture_default_str();
    run.add_option("--page-cluster", o.page_cluster, "vm.page-cluster: swap readahead of 2^N pages, 0 to 5")
        ->capture_default_str()
        ->check(CLI::Range(0, 5));
    run.add_option("--compaction-proactiveness", o.compaction_proactiveness,
                   "vm.compaction_proactiveness, 0 to 100: how scattered free memory may be before kcompactd "
                   "compacts unasked")
        ->capture_default_str()
        ->check(CLI::Range(0, 100));
    run.add_option("--min-free-kbytes", o.min_free_kbytes,
                   "vm.min_free_kbytes; default: from the size of the memory");
    run.add_flag("--khugepaged", o.khugepaged,
                 "watermarks as raised by a kernel with transparent huge pages, of 512 MiB and more "
                 "(huge pages themselves are not simulated)");
    run.add_option("--oom-score-adj", o.oom_score_adj,
                   "of each process in turn, parted by commas: -1000 (the OOM killer spares it) to 1000")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(CLI::Range(-1000, 1000));
    add_file_options(run, o);
}

CLI::App* add_run(CLI::App& app, run_options& o) {
    CLI::App* run = app.add_subcommand(
        "run", "Run recorded traces or ops files on a simulated machine, each as a process");
    add_machine_options(*run, o);
    add_output_options(*run, o);
    run->add_flag("--watch", o.watch,
                  "show rates, lists and watermarks while it goes on; nothing if standard error is a pipe");
    run->add_flag("--quiet", o.quiet, "no summary, no progress bar");
    return run;
}

CLI::App* add_explain(CLI::App& app, explain_options& o) {
    CLI::App* explain =
        app.add_subcommand("explain", "Run as `run` does, and tell what happened to one page, in order");
    add_machine_options(*explain, o.run);
    CLI::Option* const page = explain->add_option("--page", o.page,
                                                  "the page: an address (0x7f0000403000, of the first "
                                                  "process or @PID), or NAME:PAGE, a page of a region or a "
                                                  "file of an ops file, counted from 0");
    explain->add_option("--frame", o.frame, "the frame with this number, whichever page it holds")
        ->excludes(page);
    explain->add_flag("--why-evicted{20}", o.why_evicted,
                      "list the 20 pages (or N, as --why-evicted=N) that were evicted and wanted again "
                      "soonest, and the decisions");
    explain->add_option("--json", o.json_file,
                        "write the same as JSON to FILE (- is standard output, without the text)");
    explain->add_flag("--quiet", o.run.quiet, "no accounts of the inputs");
    return explain;
}

template <typename Options>
void add_folding(CLI::App& app, Options& o) {
    app.add_option("--window", o.window,
                   "join references to a page that is among the last N different ones: smaller, faster, not "
                   "quite the same; 0: lossless")
        ->capture_default_str();
    app.add_option("--level", o.level, "of zstd, 1 to 19")->capture_default_str()->check(CLI::Range(1, 19));
}

CLI::App* add_convert(CLI::App& app, convert_options& o) {
    CLI::App* convert =
        app.add_subcommand("convert", "Write an input as a binary trace, which is read much faster");
    convert->add_option("INPUT", o.input, "as of run: a trace, an ops file or a synthetic stream")
        ->required();
    convert->add_option("OUTPUT", o.output, "the binary trace; compressed by zstd if the name ends in .zst")
        ->required();
    add_format(*convert, o.format);
    add_folding(*convert, o);
    convert->add_flag("--quiet", o.quiet, "no summary, no progress bar");
    return convert;
}

CLI::App* add_record(CLI::App& app, record_options& o) {
    CLI::App* record = app.add_subcommand(
        "record", "Run a program under valgrind and write its references as a binary trace");
    record
        ->add_option("-o,--output", o.output, "the binary trace; compressed by zstd if the name ends in .zst")
        ->required();
    add_folding(*record, o);
    record->add_flag("--quiet", o.quiet, "no summary");
    record->add_option("COMMAND", o.command, "the program and its arguments, behind --")->required();
    return record;
}

CLI::App* add_vmscan_report(CLI::App& app, vmscan_report_options& o) {
    CLI::App* report = app.add_subcommand(
        "vmscan-report",
        "Sum up the vmscan events of an ftrace log, of a real kernel's or a simulated one's");
    report
        ->add_option("LOG", o.log,
                     "what tracefs, trace-cmd report, perf script or --ftrace wrote; plain, .gz, .xz or .zst")
        ->required();
    report->add_option("--json", o.json_file, "write the report as JSON to FILE (- is standard output)");
    report->add_flag("--quiet", o.quiet, "no text");
    return report;
}

CLI::App* add_compare(CLI::App& app, compare_options& o) {
    CLI::App* compare =
        app.add_subcommand("compare", "Put runs side by side: configuration, outcome, time and counters");
    compare->add_option("RUN", o.runs, "what `run --json` wrote, two or more; - is standard input")
        ->required()
        ->expected(2, 64);
    compare->add_option("--html", o.html_file,
                        "write a report with the runs' curves on top of each other (run --series) to FILE");
    compare->add_flag("--all", o.all, "lines that are equal in all runs too");
    return compare;
}

CLI::App* add_conform(CLI::App& app, conform_options& o) {
    CLI::App* conform =
        app.add_subcommand("conform", "Run the workloads of real kernels' results and compare the counters");
    conform->add_option("--ops", o.ops_dir, "folder of the ops files that the results name")->required();
    conform->add_option("--json", o.json_file,
                        "write what is compared and all simulated counters to FILE (- is standard output)");
    conform->add_flag("--strict", o.strict, "status 1 if any headline counter is outside its band");
    conform->add_option(
        "--known-outside", o.known_outside_file,
        "FILE lists the pairs that are known to be outside, CASE COUNTER a line (a case is called "
        "FOLDER/RESULT, without .json); status 1 if any other is outside or one of these is inside");
    conform->add_option("--write-outside", o.write_outside_file,
                        "write such a list of what is outside now to FILE (- is standard output)");
    conform->add_option(
        "--ftrace", o.ftrace_file,
        "write the simulated run of the one RESULT as ftrace text to FILE, in its kernel's dialect");
    conform->add_flag("--quiet", o.quiet, "no tables");
    conform->add_flag(
        "--series", o.series,
        "compare at each mark of the run as well: which counters leave the bar, and where first");
    conform->add_flag(
        "--explain{first}", o.explain,
        "tell what reclaim did between the last mark at which the counter that leaves first (or "
        "COUNTER, as --explain=COUNTER) is inside and the first at which it is outside");
    conform->add_option("RESULT", o.results, "result files (JSON)")->required();
    return conform;
}

int dispatch(int argc, char** argv) {
    CLI::App app{"pagesim: a simulator of Linux page reclaim"};
    app.set_version_flag("--version", std::string{"pagesim "} + std::string{version});
    app.require_subcommand(1);
    app.failure_message(
        [](const CLI::App*, const CLI::Error& e) { return std::string{"pagesim: "} + e.what() + "\n"; });
    run_options run;
    explain_options explain;
    convert_options convert;
    record_options record;
    vmscan_report_options report;
    compare_options compare;
    conform_options conform;
    const CLI::App* run_app = add_run(app, run);
    const CLI::App* explain_app = add_explain(app, explain);
    const CLI::App* convert_app = add_convert(app, convert);
    const CLI::App* record_app = add_record(app, record);
    const CLI::App* report_app = add_vmscan_report(app, report);
    const CLI::App* compare_app = add_compare(app, compare);
    add_conform(app, conform);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? ended : bad_input_or_option;
    }
    if (run_app->parsed()) return run_command(run);
    if (explain_app->parsed()) return explain_command(explain);
    if (record_app->parsed()) return record_command(record);
    if (report_app->parsed()) return vmscan_report_command(report);
    if (compare_app->parsed()) return compare_command(compare);
    return convert_app->parsed() ? convert_command(convert) : conform_command(conform);
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN); // a reader that went away is a write error, not a death
    try {
        return dispatch(argc, argv);
    } catch (const usage_error& e) {
        fmt::print(stderr, "pagesim: {}\n", e.what());
        return bad_input_or_option;
    } catch (const std::invalid_argument& e) { // a machine that cannot be built
        fmt::print(stderr, "pagesim: {}\n", e.what());
        return bad_input_or_option;
    } catch (const std::bad_alloc&) {
        fmt::print(stderr, "pagesim: the host has not enough memory for this machine\n");
        return failed;
    } catch (const std::exception& e) {
        fmt::print(stderr, "pagesim: {}\n", e.what());
        return failed;
    }
}
