# SPDX-License-Identifier: MIT
# Writes a C++ source that holds files as text: cmake -D OUTPUT=... -D NAMES="a;b" -D FILES="path;path" -P embed_files.cmake
# Each becomes `extern const std::string_view NAME` of the namespace pagesim::program::html.
set(text "// Made by cmake/embed_files.cmake.\n#include <string_view>\n\nnamespace pagesim::program::html {\n")
foreach(name file IN ZIP_LISTS NAMES FILES)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  string(REGEX REPLACE "(\\\\x0a',)" "\\1\n" bytes "${bytes}") # a line is a line
  string(APPEND text "static constexpr char ${name}_bytes[] = {\n${bytes}};\n"
                     "extern const std::string_view ${name};\n"
                     "const std::string_view ${name}{${name}_bytes, sizeof(${name}_bytes)};\n")
endforeach()
string(APPEND text "} // namespace pagesim::program::html\n")
file(WRITE ${OUTPUT} "${text}")
