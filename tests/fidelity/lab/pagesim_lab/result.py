# SPDX-License-Identifier: MIT
"""Makes of the reports of all runs one result, as `pagesim conform` reads it (src/program/result_file.hpp)."""
from typing import Any

from . import layout, proc_text
from .case import Case
from .errors import Failed
from .ops_file import Workload
from .report import Entry
from .virtual_machine import ICOUNT

FORMAT = "pagesim-lab-1"
SUMS = {"pgscan": ("pgscan_kswapd", "pgscan_direct"), "pgsteal": ("pgsteal_kswapd", "pgsteal_direct"),
        "pgalloc": ("pgalloc_dma", "pgalloc_dma32", "pgalloc_normal", "pgalloc_movable"),
        "allocstall": ("allocstall_dma", "allocstall_dma32", "allocstall_normal", "allocstall_movable")}


class Snapshots:
    """The entries of one run by what they tell."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        # A mark may be called like that, too: the first and the last are meant.
        self.before = {e.kind: e for e in reversed(entries) if e.label == "BEFORE"}
        self.after = {e.kind: e for e in entries if e.label == "AFTER"}
        for kind in ("vmstat", "zoneinfo", "meminfo"):
            if kind not in self.before or kind not in self.after:
                raise Failed(f"the agent's report lacks {kind}")

    def text(self, kind: str, label: str) -> str:
        return next((e.text.strip() for e in self.entries if e.kind == kind and e.label == label), "")

    def labelled(self, kind: str) -> dict[str, str]:
        return {e.label: e.text.strip() for e in self.entries if e.kind == kind}

    def all(self, kind: str) -> list[str]:
        return [e.text for e in self.entries if e.kind == kind]


def changes(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before.get(name, 0) for name in after if not proc_text.is_gauge(name)}


def gauges(counters: dict[str, int]) -> dict[str, int]:
    return {name: value for name, value in counters.items() if proc_text.is_gauge(name)}


def series_of(s: Snapshots) -> list[dict[str, Any]]:
    """At each mark (by its label) and each tenth of the operations: what had changed, and what there was."""
    begin = s.before["vmstat"]
    start = proc_text.pairs(begin.text)
    points = []
    for e in s.entries:
        if e.kind != "vmstat" or e is begin or e is s.after["vmstat"]:
            continue
        now = proc_text.pairs(e.text)
        points.append({"label": e.label, "op": e.operation, "t_ms": round((e.ns - begin.ns) / 1e6, 3),
                       "delta": {k: v for k, v in changes(start, now).items() if v},
                       "gauges": {k: v for k, v in gauges(now).items() if v}})
    return points


def durations_of(s: Snapshots) -> dict[str, dict[str, int]]:
    """By word and n: how many operations took 2^n ns or more, and less than 2^(n + 1)."""
    found: dict[str, dict[str, int]] = {}
    for text in s.all("duration"):
        word, power, times = (int(w) for w in text.split())
        found.setdefault(layout.WORDS[word - 1], {})[str(power)] = times
    return found


def counters_of(s: Snapshots) -> dict[str, Any]:
    """What every run's part of the result has."""
    before, after = proc_text.pairs(s.before["vmstat"].text), proc_text.pairs(s.after["vmstat"].text)
    return {"start_ns": int((s.all("start_ns") or ["0"])[0]),
            "workload_ns": int((s.all("workload_ns") or ["0"])[0]), "delta": changes(before, after),
            "gauges_after": gauges(after)}


def full_run(s: Snapshots) -> dict[str, Any]:
    run = counters_of(s)
    run["gauges_before"] = gauges(proc_text.pairs(s.before["vmstat"].text))
    for moment, snapshots in (("before", s.before), ("after", s.after)):
        run[f"zoneinfo_{moment}"] = proc_text.zoneinfo(snapshots["zoneinfo"].text)
        run[f"meminfo_{moment}"] = proc_text.pairs(snapshots["meminfo"].text)
        for kind in ("buddyinfo", "swaps", "zram_mm_stat"):
            if kind in snapshots:
                run[f"{kind}_{moment}"] = snapshots[kind].text.strip()
    for who in ("agent", "kswapd"):
        if f"{who}_stat" in s.after:
            run[f"{who}_system_ticks"] = (proc_text.system_ticks(s.after[f"{who}_stat"].text)
                                          - proc_text.system_ticks(s.before[f"{who}_stat"].text))
    if "psi_memory" in s.after:
        run["psi_memory"] = changes(proc_text.pressure_us(s.before["psi_memory"].text),
                                    proc_text.pressure_us(s.after["psi_memory"].text))
    run["warnings"] = s.all("warning")
    run["operation_log2_ns"] = durations_of(s)
    run["series"] = series_of(s)
    return run


def compared(run: dict[str, Any]) -> dict[str, int]:
    """All that a band can be given for: counters, sums over zones or reclaimers, and gauges at the end."""
    delta = run["delta"]
    values = dict(delta)
    values |= {name: sum(delta.get(part, 0) for part in parts) for name, parts in SUMS.items()}
    return values | {"after." + name: value for name, value in run["gauges_after"].items()}


def band_of(runs: list[dict[str, Any]]) -> dict[str, list[int]]:
    """What the runs vary by; what they agree on is left out."""
    values = [compared(run) for run in runs]
    band = {}
    for name in sorted(values[0]):
        seen = [v.get(name, 0) for v in values]
        if min(seen) != max(seen):
            band[name] = [min(seen), max(seen)]
    return band


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    a, b = compared(one), compared(other)
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def result_of(case: Case, workload: Workload, package: str, qemu: str, reports: list[list[Entry]]) -> dict[str, Any]:
    """reports[n] is of the run whose start is shifted by n."""
    snapshots = [Snapshots(entries) for entries in reports]
    first = snapshots[0]
    runs = [full_run(first)] + [counters_of(s) for s in snapshots[1:]]
    info = first.labelled("info")
    return {"format": FORMAT, "ops": case.ops.name, "ops_count": workload.count, "files": workload.files,
            "kernel": info.get("release", ""), "kernel_version": info.get("version", ""), "kernel_package": package,
            "qemu": qemu, "cmdline": info.get("cmdline", ""), "mem_mb": case.memory_mib, "cpu": case.cpu,
            "icount": ICOUNT, "lrugen": int(case.lru == "mglru"), "swap": case.swap, "swap_pages": case.swap_pages,
            "nullb_ns": case.nullb_us * 1000 if case.swap == "nullb" else None, "fill": case.fill,
            "regions_end": int((first.all("regions_end") or ["0"])[0]), "sysctl": first.labelled("sysctl"),
            "band_runs": len(runs), "band": band_of(runs), "runs": runs}
