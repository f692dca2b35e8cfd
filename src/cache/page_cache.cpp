// SPDX-License-Identifier: MIT
#include <pagesim/cache/page_cache.hpp>

#include <pagesim/cache/page_writeback.hpp>
#include <pagesim/mmu/ptep.hpp>

#include <algorithm>
#include <utility>

namespace pagesim {

namespace {

// The number of an unused place in a table whose place 0 stays empty.
template <typename T>
std::uint32_t take_place(std::vector<std::unique_ptr<T>>& table) {
    const auto free = std::find(table.begin() + 1, table.end(), nullptr);
    const auto id = static_cast<std::uint32_t>(free - table.begin());
    if (free == table.end()) table.emplace_back();
    return id;
}

} // namespace

mapping& page_cache::create(std::string name, page_count size, file_kind kind) {
    const std::uint32_t id = take_place(files_);
    files_[id] = std::make_unique<mapping>(id, std::move(name), size, kind);
    return *files_[id];
}

void page_cache::destroy(mapping& file) {
    PAGESIM_ASSERT(file.nrpages() == 0 && file.i_mmap.empty());
    if (nodes_ != nullptr) file.nodes().clear(*nodes_);
    files_[file.id()].reset();
}

void page_cache::store(mapping& file, std::uint64_t index, cache_slot s) {
    const bool was_empty = file.slot(index).empty();
    cpu_.count(vm_item::workingset_nodes, file.store(index, s, shadow_nodes_));
    if (&file == metadata_) return; // its nodes are boot's
    if (nodes_ == nullptr || was_empty == s.empty()) return;
    if (was_empty) file.nodes().fill(index, *nodes_);
    if (s.empty()) file.nodes().empty(index, *nodes_);
}

void page_cache::forget_oldest_shadow_node() {
    const cache_node& node = shadow_nodes_.front();
    mapping& file = *node.file;
    const std::uint64_t first = node.number * cache_node::pages;
    for (unsigned left = node.used, i = 0; left > 0; ++i) { // the last one takes the node along
        if (file.slot(first + i).empty()) continue;
        clear_slot(file, first + i);
        --left;
    }
    cpu_.count(vm_item::workingset_nodereclaim);
}

open_file& page_cache::open(mapping& file) {
    const std::uint32_t id = take_place(open_files_);
    open_files_[id] = std::make_unique<open_file>(open_file{.id = id, .of = &file, .users = 1, .ra = {}});
    return *open_files_[id];
}

void page_cache::close(open_file& f) {
    PAGESIM_ASSERT(f.users > 0);
    if (--f.users == 0) open_files_[f.id].reset();
}

void page_cache::link_range(mm& owner, vma& range) {
    if (range.file == 0) return;
    open_file& f = opened(range.file);
    ++f.users;
    f.of->i_mmap.insert(owner, range);
}

void page_cache::unlink_range(vma& range) {
    if (range.file == 0) return;
    open_file& f = opened(range.file);
    f.of->i_mmap.remove(range);
    close(f);
}

void page_cache::insert(mapping& file, page& p, std::uint64_t index) {
    PAGESIM_ASSERT_PAGE(p.mapping() == 0 && !p.test(page_flag::locked), p);
    PAGESIM_ASSERT(!file.slot(index).is_frame() && index < 1ULL << 32U);
    p.set(page_flag::locked);
    p.get();
    p.set_mapping(page::file_mapping | file.id());
    p.set_index(static_cast<std::uint32_t>(index));
    store(file, index, cache_slot::of_frame(frames_.pfn_of(p)));
    cpu_.count(vm_item::nr_file_pages);
}

void page_cache::add_to_page_cache_lru(mapping& file, page& p, std::uint64_t index, added_for what,
                                       swap_room swap) {
    PAGESIM_ASSERT(file.kind() == file_kind::regular);
    const cache_slot old = file.slot(index);
    insert(file, p, index);
    if (old.is_value() && what == added_for::reading) {
        cpu_.charge(cpu_.cost.file_refault);
        workingset_refault(cpu_, lru_, p, shadow::from_bits(old.value()), swap);
    }
    batches_.lru_cache_add(p);
}

void page_cache::add_shmem(mapping& file, page& p, std::uint64_t index) {
    PAGESIM_ASSERT(file.kind() == file_kind::shmem);
    p.set(page_flag::swapbacked);
    insert(file, p, index);
    cpu_.count(vm_item::nr_shmem);
}

void page_cache::remove(page& p, cache_slot left) {
    PAGESIM_ASSERT_PAGE(p.in_file() && p.test(page_flag::locked) && !p.mapped(), p);
    mapping& file = file_of(p);
    PAGESIM_ASSERT_PAGE(!file.writes_back() || !p.test(page_flag::dirty), p);
    const std::uint64_t index = p.index();
    for (const cache_tag t : {cache_tag::dirty, cache_tag::writeback, cache_tag::towrite})
        file.clear_tag(index, t);
    store(file, index, left);
    cpu_.count(vm_item::nr_file_pages, -1);
    if (p.test(page_flag::swapbacked)) cpu_.count(vm_item::nr_shmem, -1);
    p.set_mapping(0);
}

void page_cache::replace_page(page& from, page& to) {
    PAGESIM_ASSERT_PAGE(from.in_file() && !from.mapped() && !from.test(page_flag::writeback), from);
    mapping& file = file_of(from);
    const std::uint64_t place = from.index();
    to.set_mapping(from.mapping());
    to.set_index(from.index());
    to.get();
    store(file, place, cache_slot::of_frame(frames_.pfn_of(to)));
    from.set_mapping(0);
    bool last = from.put_testzero();
    if (from.test_and_clear(page_flag::private_)) {
        to.set(page_flag::private_);
        to.get();
        last = from.put_testzero() || last;
        if (buffer_heads_ != nullptr) std::swap(buffer_of(to), buffer_of(from));
    }
    PAGESIM_ASSERT_PAGE(!last, from);
}

bool page_cache::tag_dirty(page& p) {
    if (p.test_and_set(page_flag::dirty)) return false;
    if (!p.in_file()) return true;
    mapping& file = file_of(p);
    if (!file.writes_back()) return true;
    file.set_tag(p.index(), cache_tag::dirty);
    cpu_.count(vm_item::nr_dirty);
    cpu_.count(vm_item::nr_zone_write_pending);
    cpu_.count(vm_item::nr_dirtied);
    if (listener_ != nullptr) listener_->file_dirtied(file);
    return true;
}

bool page_cache::set_page_dirty(page& p) {
    p.clear(page_flag::reclaim);
    return tag_dirty(p);
}

bool page_cache::dirty_by_write(page& p) { return tag_dirty(p); }

bool page_cache::clear_page_dirty_for_io(page& p) {
    PAGESIM_ASSERT_PAGE(p.test(page_flag::locked), p);
    if (!p.in_file() || !file_of(p).writes_back()) return p.test_and_clear(page_flag::dirty);
    if (page_mkclean(p)) set_page_dirty(p);
    if (!p.test_and_clear(page_flag::dirty)) return false;
    cpu_.count(vm_item::nr_dirty, -1);
    cpu_.count(vm_item::nr_zone_write_pending, -1);
    return true;
}

void page_cache::cancel_dirty(page& p) {
    if (!p.test_and_clear(page_flag::dirty) || !p.in_file() || !file_of(p).writes_back()) return;
    cpu_.count(vm_item::nr_dirty, -1);
    cpu_.count(vm_item::nr_zone_write_pending, -1);
}

bool page_cache::page_mkclean(page& p) {
    if (!p.mapped()) return false;
    cpu_.charge(cpu_.cost.mkclean_page); // the walk, whatever it finds
    bool cleaned = false;
    file_of(p).i_mmap.for_each(p.index(), [&](const file_range& r) {
        const vpn at = r.at(p.index());
        std::uint64_t* word = r.owner->table().leaf(at);
        if (word == nullptr || !r.range->flags.has(vm_flag::shared)) return true;
        const descriptor d{*word};
        if (!d.present() || d.frame() != frames_.pfn_of(p) || (!d.dirty() && !d.writable())) return true;
        const descriptor old = ptep_clear_flush(tlbs_, {r.owner->id(), at}, *word);
        *word = old.wrprotect().mkclean().word();
        cleaned = true;
        return true;
    });
    return cleaned;
}

void page_cache::start_writeback(page& p) {
    account_writeback_start(cpu_, p);
    mapping& file = file_of(p);
    file.set_tag(p.index(), cache_tag::writeback);
    if (!p.test(page_flag::dirty)) file.clear_tag(p.index(), cache_tag::dirty);
    file.clear_tag(p.index(), cache_tag::towrite);
    if (listener_ != nullptr && file.writes_back()) listener_->writeback_started(file);
}

void page_cache::end_page_writeback(page& p) {
    mapping& file = file_of(p);
    file.clear_tag(p.index(), cache_tag::writeback);
    if (listener_ != nullptr && file.writes_back()) listener_->writeback_ended(file);
    account_writeback_end(cpu_, lru_, batches_, p);
}

void page_cache::attach_private(page& p) {
    if (p.test_and_set(page_flag::private_)) return;
    p.get();
    cpu_.charge(cpu_.cost.create_buffers);
    if (buffer_heads_ != nullptr) buffer_of(p) = buffer_heads_->allocate();
}

bool page_cache::release_private(page& p) {
    if (buffers_in_use(p)) return false;
    if (!p.test_and_clear(page_flag::private_)) return true;
    if (buffer_heads_ != nullptr) buffer_heads_->free(std::exchange(buffer_of(p), no_slab_object));
    const bool last = p.put_testzero();
    PAGESIM_ASSERT_PAGE(!last, p);
    return true;
}

slab_object& page_cache::buffer_of(const page& p) {
    if (buffers_.empty()) buffers_.resize(frames_.size().value);
    return buffers_[raw(frames_.pfn_of(p))];
}

// What boot left in slabs has room for its buffers.
void page_cache::add_metadata(page& p, buffer_user user) {
    if (metadata_ == nullptr) metadata_ = &create("(metadata)", page_count{}, file_kind::regular);
    insert(*metadata_, p, metadata_users_.size());
    metadata_users_.push_back(user);
    p.clear(page_flag::locked);
    p.set(page_flag::uptodate);
    p.set(page_flag::private_);
    p.get();
}

bool page_cache::buffers_in_use(const page& p) const {
    if (metadata_ == nullptr || !p.in_file() || p.file_id() != metadata_->id()) return false;
    return bh_lru_kept_ || metadata_users_[p.index()] == buffer_user::mount;
}

namespace {

// One page of a file, found at its place.
void check_page(const mapping& file, std::uint64_t index, const page& p) {
    PAGESIM_ASSERT_PAGE(p.in_file() && p.file_id() == file.id() && p.index() == index, p);
    PAGESIM_ASSERT_PAGE(!p.test(page_flag::swapcache) && !p.test(page_flag::anon_exclusive), p);
    PAGESIM_ASSERT_PAGE(p.test(page_flag::swapbacked) == !file.writes_back(), p);
    PAGESIM_ASSERT_PAGE(p.test(page_flag::uptodate) || (!p.mapped() && !p.test(page_flag::dirty)), p);
    const bool dirty = file.tagged(index, cache_tag::dirty);
    const bool writeback = file.tagged(index, cache_tag::writeback);
    if (file.writes_back()) {
        PAGESIM_ASSERT_PAGE(dirty == p.test(page_flag::dirty), p);
        PAGESIM_ASSERT_PAGE(writeback == p.test(page_flag::writeback), p);
    } else {
        PAGESIM_ASSERT_PAGE(!dirty && !writeback && !p.test(page_flag::writeback), p);
        PAGESIM_ASSERT_PAGE(!p.test(page_flag::private_), p);
    }
}

} // namespace

void page_cache::check_consistency() const {
    std::uint64_t dirty = 0;
    std::uint64_t shadow_leaves = 0;
    for (const auto& f : files_) {
        if (!f) continue;
        f->check_consistency();
        shadow_leaves += f->count_shadow_leaves();
        dirty += f->tagged_pages(cache_tag::dirty);
        for (std::uint64_t i = f->next_frame(0); i != mapping::none; i = f->next_frame(i + 1))
            check_page(*f, i, frames_[f->slot(i).frame()]);
    }
    PAGESIM_ASSERT(dirty == cpu_.stat[vm_item::nr_dirty]);
    PAGESIM_ASSERT(shadow_leaves == cpu_.stat[vm_item::workingset_nodes]);
    for (std::uint32_t id = 1; id < open_files_.size(); ++id) {
        const open_file* const f = open_files_[id].get();
        if (f == nullptr) continue;
        PAGESIM_ASSERT(f->id == id && f->users > 0 && f->of == files_[f->of->id()].get());
    }
}

} // namespace pagesim
