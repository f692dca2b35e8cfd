# SPDX-License-Identifier: MIT
"""The report that the agent left in memory, as entries of text."""
import struct
from dataclasses import dataclass

from . import layout
from .errors import Failed

HEADER = struct.Struct("<8sQQ")
HEAD = struct.Struct("<QQQ24s64s")


@dataclass(frozen=True)
class Entry:
    kind: str
    label: str
    operation: int
    ns: int
    text: str


def parse_report(data: bytes) -> list[Entry]:
    """Fails unless the agent came to its end."""
    magic, state, used = HEADER.unpack_from(data)
    if magic != layout.REPORT_MAGIC:
        raise Failed("the guest ended before the agent began")
    entries = list(entries_of(data, HEADER.size + min(used, len(data) - HEADER.size)))
    if state == layout.REPORT_FAILED:
        raise Failed(f"the guest's agent: {next((e.text for e in entries if e.kind == 'failure'), 'no reason given')}")
    if state != layout.REPORT_DONE:
        raise Failed("the guest ended in the middle of the workload")
    return entries


def entries_of(data: bytes, end: int) -> "list[Entry]":
    entries = []
    at = HEADER.size
    while at + HEAD.size <= end:
        size, operation, ns, kind, label = HEAD.unpack_from(data, at)
        at += HEAD.size
        text = data[at:at + size].decode(errors="replace")
        entries.append(Entry(name_in(kind), name_in(label), operation, ns, text))
        at += -(-size // 8) * 8
    return entries


def name_in(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode(errors="replace")
