// SPDX-License-Identifier: MIT
#include <pagesim/swap/zram.hpp>

namespace pagesim {

namespace {

constexpr std::uint32_t huge_class_bytes = 3264; // kernel: zs_huge_class_size()
constexpr std::uint32_t whole_page = 4096;

// What the costs of a page of almost nothing cover.
constexpr std::uint64_t almost_nothing = 110;

std::uint64_t bytes_beyond(std::uint64_t compressed) {
    return compressed > almost_nothing ? compressed - almost_nothing : 0;
}

} // namespace

zram::zram(const cpu_context& cpu, frame_source& source, const zram_config& config, kmem_cache* handles,
           kmem_cache* zspages)
    : pool_{cpu, source, zspages}, compressed_bytes_{config.compressed_bytes},
      object_bytes_{config.compressed_bytes > huge_class_bytes ? whole_page : config.compressed_bytes},
      handles_{handles} {}

sim_duration zram::compression_time(const cost_table& cost) const {
    return sim_duration{cost.compress_64_bytes.ns * bytes_beyond(compressed_bytes_) / 64};
}

sim_duration zram::expansion_time(const cost_table& cost) const {
    const std::uint64_t beyond = bytes_beyond(compressed_bytes_);
    if (beyond == 0 || object_bytes_ == whole_page) return {};
    return cost.decompress_more + sim_duration{cost.decompress_64_bytes.ns * beyond / 64};
}

bool zram::write(std::uint64_t offset) {
    slab_object name = no_slab_object;
    if (handles_ != nullptr) {
        name = handles_->allocate();
        if (name == no_slab_object) return false;
    }
    const zs_handle h = pool_.allocate(object_bytes_);
    if (h == no_object) {
        if (handles_ != nullptr) handles_->free(name);
        return false;
    }
    if (offset >= table_.size()) {
        table_.resize(offset + 1, no_object);
        names_.resize(offset + 1, no_slab_object);
    }
    slot_freed(offset);
    table_[offset] = h;
    names_[offset] = name;
    ++stored_;
    return true;
}

void zram::slot_freed(std::uint64_t offset) {
    if (offset >= table_.size() || table_[offset] == no_object) return;
    pool_.free(table_[offset]);
    if (handles_ != nullptr) handles_->free(names_[offset]);
    table_[offset] = no_object;
    --stored_;
}

} // namespace pagesim
