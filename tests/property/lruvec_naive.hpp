// SPDX-License-Identifier: MIT
// The slow twin of the LRU lists: five deques of page numbers, three batches as vectors, its own flags and counts for
// each page. The front of a deque is the head of the list.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

namespace pagesim::testing::on_lruvec {

using page_name = std::uint64_t; // the frame number

struct naive_page {
    unsigned zone = 0; // 0 DMA, 2 Normal
    bool anon = true;
    bool active = false;
    bool unevictable = false;
    bool mlocked = false;
    bool referenced = false;
    bool dirty = false;
    bool locked = false;
    bool mapped = false;
    bool listed = false;
    int references = 1; // the owner's
    bool owned = true;

    // 0 inactive anon, 1 active anon, 2 inactive file, 3 active file, 4 unevictable.
    [[nodiscard]] unsigned list() const {
        if (unevictable) return 4;
        return (anon ? 0U : 2U) + (active ? 1U : 0U);
    }
};

enum class end_of_list : std::uint8_t { head, tail };

class naive_lists {
public:
    std::map<page_name, naive_page> pages;
    std::array<std::deque<page_name>, 5> lists;
    std::vector<page_name> adding, rotating, activating; // batches
    std::vector<page_name> isolated;

    std::uint64_t rotated = 0;
    std::uint64_t activated = 0;
    std::uint64_t culled = 0;
    std::uint64_t rescued = 0;
    std::uint64_t freed = 0;
    std::uint64_t age = 0;
    std::array<std::uint64_t, 4> skipped{};

    void link(page_name n, end_of_list where) {
        naive_page& p = pages.at(n);
        p.listed = true;
        std::deque<page_name>& l = lists[p.list()];
        where == end_of_list::head ? l.push_front(n) : l.push_back(n);
    }
    void unlink(page_name n) {
        naive_page& p = pages.at(n);
        p.listed = false;
        std::deque<page_name>& l = lists[p.list()];
        l.erase(std::find(l.begin(), l.end(), n));
    }
    void put(page_name n) {
        naive_page& p = pages.at(n);
        if (--p.references > 0) return;
        if (p.listed) unlink(n);
        pages.erase(n);
        ++freed;
    }
    void put_owner(page_name n) {
        pages.at(n).owned = false;
        put(n);
    }

    void cache_add(page_name n) {
        ++pages.at(n).references;
        adding.push_back(n);
        if (adding.size() == 15) drain_adding();
    }
    void activate(page_name n) {
        if (!can_activate(n)) return;
        ++pages.at(n).references;
        activating.push_back(n);
        if (activating.size() == 15) drain_activating();
    }
    void rotate(page_name n) {
        naive_page& p = pages.at(n);
        if (p.locked || p.dirty || p.unevictable || !p.listed) return;
        ++p.references;
        rotating.push_back(n);
        if (rotating.size() == 15) drain_rotating();
    }
    void drain() {
        drain_adding();
        drain_rotating();
        drain_activating();
    }

    // Returns how many were looked at.
    std::uint64_t isolate(unsigned list, unsigned n, unsigned highest_zone, bool mapped_too) {
        std::vector<page_name> aside;
        std::uint64_t looked_at = 0;
        unsigned scanned = 0;
        const std::size_t length = lists[list].size();
        while (scanned < n && looked_at < length) {
            const page_name at = lists[list].back();
            naive_page& p = pages.at(at);
            ++looked_at;
            if (p.zone > highest_zone) {
                unlink(at);
                aside.push_back(at);
                ++skipped[p.zone];
                continue;
            }
            ++scanned;
            unlink(at);
            if (p.mapped && !mapped_too) {
                link(at, end_of_list::head);
                continue;
            }
            ++p.references;
            isolated.push_back(at);
        }
        for (const page_name at : aside) link(at, end_of_list::head);
        return looked_at;
    }
    void putback(std::size_t which) {
        const page_name n = isolated[which];
        isolated.erase(isolated.begin() + static_cast<std::ptrdiff_t>(which));
        naive_page& p = pages.at(n);
        if (p.mlocked) {
            cache_add(n);
            put(n);
        } else if (p.references == 1) {
            put(n);
        } else {
            --p.references;
            link(n, end_of_list::head);
            if (p.active) ++age;
        }
    }

    [[nodiscard]] bool waits_to_be_added(page_name n) const {
        return std::find(adding.begin(), adding.end(), n) != adding.end();
    }
    [[nodiscard]] bool is_isolated(page_name n) const {
        return std::find(isolated.begin(), isolated.end(), n) != isolated.end();
    }

private:
    [[nodiscard]] bool can_activate(page_name n) const {
        const naive_page& p = pages.at(n);
        return p.listed && !p.active && !p.unevictable;
    }
    void put_all(const std::vector<page_name>& batch) {
        for (const page_name n : batch) put(n);
    }
    void drain_adding() {
        const std::vector<page_name> batch = std::exchange(adding, {});
        for (const page_name n : batch) {
            naive_page& p = pages.at(n);
            if (p.mlocked && !p.unevictable) ++culled;
            if (!p.mlocked && p.unevictable) ++rescued;
            p.unevictable = p.mlocked;
            if (p.mlocked) p.active = false;
            link(n, end_of_list::head);
        }
        put_all(batch);
    }
    void drain_rotating() {
        const std::vector<page_name> batch = std::exchange(rotating, {});
        for (const page_name n : batch) {
            if (!pages.at(n).listed || pages.at(n).unevictable) continue;
            unlink(n);
            pages.at(n).active = false;
            link(n, end_of_list::tail);
            ++rotated;
        }
        put_all(batch);
    }
    void drain_activating() {
        const std::vector<page_name> batch = std::exchange(activating, {});
        for (const page_name n : batch) {
            if (!can_activate(n)) continue;
            unlink(n);
            pages.at(n).active = true;
            link(n, end_of_list::head);
            ++activated;
        }
        put_all(batch);
    }
};

} // namespace pagesim::testing::on_lruvec
