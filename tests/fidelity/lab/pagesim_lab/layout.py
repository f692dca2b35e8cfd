# SPDX-License-Identifier: MIT
"""What the host and the guest's agent agree on; agent/layout.hpp says the same, with the picture."""

MEMORY_AT = 0x4000_0000  # where QEMU's machine 'virt' has its memory
JOB_AT = 0x6000_0000
REPORT_AT = 0x6C00_0000
REPORT_BYTES = 0x200_0000
FILES_AT = 0x7000_0000  # the file system's image, if there is one

JOB_MAGIC = b"plabjob1"
REPORT_MAGIC = b"lpabrep1"

MOST_NAMES = 256
NAME_BYTES = 64
MOST_SETTINGS_BYTES = 4096

WORDS = ("anon", "file", "map", "r", "w", "pread", "pwrite", "unmap",
         "mlock", "munlock", "madvise", "sleep", "mark", "fsync", "drop", "close")
CODES = {word: number for number, word in enumerate(WORDS, start=1)}

REPORT_BEGUN, REPORT_DONE, REPORT_FAILED = 1, 2, 3
