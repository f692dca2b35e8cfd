# SPDX-License-Identifier: MIT
"""Makes of a case the machine to boot, and the job that its agent gets."""
from pathlib import Path

from .case import Case
from .errors import Failed
from .file_system import make_image
from .initramfs import Modules, archive, build_agent
from .ops_file import Workload, job_of
from .packages import kernel_tree
from .virtual_machine import Machine

# Nothing random, no second reclaimer, no huge pages: a plain machine with one LRU.
KERNEL_PARAMETERS = ("console=ttyAMA0 loglevel=4 nokaslr norandmaps rootfstype=ramfs rdinit=/init panic=-1 cma=0 "
                     "numa=off audit=0 transparent_hugepage=never zswap.enabled=0 cgroup_disable=memory "
                     "random.trust_bootloader=off nowatchdog psi=1")

# What no module names, though it is needed; later kernels have it in zram, or built in, or not at all.
UNNAMED = ("crc32c_generic", "lz4")
FILE_MODULES = ["of_pmem", "nd_pmem", "crc32c_generic", "ext4"]
SWAP_MODULES = {"zram": ["lz4", "zram"], "nullb": ["null_blk"]}
NULL_BLK = "nr_devices=1 queue_mode=2 irqmode=2 completion_nsec={ns} gb=2 bs=4096 submit_queues=1 hw_queue_depth=64"


def command_line(case: Case) -> str:
    return f"{KERNEL_PARAMETERS} mem={case.memory_mib}M"


def vmlinuz(tree: Path) -> Path:
    found = next(tree.glob("boot/vmlinuz-*"), None)
    if not found:
        raise Failed(f"{tree} has no boot/vmlinuz")
    return found


def wanted_modules(case: Case, workload: Workload, known: Modules) -> list[str]:
    names = (FILE_MODULES if workload.files else []) + SWAP_MODULES[case.swap]
    return [name for name in names if name not in UNNAMED or name in known.files]


def make_machine(case: Case, workload: Workload) -> tuple[Machine, list[str], Path]:
    """The machine, the modules in the order of loading, and where its kernel is."""
    tree = kernel_tree(case.kernel, case.work)
    agent = build_agent(case.work).read_bytes()
    known = Modules(tree)
    modules = known.with_dependencies(wanted_modules(case, workload, known))
    initramfs = case.work / f"initramfs-{case.tag}"
    initramfs.write_bytes(archive(agent, modules))
    files = make_image(workload.files, case.work) if workload.files else b""
    machine = Machine(kernel=vmlinuz(tree), initramfs=initramfs, command_line=command_line(case), cpu=case.cpu,
                      files=files, work=case.work, seconds=case.timeout)
    return machine, list(modules), tree


def settings_of(case: Case, workload: Workload, modules: list[str], shift: int) -> list[tuple[str, str]]:
    parameters = {"null_blk": " " + NULL_BLK.format(ns=case.nullb_us * 1000)}
    settings = [("module", name + parameters.get(name, "")) for name in modules]
    if workload.files:
        settings.append(("files", "/dev/pmem0"))
    settings += [("swap", case.swap), ("swap_pages", str(case.swap_pages)), ("lru", case.lru)]
    settings += [("sysctl", f"{name} {value}") for name, value in case.sysctl]
    return settings + [("fill", str(case.fill)), ("shift", str(shift))]


def make_job(case: Case, workload: Workload, modules: list[str], shift: int) -> bytes:
    return job_of(workload, settings_of(case, workload, modules, shift))
