// SPDX-License-Identifier: MIT
// Reader of libCacheSim's oracleGeneral: one request for an object, 24 bytes, no header, little-endian,
// packed.
//
//      0  u32  time in seconds
//      4  u64  object
//     12  u32  its size in bytes
//     16  i64  number of the next request for it (from 1); -1 or 2^63 - 1: there is none
//
// A request is a load of the object's pages (object_pages.hpp). Requests of size 0 are skipped, as
// libCacheSim does. A next request that is not later than this one makes the record a bad one: it is the only
// sign of a wrong file.
#pragma once

#include <pagesim/workload/object_pages.hpp>
#include <pagesim/workload/trace_stream.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace pagesim {

class oracle_general_stream final : public record_trace {
public:
    explicit oracle_general_stream(std::string path, object_placement placement = object_placement::in_order,
                                   content_hash hashing = content_hash::none);

    [[nodiscard]] bool met_no_page() const override { return met_no_page_; }

private:
    [[nodiscard]] std::string take(const char* record) override;

    object_pages objects_;
    std::int64_t number_ = 0; // of the request
    bool met_no_page_ = false;
};

// Whether bytes from the beginning of a file can be oracleGeneral's: as many whole records as there are.
[[nodiscard]] bool looks_like_oracle_general(std::string_view head);

} // namespace pagesim
