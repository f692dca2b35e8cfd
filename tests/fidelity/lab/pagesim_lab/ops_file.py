# SPDX-License-Identifier: MIT
"""Reads an ops file, refuses what can't be performed, and makes the operations that the agent understands.

The language is the one of docs/inputs.md. What is refused is what pagesim refuses, for the same reasons, so a file that
is recorded can be simulated.
"""
import gzip
import lzma
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Iterator

from . import layout
from .errors import BadInput, Failed

ADVICE = {"normal": 0, "random": 1, "sequential": 2, "willneed": 3, "dontneed": 4, "free": 8, "cold": 20, "pageout": 21}
FORMS = {"anon": "NAME PAGES", "file": "NAME PAGES", "map": "NAME", "unmap": "NAME", "close": "NAME", "fsync": "NAME",
         "r": "NAME PAGE [COUNT]", "w": "NAME PAGE [COUNT]",
         "pread": "NAME PAGE [COUNT]", "pwrite": "NAME PAGE [COUNT]",
         "mlock": "NAME PAGE COUNT", "munlock": "NAME PAGE COUNT", "madvise": "NAME PAGE COUNT ADVICE",
         "sleep": "MS", "mark": "LABEL", "drop": ""}
LONGEST_SLEEP_MS = 1_000_000_000
MOST_PAGES = 1 << 30
RECORD = struct.Struct("<HHIII")


class Wrong(Exception):
    """What is wrong with a line."""


@dataclass
class Region:
    """What a name stands for: an anonymous region or a file."""
    pages: int
    is_file: bool
    mapped: bool
    open: bool = False


@dataclass
class Workload:
    """The operations of an ops file."""
    names: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)  # pages
    records: bytearray = field(default_factory=bytearray)
    count: int = 0


def number(what: str, text: str, least: int, most: int = MOST_PAGES) -> int:
    if not text.isascii() or not text.isdigit():
        raise Wrong(f"{what} is not a number: '{text}'")
    if not least <= int(text) <= most:
        raise Wrong(f"{what} is {text}, not {least} to {most}")
    return int(text)


