// SPDX-License-Identifier: MIT
// The files that are to be written back, and who writes them: the device's writeback (kernel: struct bdi_writeback).
//
//                        first page dirtied                   the flusher takes what is old enough
//     clean file ──────────────────────────> b_dirty ────────────────────────────────────────────> b_io
//         ^                                     ^                                                    │
//         │                                     └──── dirtied again meanwhile ────┐                  │ one after the other:
//         └──────────────────────── all written ──────────────────────────────────┴──────────────────┤ a slice of its pages
//                                                          b_more_io <──── slice used up ────────────┘
//                                                              └──── to b_io again, once that is empty
//
// b_dirty is in order of the first dirtying (dirtied_when). A file that is written to again and again keeps its place:
// what counts is how long its oldest dirty page has waited.
//
// The flusher sleeps until it has work: 5 s after the first file became dirty, or at once when there are more dirty
// pages than the background threshold, when reclaim asks for it, or for sync(2). While files remain dirty it comes
// back every 5 s. What it does then is told in flusher.hpp.
//
// One device holds all files, and is the only one that completes writes of files; so its share of the dirty limit is
// the kernel's n / (n + 1) of recent completions, 0 when it has written nothing for long, without per-CPU error.
//
// Source: fs/fs-writeback.c, mm/backing-dev.c, mm/page-writeback.c (flexible proportions: lib/flex_proportions.c),
// Linux 5.8 to 6.1. Left out: dirty inodes without dirty pages (times, sizes), several devices, cgroup writeback.
#pragma once

#include <pagesim/base/kernel_profile.hpp>
#include <pagesim/cache/dirty_throttle.hpp>
#include <pagesim/cache/flusher_control.hpp>
#include <pagesim/cache/page_cache.hpp>
#include <pagesim/sim/jiffies.hpp>

#include <deque>
#include <optional>
#include <vector>

namespace pagesim {

// The device's share of recent completions (kernel: struct fprop_global, fprop_local_percpu). Every 3 s both halve.
class completion_share {
public:
    void add(std::uint64_t jiffies);
    // Of `thresh`.
    [[nodiscard]] std::uint64_t of(std::uint64_t thresh, std::uint64_t jiffies);

private:
    void age(std::uint64_t jiffies);

    std::uint64_t all_ = 1;
    std::uint64_t ours_ = 0;
    std::uint64_t period_ends_ = 0; // 0: nothing to age
};

// What the flusher is to write (kernel: struct wb_writeback_work).
enum class wb_work_kind : std::uint8_t {
    start_all,  // everything that is dirty now
    periodic,   // what is older than dirty_expire
    background, // until the background threshold is kept
    sync,       // everything, for sync(2)
};
struct wb_work {
    wb_work_kind kind = wb_work_kind::background;
    std::int64_t nr_pages = 0;
};

class bdi_writeback final : public dirty_listener, public flusher_control, private event_target {
public:
    bdi_writeback(const cpu_context& cpu, const page_cache& cache, const lruvec& lru,
                  const dirty_config& config, const kernel_profile& profile)
        : cpu_{cpu}, cache_{cache}, lru_{lru}, config_{config}, profile_{profile} {}

    // At boot, and when a setting changes (kernel: writeback_set_ratelimit()).
    void set_ratelimit();

    void file_dirtied(mapping& file) override;
    void writeback_started(mapping& file) override;
    void writeback_ended(mapping& file) override;
    void wakeup_flusher_threads(wb_reason reason) override;

    // kernel: wb_start_background_writeback().
    void start_background() { wake(); }
    // kernel: writeback_in_progress().
    [[nodiscard]] bool in_progress() const { return in_progress_; }
    [[nodiscard]] bool has_dirty_io() const { return has_dirty_io_; }
    // kernel: wb_over_bg_thresh(). Pages under writeback do not count.
    [[nodiscard]] bool over_bg_thresh();
    [[nodiscard]] dirty_limits limits() const { return global_dirty_limits(config_, lru_); }
    // Where dirty pages stand now, and where the device is in it.
    [[nodiscard]] dirty_position position();
    // 200 ms are over since the last estimate.
    [[nodiscard]] bool estimate_due() const { return jiffies() > estimate_.stamp + bandwidth_interval; }
    // kernel: __wb_update_bandwidth(), with or without the rate limit.
    void update_ratelimit(const dirty_position& at, std::uint64_t pos_ratio);
    void update_bandwidth() { estimate_.update_bandwidth(jiffies(), dirtied_, written_); }
    // The device begins to write after a second of rest (kernel: wb_bandwidth_estimate_start()).
    void restart_estimate_if_idle();
    void restart_estimate() { estimate_.restart(jiffies(), dirtied_, written_); }
    [[nodiscard]] const bandwidth_estimate& estimate() const { return estimate_; }
    [[nodiscard]] std::uint64_t pages_dirtied() const { return dirtied_; }
    [[nodiscard]] std::uint64_t pages_written() const { return written_; }
    [[nodiscard]] std::uint64_t pages_under_writeback() const { return writeback_; }

    // Pages that this CPU dirtied since the last look at the limits, and how many may be (kernel: bdp_ratelimits,
    // ratelimit_pages).
    std::uint64_t dirtied_since_check = 0;
    [[nodiscard]] std::uint64_t ratelimit_pages() const { return ratelimit_pages_; }
    // What tasks that are gone had dirtied without being made to wait for it (kernel: dirty_throttle_leaks).
    std::uint64_t throttle_leaks = 0;
    bool dirty_exceeded = false;

