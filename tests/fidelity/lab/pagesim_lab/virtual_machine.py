# SPDX-License-Identifier: MIT
"""One machine of QEMU, from power on to power off.

Time is counted in instructions, one a nanosecond, and idle time is skipped; nothing in the machine waits for the
host. So a run is repeatable. Its memory is a file of ours, into which the job is written before and from which the
report is read after.
"""
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import layout
from .errors import Failed
from .packages import run

QEMU = "qemu-system-aarch64"
BOARD = "virt,gic-version=2,dtb-randomness=off"
ICOUNT = "shift=0,sleep=off"
MEBIBYTE = 1 << 20
PMEM_GRAIN = 16 * MEBIBYTE


@dataclass(frozen=True)
class Machine:
    """What does not differ between the runs of a case."""
    kernel: Path
    initramfs: Path
    command_line: str
    cpu: str
    files: bytes  # the file system's image; may be empty
    work: Path
    seconds: int  # that a run may take

    @property
    def pmem_bytes(self) -> int:
        return -(-len(self.files) // PMEM_GRAIN) * PMEM_GRAIN

    @property
    def mebibytes(self) -> int:
        return (layout.FILES_AT - layout.MEMORY_AT + self.pmem_bytes) // MEBIBYTE


def device_tree(machine: Machine, to: Path) -> None:
    """The board's own, and the memory of the file system as a persistent one (/dev/pmem0)."""
    dumped = to.with_suffix(".dump")
    run([QEMU, "-M", f"{BOARD},dumpdtb={dumped}", "-cpu", "cortex-a72", "-smp", "1", "-m", f"{machine.mebibytes}M",
         "-nodefaults", "-display", "none", "-serial", "null"])
    source = run(["dtc", "-q", "-I", "dtb", "-O", "dts", str(dumped)])
    if machine.files:
        source += (f"/ {{ pmem@{layout.FILES_AT:x} {{ compatible = \"pmem-region\"; "
                   f"reg = <0 {layout.FILES_AT:#x} 0 {machine.pmem_bytes:#x}>; }}; }};\n")
    run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", str(to)], input=source)


def command_of(machine: Machine, memory: int, tree: Path, console: Path) -> list[str]:
    size = f"{machine.mebibytes}M"
    return [QEMU, "-M", f"{BOARD},memory-backend=ram", "-cpu", machine.cpu, "-smp", "1", "-m", size,
            "-object", f"memory-backend-file,id=ram,size={size},mem-path=/proc/self/fd/{memory},share=on",
            "-nodefaults", "-display", "none", "-monitor", "none", "-serial", f"file:{console}", "-no-reboot",
            "-seed", "1", "-rtc", "base=2024-01-01T00:00:00,clock=vm", "-icount", ICOUNT,
            "-kernel", str(machine.kernel), "-initrd", str(machine.initramfs), "-dtb", str(tree),
            "-append", machine.command_line]


def write_at(memory: int, address: int, data: bytes) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(memory, data[done:done + (1 << 24)], address - layout.MEMORY_AT + done)


def boot(machine: Machine, job: bytes, console: Path) -> bytes:
    """The report's bytes. What the kernel says goes to `console`."""
    with tempfile.TemporaryDirectory(dir=machine.work) as folder:
        memory = os.memfd_create("guest", 0)
        try:
            os.ftruncate(memory, machine.mebibytes * MEBIBYTE)
            write_at(memory, layout.JOB_AT, job)
            write_at(memory, layout.FILES_AT, machine.files)
            tree = Path(folder) / "tree.dtb"
            device_tree(machine, tree)
            run_qemu(machine, command_of(machine, memory, tree, console), memory)
            return os.pread(memory, layout.REPORT_BYTES, layout.REPORT_AT - layout.MEMORY_AT)
        finally:
            os.close(memory)


def run_qemu(machine: Machine, command: list[str], memory: int) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, pass_fds=(memory,),
                              timeout=machine.seconds, check=False)
    except subprocess.TimeoutExpired:
        raise Failed(f"the machine did not end within {machine.seconds} s (--timeout)") from None
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip().splitlines()
        raise Failed(f"{QEMU}: status {done.returncode}: {message[-1] if message else 'no message'}")