class Reader:
    """Takes one line after the other."""

    def __init__(self) -> None:
        self.workload = Workload()
        self.regions: dict[str, Region] = {}
        self.ids: dict[str, int] = {}

    def take(self, words: list[str]) -> None:
        word, rest = words[0], words[1:]
        if word not in FORMS:
            raise Wrong(f"unknown op '{word}'")
        self.check_form(word, rest)
        if word in ("sleep", "drop", "mark"):
            self.take_plain(word, rest)
        elif word in ("anon", "file"):
            self.take_new(word, rest[0], number("PAGES", rest[1], 1))
        elif word in ("map", "unmap", "close", "fsync"):
            self.take_named(word, rest[0])
        else:
            self.take_part(word, rest)

    @staticmethod
    def check_form(word: str, rest: list[str]) -> None:
        form = FORMS[word].split()
        least = sum(not w.startswith("[") for w in form)
        if not least <= len(rest) <= len(form):
            raise Wrong(f"expected: {word} {FORMS[word]}".rstrip())

    def add(self, word: str, name: str = "", page: int = 0, count: int = 1, extra: int = 0) -> None:
        self.workload.records += RECORD.pack(layout.CODES[word], self.id_of(name) if name else 0, page, count, extra)
        self.workload.count += 1

    def id_of(self, name: str) -> int:
        if name not in self.ids:
            if len(self.ids) == layout.MOST_NAMES:
                raise Wrong(f"more than {layout.MOST_NAMES} names of regions, files and marks")
            if len(name.encode()) >= layout.NAME_BYTES:
                raise Wrong(f"'{name}' is too long a name: {layout.NAME_BYTES} bytes or more")
            self.ids[name] = len(self.ids)
            self.workload.names.append(name)
        return self.ids[name]

    def take_plain(self, word: str, rest: list[str]) -> None:
        if word == "sleep":
            self.add(word, extra=number("MS", rest[0], 0, LONGEST_SLEEP_MS))
        else:
            self.add(word, *rest)

    def take_new(self, word: str, name: str, pages: int) -> None:
        old = self.regions.get(name)
        if word == "anon":
            if old:
                raise Wrong(f"region '{name}' is declared already")
            self.regions[name] = Region(pages, is_file=False, mapped=True)
        else:
            self.open_file(name, pages, old)
        self.add(word, name, count=pages)

    def open_file(self, name: str, pages: int, old: Region | None) -> None:
        if "/" in name or name in (".", "..", "lost+found"):
            raise Wrong(f"'{name}' can't be the name of a file")
        if old and not old.is_file:
            raise Wrong(f"'{name}' is a region")
        if old and old.open:
            raise Wrong(f"file '{name}' is open already")
        if old and old.pages != pages:
            raise Wrong(f"file '{name}' has {old.pages} pages")
        self.regions.setdefault(name, Region(pages, is_file=True, mapped=False)).open = True
        self.workload.files[name] = pages

    def take_named(self, word: str, name: str) -> None:
        region = self.regions.get(name)
        if word == "unmap":
            self.unmap(name, region)
        elif not region or not region.open:
            raise Wrong(f"no open file '{name}' here")
        elif word == "map":
            if region.mapped:
                raise Wrong(f"file '{name}' is mapped already")
            region.mapped = True
        elif word == "close":
            region.open = False
        self.add(word, name)

    def unmap(self, name: str, region: Region | None) -> None:
        if not region:
            raise Wrong(f"no region '{name}' here")
        if not region.mapped:
            raise Wrong(f"file '{name}' is not mapped")
        region.mapped = False
        if not region.is_file:
            del self.regions[name]

    def take_part(self, word: str, rest: list[str]) -> None:
        name = rest[0]
        region = self.regions.get(name)
        if not region:
            raise Wrong(f"no region '{name}' here")
        page = number("PAGE", rest[1], 0)
        count = number("COUNT", rest[2], 1) if len(rest) > 2 else 1
        if page + count > region.pages:
            raise Wrong(f"PAGE {page} and COUNT {count} lead beyond '{name}', which has {region.pages} pages")
        if word in ("pread", "pwrite"):
            if not region.open:
                raise Wrong(f"no open file '{name}' here")
        elif not region.mapped:
            raise Wrong(f"file '{name}' is not mapped")
        self.add(word, name, page, count, self.advice(rest) if word == "madvise" else 0)

    @staticmethod
    def advice(rest: list[str]) -> int:
        if rest[3] not in ADVICE:
            raise Wrong(f"unknown advice '{rest[3]}'")
        return ADVICE[rest[3]]


def unpacked(path: Path) -> BinaryIO:
    """The file, decompressed as its first bytes say."""
    with path.open("rb") as file:
        head = file.read(6)
    if head[:2] == b"\x1f\x8b":
        return gzip.open(path)
    if head == b"\xfd7zXZ\0":
        return lzma.open(path)
    if head[:4] == b"\x28\xb5\x2f\xfd":
        raise BadInput(f"{path}: is compressed by zstd; decompress it first, or use xz or gzip")
    return path.open("rb")


def lines_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    with unpacked(path) as file:
        for at, line in enumerate(file, start=1):
            words = line.decode("utf-8", "replace").split()
            if words and not words[0].startswith("#"):
                yield at, words


def read_ops(path: Path) -> Workload:
    reader = Reader()
    at = 0
    try:
        for at, words in lines_of(path):
            reader.take(words)
    except Wrong as wrong:
        raise BadInput(f"{path}:{at}: {wrong}") from None
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise BadInput(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from None
    if reader.workload.count == 0:
        raise BadInput(f"{path}: no ops")
    return reader.workload


def job_of(workload: Workload, settings: list[tuple[str, str]]) -> bytes:
    """What the agent reads: see agent/layout.hpp."""
    text = "".join(f"{key} {value}\n" for key, value in settings).encode()
    text += bytes(8 - len(text) % 8)
    if len(text) > layout.MOST_SETTINGS_BYTES:
        raise Failed("the settings of this case are too long for the agent")
    names = b"".join(name.encode().ljust(layout.NAME_BYTES, b"\0") for name in workload.names)
    head = layout.JOB_MAGIC + struct.pack("<QQQ", len(text), len(workload.names), workload.count)
    job = head + text + names + bytes(workload.records)
    if len(job) > layout.REPORT_AT - layout.JOB_AT:
        most = (layout.REPORT_AT - layout.JOB_AT) // RECORD.size
        raise BadInput(f"{workload.count} ops are too many for the laboratory, which takes about {most}")
    return job
