// SPDX-License-Identifier: MIT
#include <pagesim/cache/bdi_writeback.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace pagesim {

namespace {

constexpr std::uint64_t completion_period = 3 * hz; // kernel: VM_COMPLETIONS_PERIOD_LEN
constexpr std::int64_t min_writeback_pages = 1024;  // kernel: MIN_WRITEBACK_PAGES, 4 MiB
constexpr std::uint64_t dirty_scope = 8;            // kernel: DIRTY_SCOPE
constexpr std::uint64_t bandwidth_idle = hz;        // kernel: WB_BANDWIDTH_IDLE_JIF
constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t estimate_event = 0; // a timer of the flusher has another number

} // namespace

// ---- share

void completion_share::age(std::uint64_t jiffies) {
    while (period_ends_ != 0 && jiffies >= period_ends_) {
        if (all_ <= 1) {
            period_ends_ = 0;
            return;
        }
        all_ /= 2;
        ours_ /= 2;
        period_ends_ += completion_period;
    }
}

void completion_share::add(std::uint64_t jiffies) {
    age(jiffies);
    ++all_;
    ++ours_;
    if (period_ends_ == 0) period_ends_ = jiffies + completion_period;
}

std::uint64_t completion_share::of(std::uint64_t thresh, std::uint64_t jiffies) {
    age(jiffies);
    return thresh * ours_ / std::max<std::uint64_t>({all_, ours_, 1});
}

// ---- limits

void bdi_writeback::set_ratelimit() {
    constexpr std::uint64_t least = 16;
    const dirty_limits l = limits();
    estimate_.dirty_limit = l.thresh;
    ratelimit_pages_ = std::max(l.thresh / 32, least);
}

bool bdi_writeback::over_bg_thresh() {
    const std::uint64_t dirty = cpu_.stat[vm_item::nr_dirty];
    const std::uint64_t bg = limits().bg_thresh;
    return dirty > bg || dirty > share_.of(bg, jiffies());
}

dirty_position bdi_writeback::position() {
    dirty_position at;
    at.limits = limits();
    const std::uint64_t dirty = cpu_.stat[vm_item::nr_dirty];
    at.dirty = dirty + cpu_.stat[vm_item::nr_writeback];
    at.limit = estimate_.hard_limit(at.limits.thresh);
    at.wb_thresh = share_.of(at.limits.thresh, jiffies());
    at.wb_dirty = dirty + writeback_;
    return at;
}

void bdi_writeback::update_ratelimit(const dirty_position& at, std::uint64_t pos_ratio) {
    estimate_.update_ratelimit(at, pos_ratio, jiffies(), dirtied_, written_);
}

void bdi_writeback::restart_estimate_if_idle() {
    if (jiffies() - estimate_.stamp > bandwidth_idle && files_in_writeback_ == 0) restart_estimate();
}

std::uint64_t bdi_writeback::nr_dirty_pages() const {
    return cpu_.stat[vm_item::nr_dirty] + cache_.files().size() - 1;
}

// ---- what happens to pages

void bdi_writeback::file_dirtied(mapping& file) {
    ++dirtied_;
    ++dirtied_since_check;
    file_state& s = state_of(file);
    if (s.dirty || s.freeing) return;
    s.dirty = true;
    PAGESIM_ASSERT(s.at == place::none && !s.queued); // a file on a list is dirty
    s.dirtied_when = jiffies();
    const bool first = !has_dirty_io_;
    move_to(file.id(), place::dirty);
    if (first) wake_delayed();
}

void bdi_writeback::writeback_started(mapping& file) {
    ++writeback_;
    if (file.tagged_pages(cache_tag::writeback) == 1) ++files_in_writeback_;
}

void bdi_writeback::writeback_ended(mapping& file) {
    --writeback_;
    ++written_;
    share_.add(jiffies());
    if (file.tagged_pages(cache_tag::writeback) != 0) return;
    --files_in_writeback_;
    if (profile_.bandwidth == bandwidth_updates::by_flusher_rounds || estimate_scheduled_) return;
    estimate_scheduled_ = true;
    cpu_.events.schedule(timer_expiry(cpu_.clock.now(), bandwidth_interval), event_phase::timer, *this,
                         estimate_event);
}

// ---- when the flusher runs

void bdi_writeback::wake() {
    if (timer_ == timer::queued) return;
    timer_ = timer::queued;
    ++timer_number_;
    if (cpu_.wakes.wake_all(flusher_channel) > 0) cpu_.charge(cpu_.cost.wake_up);
}

