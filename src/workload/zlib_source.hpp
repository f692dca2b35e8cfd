// SPDX-License-Identifier: MIT
// What zlib decompresses: gzip, and zip archives, whose members are read one after the other as if they were
// one file.
//
// A zip archive is read from its front, member by member as they lie in it; its directory, at the end, is
// only taken for the sign that no member is missing. DynamoRIO's traces are such archives: their members are
// pieces of one trace.
#pragma once

#ifdef PAGESIM_HAVE_ZLIB

#include "byte_source.hpp"

#include <memory>
#include <string_view>

namespace pagesim {

// `head`: what was read of the file already.
[[nodiscard]] std::unique_ptr<byte_source> make_gzip_source(std::unique_ptr<raw_file> file,
                                                            std::string_view head);
[[nodiscard]] std::unique_ptr<byte_source> make_zip_source(std::unique_ptr<raw_file> file,
                                                           std::string_view head);

} // namespace pagesim

#endif
