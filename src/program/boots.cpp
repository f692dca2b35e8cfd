// SPDX-License-Identifier: MIT
#include "boots.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <sstream>
#include <string>

namespace pagesim::program {

namespace {

// Frames, from the first on: free movable, unmovable and reclaimable ones (m, u, r), in use (.), locked by the
// program, anonymous and of its file (L, F), metadata of the file system (M: of the mount, B: what was looked up
// last), and such as may have been on the per-CPU list (p). From /proc/kpageflags of the same kernels at that moment;
// which free blocks are of which type from /proc/pagetypeinfo, by an assignment of pageblocks that agrees with its
// counts, and with where runs broke into whole ones (mm_page_alloc_extfrag). When kcompactd's timer goes off ftrace
// told: 4.640 s after boot, with the first op 4.20 to 4.35 s after it. Room in slabs is what was allocated until the
// first new slab (tracepoint mm_page_alloc); zspages are at least as many.
constexpr std::array boots{
    boot{"6.1",
         "zram",
         false,
         438,
         {.nodes = 30, .handles = 511, .zspages = 73, .bios = 16},
         "m528 .5712 m1376 p113 L106 p1 L20 .859 m501 .878 F6 .8 F4 .32 F54 .7 F35 .1987 r1 .12 "
         "r48 .1024 p142 .129 u1 .8 u744 m18432 .768 F30 .7 F18 .201 m13824 .1024 m235 .128 m2 "
         ".147"},
    boot{"6.1",
         "zram",
         true,
         390,
         {.nodes = 25, .handles = 511, .zspages = 73, .bios = 16},
         "m528 .5712 m1381 p107 L106 p1 L1 B1 L19 .859 m501 .879 F5 .8 F4 .32 F87 .7 F2 .2111 u1 "
         ".256 u64 .1088 u256 p27 .463 r854 p64 .8 p56 u896 m16384 .768 F49 .9 M2 B2 .194 m13824 "
         ".1024 m234 .128 m2 .148"},
    boot{"6.1",
         "nullb",
         false,
         438,
         {.nodes = 31, .handles = 0, .zspages = 0, .bios = 16},
         "m528 .5712 m1368 p122 L126 .859 m501 .878 F6 .8 F4 .32 F54 .7 F35 .2018 r30 u32 .4 u2 "
         ".7 u95 .6 u2 .4 u51 .13 u2 .42 u80 .24 u81 .106 u34 .15 u76 .158 u21 .27 u6 .40 u96 "
         "p134 .122 u768 m18432 .768 F33 .7 F15 .47 u18 .8 u64 .6 u58 m13824 .1024 m235 .127 m2 "
         ".148"},
    boot{"6.1",
         "nullb",
         true,
         386,
         {.nodes = 26, .handles = 0, .zspages = 0, .bios = 16},
         "m528 .5712 m1391 p98 L107 B1 L19 .859 m501 .880 F4 .8 F4 .32 F80 .7 F9 .2048 u80 .8 u92 "
         ".12 u84 .12 u84 .12 u80 .18 u74 .790 u62 .40 u12 .28 u296 .12 p93 .110 u1 .32 u16 .182 "
         "r842 p64 u960 m16384 .768 F50 .9 M2 B2 .25 u12 .4 u40 .12 u68 .12 u20 m13824 .1024 m234 "
         ".128 m2 .148"},
    boot{"5.10",
         "zram",
         false,
         342,
         {.nodes = 29, .handles = 511, .zspages = 45, .bios = 16},
         "m512 .4736 m384 .6 r506 m416 L8 p3 m5 L32 .760 L5 .3 L16 m800 .2560 m512 .127 F3 .126 "
         "F21 .5 F123 .107 p253 .990 u1 .4 u288 m19680 L17 .1 L14 m256 .10 L22 m7648 .4096 m3840 "
         "L10 .130 L2 .114"},
    boot{"5.10",
         "zram",
         true,
         300,
         {.nodes = 26, .handles = 511, .zspages = 73, .bios = 16},
         "m512 .4736 m1312 L9 p2 m5 L32 .760 L5 .3 L16 m800 .2721 r1 .6 r344 .129 F1 .126 F23 .5 "
         "F123 .7 M2 B2 .94 p4 .1 p99 .2 p10 u140 .8 p139 .1389 u768 m18656 L16 B1 .1 L14 m256 .9 "
         "L23 m7648 .4096 m3840 L8 p1 L1 .130 L2 .114"},
    boot{"5.10",
         "nullb",
         false,
         330,
         {.nodes = 21, .handles = 0, .zspages = 0, .bios = 18},
         "m512 .4736 m1312 L7 p4 m5 L32 .760 L5 .3 L16 m800 .7 p7 .2 p18 .1 p14 .15 p15 .2481 p4 "
         ".2 r506 .93 p11 .6 p2 .11 F3 .2 p96 .4 F4 p2 .2 p1 .19 F17 p5 F123 p47 u320 p29 .2 p1 "
         "m224 .12 u4 .496 u512 m19680 L17 .1 L14 m256 .9 L23 u224 m7424 .4096 m3840 L10 .130 L2 "
         ".114"},
    boot{"5.10",
         "nullb",
         true,
         290,
         {.nodes = 28, .handles = 0, .zspages = 0, .bios = 15},
         "m512 .4736 m1312 L8 p3 m5 L32 .760 L5 .3 L16 m800 .2740 r332 .129 F1 .126 F23 .5 F123 .7 "
         "M2 .1 B2 .29 u304 .8 p21 .1 p18 u240 .496 p24 .88 u56 .56 u256 .32 p176 u40 p7 .1 p4 .10 "
         "p2 u784 m18656 L16 B1 .1 L14 m256 .9 L23 m7648 .4096 m3840 L10 .130 L2 .114"},
};

// How many blocks of each type and order are free.
free_layout blocks_of(const memory_map& map) {
    free_layout out;
    std::uint64_t at = 0;
    for (const frame_run& run : map) {
        const std::uint64_t end = at + run.frames;
        while (is_free(run.use) && at < end) {
            unsigned order = at == 0 ? max_order - 1 : static_cast<unsigned>(std::countr_zero(at));
            order = std::min(order, max_order - 1);
            while (1ULL << order > end - at) --order;
            ++out.blocks[static_cast<std::size_t>(type_of(run.use))][order];
            at += 1ULL << order;
        }
        at = end;
    }
    return out;
}

} // namespace

const boot* boot_of(std::string_view kernel, std::string_view swap, bool files) {
    const auto found = std::ranges::find_if(
        boots, [&](const boot& b) { return b.kernel == kernel && b.swap == swap && b.files == files; });
    return found == boots.end() ? nullptr : &*found;
}

memory_map map_of(const boot& b) {
    constexpr std::string_view letters{".pLFMBumr"}; // as frame_use
    memory_map map;
    std::istringstream words{std::string{b.map}};
    char letter = 0;
    std::uint64_t n = 0;
    while (words >> letter >> n) map.push_back({static_cast<frame_use>(letters.find(letter)), n});
    return map;
}

std::optional<free_layout> free_blocks_of(std::string_view buddyinfo, const boot& b) {
    free_layout out;
    std::istringstream words{std::string{buddyinfo}};
    std::string word;
    for (unsigned skipped = 0; skipped < 4; ++skipped) words >> word;
    auto& movable = out.blocks[static_cast<std::size_t>(migratetype::movable)];
    for (std::uint32_t& n : movable) {
        if (!(words >> n)) return std::nullopt;
    }
    const free_layout known = blocks_of(map_of(b));
    for (const migratetype type : {migratetype::unmovable, migratetype::reclaimable}) {
        for (unsigned o = 0; o < max_order; ++o) {
            const std::uint32_t n = std::min(known.blocks[static_cast<std::size_t>(type)][o], movable[o]);
            out.blocks[static_cast<std::size_t>(type)][o] = n;
            movable[o] -= n;
        }
    }
    return out;
}

} // namespace pagesim::program