void bdi_writeback::wake_delayed() {
    if (timer_ != timer::idle || config_.writeback_centisecs == 0) return;
    timer_ = timer::delayed;
    ++timer_number_;
    const std::uint64_t interval = jiffies_of_centisecs(config_.writeback_centisecs);
    cpu_.events.schedule(timer_expiry(cpu_.clock.now(), interval), event_phase::timer, *this, timer_number_);
}

void bdi_writeback::on_event(sim_time /*due*/, std::uint64_t arg) {
    if (arg == estimate_event) {
        estimate_scheduled_ = false;
        update_bandwidth();
    } else if (arg == timer_number_ && timer_ == timer::delayed) {
        wake();
    }
}

void bdi_writeback::wakeup_flusher_threads(wb_reason /*reason*/) {
    if (!has_dirty_io_ || start_all_) return;
    start_all_ = true;
    wake();
}

bool bdi_writeback::begin_run() {
    if (timer_ != timer::queued) return false;
    timer_ = timer::idle;
    return true;
}

void bdi_writeback::end_run() {
    if (work_queued()) {
        wake();
    } else if (has_dirty_io_) {
        wake_delayed();
    }
}

// ---- what it is to do

std::uint64_t bdi_writeback::queue_sync() {
    ++works_queued_;
    wake();
    return works_queued_;
}

std::optional<wb_work> bdi_writeback::next_queued() {
    if (!work_queued()) return std::nullopt;
    ++works_taken_;
    return wb_work{.kind = wb_work_kind::sync, .nr_pages = unlimited};
}

void bdi_writeback::finish_queued() {
    ++works_finished_;
    cpu_.wakes.wake_all(sync_channel(works_finished_));
}

std::optional<wb_work> bdi_writeback::next_start_all() {
    if (!start_all_) return std::nullopt;
    return wb_work{.kind = wb_work_kind::start_all, .nr_pages = static_cast<std::int64_t>(nr_dirty_pages())};
}

std::optional<wb_work> bdi_writeback::next_periodic() {
    if (config_.writeback_centisecs == 0) return std::nullopt;
    const std::uint64_t now = jiffies();
    if (now < last_old_flush_ + jiffies_of_centisecs(config_.writeback_centisecs)) return std::nullopt;
    last_old_flush_ = now;
    return wb_work{.kind = wb_work_kind::periodic, .nr_pages = static_cast<std::int64_t>(nr_dirty_pages())};
}

std::int64_t bdi_writeback::chunk_size(const wb_work& work) const {
    if (work.kind == wb_work_kind::sync) return unlimited;
    const std::uint64_t half_second = estimate_.avg_write_bandwidth / 2;
    const auto pages = static_cast<std::int64_t>(std::min(half_second, estimate_.dirty_limit / dirty_scope));
    return (std::min(pages, work.nr_pages) / min_writeback_pages + 1) * min_writeback_pages;
}

// ---- the lists

bdi_writeback::file_state& bdi_writeback::state_of(const mapping& file) {
    if (file.id() >= files_.size()) files_.resize(file.id() + 1);
    return files_[file.id()];
}

bdi_writeback::file_list& bdi_writeback::list_at(place p) {
    PAGESIM_ASSERT(p != place::none);
    if (p == place::dirty) return b_dirty_;
    return p == place::io ? b_io_ : b_more_io_;
}

void bdi_writeback::unlink(std::uint32_t id) {
    file_state& s = files_[id];
    if (s.at == place::none) return;
    file_list& l = list_at(s.at);
    l.erase(std::find(l.begin(), l.end(), id));
    s.at = place::none;
}

void bdi_writeback::move_to(std::uint32_t id, place p) {
    unlink(id);
    files_[id].at = p;
    list_at(p).push_back(id);
    has_dirty_io_ = true;
}

// To the young end of b_dirty. The list is in order of dirtying, so a file that is older than the youngest counts as
// dirtied now.
void bdi_writeback::redirty_tail(std::uint32_t id) {
    file_state& s = files_[id];
    if (!b_dirty_.empty() && s.dirtied_when < files_[b_dirty_.back()].dirtied_when)
        s.dirtied_when = jiffies();
    move_to(id, place::dirty);
    s.queued = false;
}

void bdi_writeback::update_has_dirty_io() {
    has_dirty_io_ = !(b_dirty_.empty() && b_io_.empty() && b_more_io_.empty());
}

