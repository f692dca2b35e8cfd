// SPDX-License-Identifier: MIT
// The end of a page's write, whoever wrote it: what the counters and the lists see of it.
#pragma once

#include <pagesim/lru/lru_add.hpp>

namespace pagesim {

// PG_writeback and its gauges (kernel: __folio_start_writeback(), less the mapping's tags).
void account_writeback_start(const cpu_context& cpu, page& p);
// kernel: folio_end_writeback(), less the mapping's tags: a page that reclaim marked goes to the tail of its list, who
// waits for the page is woken, and so are throttled reclaimers once enough was written.
void account_writeback_end(const cpu_context& cpu, lruvec& lru, lru_batches& batches, page& p);

} // namespace pagesim
