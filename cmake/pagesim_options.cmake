# SPDX-License-Identifier: MIT
# Warnings, sanitizers and floating-point rules of our own targets.
function(pagesim_set_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  if(PAGESIM_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(PAGESIM_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${PAGESIM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${PAGESIM_SANITIZE})
  endif()
endfunction()
