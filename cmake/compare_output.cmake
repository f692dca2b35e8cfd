# SPDX-License-Identifier: MIT
# Runs PROGRAM with ARGUMENTS (may be unset) and compares what it prints with the file EXPECTED.
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} OUTPUT_VARIABLE output RESULT_VARIABLE result)
file(READ ${EXPECTED} expected)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${result}")
endif()
if(NOT output STREQUAL expected)
  message(FATAL_ERROR "the output is not that of ${EXPECTED}:\n${output}")
endif()
