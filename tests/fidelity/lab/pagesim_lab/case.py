# SPDX-License-Identifier: MIT
"""What is asked for on the command line, checked."""
import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from .errors import BadInput
from .packages import RELEASES

MEMORY_MIB = (160, 512)  # QEMU puts the initramfs 128 MiB up; the job lies at 512 MiB
DEFAULT_WORK = Path(__file__).resolve().parents[4] / "build" / "lab"


@dataclass(frozen=True)
class Case:
    ops: Path
    output: Path
    kernel: str
    memory_mib: int
    swap: str
    swap_mib: int
    nullb_us: int
    lru: str
    hardware_access_flag: bool
    fill: int
    sysctl: tuple[tuple[str, str], ...]
    runs: int
    jobs: int
    verify: bool
    timeout: int
    work: Path

    @property
    def cpu(self) -> str:
        """QEMU's name of it."""
        return "max,pauth-impdef=on" if self.hardware_access_flag else "cortex-a72"

    @property
    def tag(self) -> str:
        """What files of this case are called while it is recorded."""
        return self.output.absolute().as_posix().strip("/").replace("/", "-")

    @property
    def swap_pages(self) -> int:
        return self.swap_mib * 256


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise BadInput(f"{message} (record --help)")


def within(low: int, high: int):  # type: ignore[no-untyped-def]
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is not {low} to {high}")
        return value
    return parse


def add_machine(p: Parser) -> None:
    p.add_argument("--kernel", choices=sorted(RELEASES), default="6.1", help="Debian's; default 6.1")
    p.add_argument("--memory", type=within(*MEMORY_MIB), default=192, metavar="MIB", help="default 192")
    p.add_argument("--swap", choices=("zram", "nullb"), default="zram",
                   help="compressed memory, or null_blk, which answers later and keeps no data; default zram")
    p.add_argument("--swap-size", type=within(1, 2000), default=512, metavar="MIB", help="default 512")
    p.add_argument("--nullb-us", type=within(1, 10_000_000), default=100, metavar="US",
                   help="how long null_blk takes; default 100")
    p.add_argument("--lru", choices=("classic", "mglru"), default="classic", help="default classic")
    p.add_argument("--hardware-access-flag", action="store_true",
                   help="a CPU that sets access flag and dirty state itself")
    p.add_argument("--swappiness", type=within(0, 200), default=60, metavar="N", help="default 60")
    p.add_argument("--page-cluster", type=within(0, 5), default=3, metavar="N", help="default 3")
    p.add_argument("--sysctl", action="append", default=[], metavar="NAME=VALUE",
                   help="e.g. vm.watermark_boost_factor=0; may be given several times")
    p.add_argument("--fill", type=within(8, 4096), default=8, metavar="BYTES",
                   help="bytes that a store writes, which do not compress; default 8")


def add_runs(p: Parser) -> None:
    p.add_argument("--runs", type=within(1, 100), default=1, metavar="N",
                   help="so many runs, each with a start that differs in what should not matter; the result's "
                   "band is what they vary by; default 1")
    p.add_argument("--jobs", type=within(1, 64), default=1, metavar="N", help="runs at a time; default 1")
    p.add_argument("--verify", action="store_true",
                   help="do the first run twice; status 1 if a counter differs")
    p.add_argument("--timeout", type=within(1, 86400), default=600, metavar="S",
                   help="that a run may take; default 600")
    p.add_argument("--work", type=Path, default=DEFAULT_WORK, metavar="DIR",
                   help="where kernels and the agent are kept; default build/lab")


def parser() -> Parser:
    p = Parser(prog="record", description="Runs an ops file on a real kernel under QEMU and writes what the "
               "kernel counted, for `pagesim conform`. Installs what it needs with apt-get.")
    p.add_argument("ops", type=Path, metavar="OPS", help="the ops file; plain, .gz or .xz")
    p.add_argument("-o", "--output", type=Path, required=True, metavar="RESULT", help="the result, JSON")
    add_machine(p)
    add_runs(p)
    return p


def sysctl_from(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    path = name.replace(".", "/")
    if not equals or not value or not path.startswith(("vm/", "kernel/")) or ".." in name or not value.isprintable():
        raise BadInput(f"--sysctl: '{text}' is not like vm.watermark_boost_factor=0")
    return path, value


def parse_case(arguments: list[str]) -> Case:
    o = parser().parse_args(arguments)
    if not o.ops.is_file():
        raise BadInput(f"{o.ops}: {'is no plain file' if o.ops.exists() else 'does not exist'}")
    folder = o.output.absolute().parent
    if o.output.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise BadInput(f"--output: {o.output}: can't be written")
    if o.fill % 8 != 0:
        raise BadInput(f"--fill: {o.fill} is not a multiple of 8")
    if o.lru == "mglru" and o.kernel == "5.10":
        raise BadInput("--lru: 5.10 has no multi-generational LRU")
    knobs = [("vm/swappiness", str(o.swappiness)), ("vm/page-cluster", str(o.page_cluster))]
    return Case(ops=o.ops, output=o.output, kernel=o.kernel, memory_mib=o.memory, swap=o.swap, swap_mib=o.swap_size,
                nullb_us=o.nullb_us, lru=o.lru, hardware_access_flag=o.hardware_access_flag, fill=o.fill,
                sysctl=tuple(knobs + [sysctl_from(s) for s in o.sysctl]), runs=o.runs, jobs=o.jobs, verify=o.verify,
                timeout=o.timeout, work=o.work.absolute())
