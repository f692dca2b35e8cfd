# SPDX-License-Identifier: MIT
# Warnings, sanitizers and floating-point rules of our own targets.
function(pagesim_set_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict) # GCC bug 105651: false alarms in std::string
  endif()
  if(PAGESIM_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(PAGESIM_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${PAGESIM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${PAGESIM_SANITIZE})
  endif()
endfunction()
