// SPDX-License-Identifier: MIT
#include <pagesim/mmu/page_table.hpp>

namespace pagesim {

namespace {

template <typename Table>
std::uint32_t take_from(std::deque<Table>& tables, std::vector<std::uint32_t>& free_numbers) {
    if (free_numbers.empty()) {
        tables.emplace_back();
        return static_cast<std::uint32_t>(tables.size() - 1);
    }
    const std::uint32_t number = free_numbers.back();
    free_numbers.pop_back();
    tables[number] = Table{};
    return number;
}

bool is_empty(const host_table& t) {
    return std::all_of(t.words.begin(), t.words.end(), [](std::uint64_t w) { return w == 0; });
}

} // namespace

std::uint32_t table_pool::take(int level) {
    return level == 3 ? take_from(leaves_, free_leaves_) : take_from(directories_, free_directories_);
}

void table_pool::give(int level, std::uint32_t number) {
    (level == 3 ? free_leaves_ : free_directories_).push_back(number);
}

host_table& table_pool::at(int level, std::uint32_t number) {
    PAGESIM_ASSERT(number < (level == 3 ? leaves_.size() : directories_.size()));
    if (level == 3) return leaves_[number];
    return directories_[number];
}

std::size_t table_pool::in_use() const {
    return leaves_.size() - free_leaves_.size() + directories_.size() - free_directories_.size();
}

int page_table::missing_level(vpn n) const {
    PAGESIM_ASSERT(raw(n) < vpn_limit);
    if (root_ == nullptr) return 0;
    const host_directory* t = root_;
    for (int level = 0; level < 3; ++level) {
        const host_table* next = t->child[table_index(n, level)];
        if (next == nullptr) return level + 1;
        if (level < 2) t = static_cast<const host_directory*>(next);
    }
    return -1;
}

void page_table::install_table(vpn n, int level, page& frame) {
    PAGESIM_ASSERT_PAGE(level >= 0 && level < table_levels && missing_level(n) == level, frame);
    PAGESIM_ASSERT_PAGE(!frame.test(page_flag::table), frame);
    const std::uint32_t number = pool_.take(level);
    frame.set(page_flag::table);
    frame.set_index(number);
    frame.set_private_data(static_cast<std::uint32_t>(level));
    ++counts_[static_cast<unsigned>(level)];
    host_table* const fresh = &pool_.at(level, number);
    if (level == 0) {
        root_frame_ = &frame;
        root_ = static_cast<host_directory*>(fresh);
        return;
    }
    host_directory* parent = root_;
    for (int l = 0; l < level - 1; ++l) {
        parent = static_cast<host_directory*>(parent->child[table_index(n, l)]);
    }
    const unsigned at = table_index(n, level - 1);
    parent->child[at] = fresh;
    parent->words[at] = descriptor::table(frames_.pfn_of(frame)).word();
}

void page_table::release_frame(page& frame, int level) {
    PAGESIM_ASSERT_PAGE(frame.test(page_flag::table), frame);
    pool_.give(level, frame.index());
    frame.clear(page_flag::table);
    frame.set_index(0);
    frame.set_private_data(0);
    --counts_[static_cast<unsigned>(level)];
    cached_ = nullptr;
    cached_base_ = no_base;
}

page& page_table::take_out(host_directory& parent, unsigned index, int child_level) {
    page& frame = frames_[descriptor{parent.words[index]}.frame()];
    parent.words[index] = 0;
    parent.child[index] = nullptr;
    release_frame(frame, child_level);
    return frame;
}

void page_table::release_under(host_directory& table, int level, vpn base, const span& room,
                               std::vector<page*>& out) {
    const std::uint64_t step = pages_per_entry(level);
    for (unsigned i = 0; i < table_entries; ++i) {
        host_table* const child = table.child[i];
        const span covered{base + i * step, base + (i + 1) * step};
        if (child == nullptr || !room.meets(covered)) continue;
        if (level < 2)
            release_under(*static_cast<host_directory*>(child), level + 1, covered.first, room, out);
        if (room.covers(covered) && is_empty(*child)) out.push_back(&take_out(table, i, level + 1));
    }
}

std::vector<page*> page_table::release_empty(vpn first, vpn end) {
    std::vector<page*> out;
    if (root_ != nullptr) release_under(*root_, 0, vpn{0}, span{first, end}, out);
    return out;
}

std::vector<page*> page_table::release_all() {
    std::vector<page*> out = release_empty(vpn{0}, vpn{vpn_limit});
    if (root_ == nullptr) return out;
    PAGESIM_ASSERT(is_empty(*root_));
    release_frame(*root_frame_, 0);
    out.push_back(root_frame_);
    root_ = nullptr;
    root_frame_ = nullptr;
    return out;
}

void page_table::check_under(const host_directory& table, int level,
                             std::array<std::uint64_t, table_levels>& found) const {
    for (unsigned i = 0; i < table_entries; ++i) {
        const descriptor d{table.words[i]};
        PAGESIM_ASSERT(d.none() == (table.child[i] == nullptr));
        if (d.none()) continue;
        const page& frame = frames_[d.frame()];
        PAGESIM_ASSERT_PAGE(frame.test(page_flag::table), frame);
        PAGESIM_ASSERT_PAGE(frame.private_data() == static_cast<std::uint32_t>(level) + 1, frame);
        PAGESIM_ASSERT_PAGE(d == descriptor::table(d.frame()), frame);
        PAGESIM_ASSERT_PAGE(&pool_.at(level + 1, frame.index()) == table.child[i], frame);
        ++found[static_cast<unsigned>(level) + 1];
        if (level < 2) check_under(*static_cast<const host_directory*>(table.child[i]), level + 1, found);
    }
}

void page_table::check_consistency() const {
    std::array<std::uint64_t, table_levels> found{};
    if (root_ != nullptr) {
        PAGESIM_ASSERT_PAGE(root_frame_->test(page_flag::table), *root_frame_);
        PAGESIM_ASSERT_PAGE(&pool_.at(0, root_frame_->index()) == root_, *root_frame_);
        found[0] = 1;
        check_under(*root_, 0, found);
    }
    PAGESIM_ASSERT(found == counts_);
    PAGESIM_ASSERT(cached_base_ == no_base || last_table(vpn{cached_base_ * table_entries}) == cached_);
}

} // namespace pagesim
