// SPDX-License-Identifier: MIT
#include <pagesim/workload/trace_reader.hpp>

#include <pagesim/workload/champsim.hpp>
#include <pagesim/workload/csv.hpp>
#include <pagesim/workload/damon.hpp>
#include <pagesim/workload/drmemtrace.hpp>
#include <pagesim/workload/lackey.hpp>
#include <pagesim/workload/masim.hpp>
#include <pagesim/workload/oracle_general.hpp>
#include <pagesim/workload/page_list.hpp>
#include <pagesim/workload/perf_script.hpp>

#include "scan.hpp"

namespace pagesim {

namespace {

std::unique_ptr<trace_stream> open_recorded(const std::string& path, const format_choice& f,
                                            object_placement placement, content_hash hashing) {
    switch (f.format) {
    case trace_format::drmemtrace: return std::make_unique<drmemtrace_stream>(path, hashing);
    case trace_format::champsim:
        return std::make_unique<champsim_stream>(path, champsim_record::standard, hashing);
    case trace_format::cloudsuite:
        return std::make_unique<champsim_stream>(path, champsim_record::cloudsuite, hashing);
    case trace_format::oracle_general:
        return std::make_unique<oracle_general_stream>(path, placement, hashing);
    case trace_format::csv: return std::make_unique<csv_stream>(path, f.columns, placement, hashing);
    case trace_format::perf: return std::make_unique<perf_script_stream>(path, hashing);
    case trace_format::damon: return std::make_unique<damon_stream>(path, hashing);
    case trace_format::pages: return std::make_unique<page_list_stream>(path, hashing);
    case trace_format::lackey:
    case trace_format::ops:
    case trace_format::binary:
    case trace_format::masim: break;
    }
    return nullptr;
}

scan_trace_result with_placement(scan_result r, object_placement placement) {
    if (const auto* error = std::get_if<input_error>(&r)) return *error;
    return scanned_trace{.found = std::move(std::get<footprint>(r)), .placement = placement};
}

} // namespace

scan_trace_result scan_trace(const std::string& path, const format_choice& format) {
    auto placement = object_placement::by_number;
    if (format.format == trace_format::lackey) return with_placement(scan_lackey(path), placement);
    if (format.format == trace_format::masim) return with_placement(scan_masim(path), placement);
    for (;;) {
        const auto stream = open_recorded(path, format, placement, content_hash::fnv1a);
        PAGESIM_ASSERT(stream != nullptr);
        page_set pages;
        scan_result r = scan(*stream, pages);
        if (stream->met_no_page()) {
            placement = object_placement::in_order;
            continue;
        }
        if (auto* f = std::get_if<footprint>(&r)) {
            if (f->stopped_by && f->counts.accesses == 0) return *f->stopped_by;
            f->ranges = infer_ranges(pages);
            f->first_skipped = stream->first_skipped();
        }
        return with_placement(std::move(r), placement);
    }
}

std::unique_ptr<access_stream> open_trace(const std::string& path, const format_choice& format,
                                          object_placement placement) {
    if (format.format == trace_format::lackey) return std::make_unique<lackey_stream>(path);
    if (format.format == trace_format::masim) return std::make_unique<masim_stream>(path);
    auto stream = open_recorded(path, format, placement, content_hash::none);
    PAGESIM_ASSERT(stream != nullptr);
    return stream;
}

} // namespace pagesim