    // sync(2) queues work and waits until that many pieces are finished.
    [[nodiscard]] std::uint64_t queue_sync();
    [[nodiscard]] bool sync_finished(std::uint64_t ticket) const { return works_finished_ >= ticket; }

    // The file's place after all of it, or some, was written by somebody else than the flusher (kernel: the end of
    // writeback_single_inode()).
    void settle_file(mapping& file);
    // The file is about to go: it leaves the lists and does not come back (kernel: inode_io_list_del(), I_FREEING). Not
    // while the flusher writes it (kernel: inode_wait_for_writeback()).
    [[nodiscard]] bool being_written(const mapping& file) const;
    void forget(const mapping& file);
    // It is gone, and its number free.
    void file_gone(const mapping& file) { state_of(file) = {}; }

    // The files of each list by name, oldest first: "dirty: a b | io: - | more_io: c".
    [[nodiscard]] std::string picture() const;
    void check_consistency() const;

    // ---- the flusher's side
    static constexpr wait_channel flusher_channel{.reason = wait_reason::flusher_work};
    // Waits until the flusher has finished with this file.
    [[nodiscard]] static wait_channel file_channel(const mapping& file) {
        return {.reason = wait_reason::flusher_work, .key = file.id()};
    }
    [[nodiscard]] static wait_channel sync_channel(std::uint64_t ticket) {
        return {.reason = wait_reason::flusher_work, .key = 1ULL << 32U | ticket};
    }
    // Whether the flusher is to run now; if so it begins.
    [[nodiscard]] bool begin_run();
    // The run is over: in 5 s again if files are dirty.
    void end_run();
    void set_in_progress(bool on) { in_progress_ = on; }
    [[nodiscard]] std::optional<wb_work> next_queued();
    [[nodiscard]] bool work_queued() const { return works_taken_ < works_queued_; }
    void finish_queued();
    [[nodiscard]] std::optional<wb_work> next_start_all();
    void finish_start_all() { start_all_ = false; }
    [[nodiscard]] std::optional<wb_work> next_periodic();

    // kernel: queue_io(): what waits for another turn, and files dirtied up to `dirtied_before`.
    void queue_io(std::int64_t dirtied_before);
    [[nodiscard]] bool io_empty() const { return b_io_.empty(); }
    // The next file, marked as being written.
    [[nodiscard]] mapping* take_next();
    // kernel: writeback_chunk_size().
    [[nodiscard]] std::int64_t chunk_size(const wb_work& work) const;
    // The flusher is done with it for now (kernel: requeue_inode()). True if no dirty page is left.
    enum class slice : std::uint8_t { used_up, not_used_up };
    bool put_back(mapping& file, slice s, wb_work_kind kind);

    [[nodiscard]] std::uint64_t nr_dirty() const { return cpu_.stat[vm_item::nr_dirty]; }
    // When a pause of a writer ends that begins now.
    [[nodiscard]] sim_time end_of_pause(std::uint64_t jiffies) const {
        return timeout_in_jiffies(cpu_.clock.now(), jiffies);
    }
    [[nodiscard]] bool fatal_signal_pending() const { return cpu_.fatal_signal_pending(); }
    [[nodiscard]] std::uint64_t jiffies() const { return jiffies_at(cpu_.clock.now()); }
    [[nodiscard]] const dirty_config& config() const { return config_; }
    [[nodiscard]] const kernel_profile& profile() const { return profile_; }

private:
    using file_list = std::deque<std::uint32_t>; // ids, oldest first
    enum class place : std::uint8_t { none, dirty, io, more_io };
    struct file_state {
        place at = place::none;
        bool dirty = false;             // I_DIRTY_PAGES
        bool queued = false;            // I_SYNC_QUEUED: the flusher decides where it goes
        bool freeing = false;           // I_FREEING
        bool syncing = false;           // I_SYNC
        std::uint64_t dirtied_when = 0; // jiffies
    };
    enum class timer : std::uint8_t { idle, delayed, queued };

    void on_event(sim_time due, std::uint64_t arg) override;
    [[nodiscard]] file_state& state_of(const mapping& file);
    [[nodiscard]] file_list& list_at(place p);
    void unlink(std::uint32_t id);
    void move_to(std::uint32_t id, place p);
    void redirty_tail(std::uint32_t id);
    void update_has_dirty_io();
    void wake();
    void wake_delayed();
    [[nodiscard]] std::uint64_t nr_dirty_pages() const;

    const cpu_context& cpu_;
    const page_cache& cache_;
    const lruvec& lru_;
    const dirty_config& config_;
    const kernel_profile& profile_;

    std::vector<file_state> files_; // by id
    file_list b_dirty_;
    file_list b_io_;
    file_list b_more_io_;
    bool has_dirty_io_ = false; // WB_has_dirty_io

    bandwidth_estimate estimate_;
    completion_share share_;
    std::uint64_t ratelimit_pages_ = 32;
    std::uint64_t dirtied_ = 0;
    std::uint64_t written_ = 0;
    std::uint64_t writeback_ = 0;
    std::uint64_t files_in_writeback_ = 0;
    bool estimate_scheduled_ = false;

    timer timer_ = timer::idle;
    std::uint64_t timer_number_ = 0; // of the timer that counts
    bool in_progress_ = false;       // WB_writeback_running
    bool start_all_ = false;         // WB_start_all
    std::uint64_t last_old_flush_ = 0;
    std::uint64_t works_queued_ = 0;
    std::uint64_t works_taken_ = 0;
    std::uint64_t works_finished_ = 0;
};

} // namespace pagesim
