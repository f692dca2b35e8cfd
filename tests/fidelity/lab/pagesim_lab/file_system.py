# SPDX-License-Identifier: MIT
"""The file system that a case's files are on: ext4 without a journal, the same bytes each time."""
import os
import tempfile
from pathlib import Path

from .packages import run

PAGE = 4096
MADE_AT = 1_700_000_000  # seconds; nothing depends on which
FEATURES = "^has_journal,^metadata_csum,^resize_inode"
LAYOUT = ["-b", "4096", "-I", "256", "-m", "0", "-N", "64", "-O", FEATURES,
          "-E", "lazy_itable_init=0,hash_seed=00000000-0000-0000-0000-000000000001",
          "-U", "00000000-0000-0000-0000-000000000002"]


def write_file(path: Path, pages: int) -> None:
    """Every block differs and none is zero, so all of them are allocated."""
    with path.open("wb") as file:
        for page in range(pages):
            file.write((b"page %010d of %-40b\n" % (page, path.name.encode()[:40]))[:64].ljust(64, b".") * (PAGE // 64))
    os.utime(path, (MADE_AT, MADE_AT))


def make_image(files: dict[str, int], work: Path) -> bytes:
    with tempfile.TemporaryDirectory(dir=work) as name:
        folder = Path(name) / "files"
        folder.mkdir()
        for file, pages in files.items():
            write_file(folder / file, pages)
        image = Path(name) / "image"
        mebibytes = (sum(files.values()) * PAGE * 102 // 100 >> 20) + 24
        with image.open("wb") as out:
            out.truncate(mebibytes << 20)
        environment = {**os.environ, "E2FSPROGS_FAKE_TIME": str(MADE_AT)}
        run(["mkfs.ext4", "-q", "-F", *LAYOUT, "-d", str(folder), str(image)], env=environment)
        return image.read_bytes()