void bdi_writeback::queue_io(std::int64_t dirtied_before) {
    for (const std::uint32_t id : b_more_io_) {
        files_[id].at = place::io;
        b_io_.push_back(id);
    }
    b_more_io_.clear();
    while (!b_dirty_.empty()) {
        const std::uint32_t id = b_dirty_.front();
        if (static_cast<std::int64_t>(files_[id].dirtied_when) > dirtied_before) break;
        files_[id].queued = true;
        move_to(id, place::io);
    }
}

mapping* bdi_writeback::take_next() {
    if (b_io_.empty()) return nullptr;
    mapping& file = cache_.file(b_io_.front());
    files_[file.id()].syncing = true;
    return &file;
}

bool bdi_writeback::put_back(mapping& file, slice s, wb_work_kind kind) {
    file_state& state = state_of(file);
    PAGESIM_ASSERT(state.syncing);
    state.syncing = false;
    cpu_.wakes.wake_all(file_channel(file));
    state.dirty = file.tagged_pages(cache_tag::dirty) != 0;
    if (!state.dirty) {
        unlink(file.id());
        state.queued = false;
        update_has_dirty_io();
        return true;
    }
    if (kind == wb_work_kind::sync) state.dirtied_when = jiffies(); // or this sync would never end
    if (s == slice::used_up) {
        move_to(file.id(), place::more_io);
    } else {
        redirty_tail(file.id());
    }
    return false;
}

void bdi_writeback::settle_file(mapping& file) {
    file_state& s = state_of(file);
    PAGESIM_ASSERT(!s.syncing);
    if (!s.dirty) return;
    s.dirty = file.tagged_pages(cache_tag::dirty) != 0;
    if (!s.dirty) {
        unlink(file.id());
        s.queued = false;
        update_has_dirty_io();
    } else if (!s.queued) {
        redirty_tail(file.id());
    }
}

bool bdi_writeback::being_written(const mapping& file) const {
    return file.id() < files_.size() && files_[file.id()].syncing;
}

void bdi_writeback::forget(const mapping& file) {
    file_state& s = state_of(file);
    PAGESIM_ASSERT(!s.syncing);
    unlink(file.id());
    s = {.freeing = true};
    update_has_dirty_io();
}

std::string bdi_writeback::picture() const {
    std::string text;
    const auto add = [&](std::string_view name, const file_list& l) {
        if (!text.empty()) text += " | ";
        text += name;
        text += ":";
        if (l.empty()) text += " -";
        for (const std::uint32_t id : l) text += " " + cache_.file(id).name();
    };
    add("dirty", b_dirty_);
    add("io", b_io_);
    add("more_io", b_more_io_);
    return text;
}

void bdi_writeback::check_consistency() const {
    std::size_t listed = 0;
    const std::array lists{std::pair{place::dirty, &b_dirty_}, std::pair{place::io, &b_io_},
                           std::pair{place::more_io, &b_more_io_}};
    for (const auto& [where, list] : lists) {
        for (const std::uint32_t id : *list) PAGESIM_ASSERT(files_[id].at == where);
        listed += list->size();
    }
    std::uint64_t written_now = 0;
    std::uint64_t files_written_now = 0;
    std::size_t placed = 0;
    for (const file_state& s : files_) placed += s.at != place::none ? 1U : 0U;
    for (const auto& f : cache_.files()) {
        if (!f || !f->writes_back()) continue;
        const bool known = f->id() < files_.size();
        const bool freeing = known && files_[f->id()].freeing;
        PAGESIM_ASSERT(freeing || f->tagged_pages(cache_tag::dirty) == 0 || (known && files_[f->id()].dirty));
        PAGESIM_ASSERT(!known || !files_[f->id()].dirty || files_[f->id()].at != place::none);
        const std::uint64_t n = f->tagged_pages(cache_tag::writeback);
        written_now += n;
        files_written_now += n != 0 ? 1U : 0U;
    }
    PAGESIM_ASSERT(placed == listed && has_dirty_io_ == (listed != 0));
    PAGESIM_ASSERT(written_now == writeback_ && files_written_now == files_in_writeback_);
    // What is or was written has been dirtied before.
    PAGESIM_ASSERT(dirtied_ >= written_ + writeback_ + cpu_.stat[vm_item::nr_dirty]);
    PAGESIM_ASSERT(dirtied_ == cpu_.stat[vm_item::nr_dirtied] && written_ <= cpu_.stat[vm_item::nr_written]);
    for (std::size_t i = 1; i < b_dirty_.size(); ++i)
        PAGESIM_ASSERT(files_[b_dirty_[i - 1]].dirtied_when <= files_[b_dirty_[i]].dirtied_when);
}

} // namespace pagesim
