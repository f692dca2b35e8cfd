// SPDX-License-Identifier: MIT
// A list of frames: Boost.Intrusive's circular list algorithms over the 32-bit links inside struct page.
//
// The head of a list is a frame too, a sentinel that mem_map keeps in front of frame 0, because a link
// reaches only within that array. So a list is made by mem_map::make_list().
//
//     head.next -> newest ... oldest <- head.prev
//     push_front adds at the kernel's "head"; reclaim takes from back(), the kernel's "tail".
#pragma once

#include <pagesim/memory/page.hpp>

#include <boost/intrusive/circular_list_algorithms.hpp>

#include <cstdint>

namespace pagesim {

struct page_node_traits {
    using node = page;
    using node_ptr = page*;
    using const_node_ptr = const page*;

    static node_ptr get_next(const_node_ptr n) { return follow(n, n->next_); }
    static node_ptr get_previous(const_node_ptr n) { return follow(n, n->prev_); }
    static void set_next(node_ptr n, node_ptr next) { point(n, n->next_, next); }
    static void set_previous(node_ptr n, node_ptr prev) { point(n, n->prev_, prev); }

    static bool unlinked(const_node_ptr n) { return n->next_ == page_link{}; }
    static void forget_links(node_ptr n) { n->next_ = n->prev_ = page_link{}; }

private:
    static node_ptr follow(const_node_ptr n, std::int32_t link) { return const_cast<node_ptr>(n) + link; }
    static node_ptr follow(const_node_ptr /*n*/, node_ptr link) { return link; }
    static void point(const_node_ptr n, std::int32_t& link, const_node_ptr to) {
        link = static_cast<std::int32_t>(to - n);
    }
    static void point(const_node_ptr /*n*/, node_ptr& link, node_ptr to) { link = to; }
};

// Whether the frame is on no list. A frame of zeros is on none.
[[nodiscard]] inline bool unlinked(const page& p) { return page_node_traits::unlinked(&p); }

class page_list {
    using algorithms = boost::intrusive::circular_list_algorithms<page_node_traits>;

public:
    // `head` is a sentinel of the same mem_map as the frames that will be linked.
    explicit page_list(page& head) : head_{&head} { algorithms::init_header(head_); }

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::uint64_t size() const { return size_; }

    [[nodiscard]] page& front() const { return *page_node_traits::get_next(head_); }
    [[nodiscard]] page& back() const { return *page_node_traits::get_previous(head_); }

    void push_front(page& p) { link_before(page_node_traits::get_next(head_), p); }
    void push_back(page& p) { link_before(head_, p); }

    // Precondition: `p` is on this list.
    void remove(page& p) {
        PAGESIM_ASSERT_PAGE(!unlinked(p) && size_ > 0, p);
        algorithms::unlink(&p);
        page_node_traits::forget_links(&p);
        --size_;
    }
    page& pop_back() {
        page& p = back();
        remove(p);
        return p;
    }
    page& pop_front() {
        page& p = front();
        remove(p);
        return p;
    }
    void move_to_front(page& p) {
        remove(p);
        push_front(p);
    }

    // The list begins with `p`, or ends with it; what stood before, or behind, follows at the other end (kernel:
    // list_rotate_to_front()).
    void rotate_to_front(page& p) {
        algorithms::unlink(head_);
        algorithms::link_before(&p, head_);
    }
    void rotate_to_back(page& p) {
        algorithms::unlink(head_);
        algorithms::link_after(&p, head_);
    }
    // The neighbour of a frame of this list towards the front, or the back; null at the end.
    [[nodiscard]] page* towards_front(const page& p) const {
        page* const n = page_node_traits::get_previous(&p);
        return n == head_ ? nullptr : n;
    }
    [[nodiscard]] page* towards_back(const page& p) const {
        page* const n = page_node_traits::get_next(&p);
        return n == head_ ? nullptr : n;
    }

    // Visits each frame from the newest to the oldest; `visit` must not change the list.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const page* p = page_node_traits::get_next(head_); p != head_;
             p = page_node_traits::get_next(p)) {
            visit(*p);
        }
    }

private:
    void link_before(page* position, page& p) {
        PAGESIM_ASSERT_PAGE(unlinked(p), p);
        algorithms::link_before(position, &p);
        ++size_;
    }

    page* head_;
    std::uint64_t size_ = 0;
};

} // namespace pagesim
