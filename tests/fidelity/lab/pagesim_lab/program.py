# SPDX-License-Identifier: MIT
"""The command: reads the case, boots its machines, writes the result."""
import json
import os
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .case import Case, parse_case
from .errors import BadInput, Failed
from .guest import make_job, make_machine
from .ops_file import Workload, read_ops
from .packages import install_tools, run, say
from .report import Entry, parse_report
from .result import counters_of, differences, result_of, Snapshots
from .virtual_machine import QEMU, Machine, boot


def last_words(console: Path) -> str:
    """Why the kernel gave up, if it did, and where the rest is to be read."""
    if not console.exists():
        return ""
    panic = re.search(r"Kernel panic - (.*)", console.read_text(errors="replace"))
    return f"{': ' + panic[1].strip() if panic else ''}; what the kernel said is in {console}"


def one_run(case: Case, workload: Workload, machine: Machine, modules: list[str], shift: int) -> list[Entry]:
    begin = time.monotonic()
    console = case.work / f"console-{case.tag}-{shift}-{threading.get_native_id()}.txt"
    try:
        entries = parse_report(boot(machine, make_job(case, workload, modules, shift), console))
    except Failed as error:
        raise Failed(f"{error}{last_words(console)}") from None
    console.unlink()
    ns = int(next(e.text for e in entries if e.kind == "workload_ns"))
    say(f"{case.ops.name}: run with start {shift} took {ns / 1e9:.3f} s of the guest's time, "
        f"{time.monotonic() - begin:.1f} s here")
    return entries


def all_runs(case: Case, workload: Workload, machine: Machine, modules: list[str]) -> list[list[Entry]]:
    shifts = ([0] if case.verify else []) + list(range(case.runs))
    with ThreadPoolExecutor(case.jobs) as pool:
        reports = list(pool.map(lambda shift: one_run(case, workload, machine, modules, shift), shifts))
    if case.verify:
        again = reports.pop(0)
        differing = differences(counters_of(Snapshots(reports[0])), counters_of(Snapshots(again)))
        if differing:
            raise Failed(f"the same run counted differently when repeated: {', '.join(differing)}")
        say("the first run, repeated, counted the same")
    return reports


def write_result(path: Path, result: dict[str, Any]) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        part.write_text(json.dumps(result, indent=1) + "\n")
        part.rename(path)
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}") from None


def record(case: Case) -> None:
    workload = read_ops(case.ops)
    install_tools()
    case.work.mkdir(parents=True, exist_ok=True)
    machine, modules, tree = make_machine(case, workload)
    try:
        reports = all_runs(case, workload, machine, modules)
    finally:
        machine.initramfs.unlink()
    package = " ".join(line.split(": ", 1)[1] for line in (tree / "package").read_text().splitlines())
    qemu = run([QEMU, "--version"]).splitlines()[0]
    write_result(case.output, result_of(case, workload, package, qemu, reports))


def main(arguments: list[str]) -> int:
    try:
        record(parse_case(arguments))
    except BadInput as error:
        say(str(error))
        return 2
    except (Failed, OSError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
