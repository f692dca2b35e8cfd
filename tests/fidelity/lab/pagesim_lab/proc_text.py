# SPDX-License-Identifier: MIT
"""Reads texts of /proc."""
import re
from typing import Any

ZONE_SIZES = ("boost", "min", "low", "high", "spanned", "present", "managed", "cma")
PCP_FIELDS = ("count:", "high:", "batch:", "high_min:", "high_max:")
COUNTERS_CALLED_NR = re.compile(r"nr_(vmscan_|dirtied|written)")


def pairs(text: str) -> dict[str, int]:
    """vmstat and meminfo: a name and a number a line."""
    found = {}
    for line in text.splitlines():
        words = line.replace(":", " ").split()
        if len(words) >= 2 and words[1].isdigit():
            found[words[0]] = int(words[1])
    return found


def is_gauge(name: str) -> bool:
    """Whether a name of vmstat says how many there are, not how many there were."""
    return name.startswith("nr_") and not COUNTERS_CALLED_NR.match(name)


def zoneinfo(text: str) -> dict[str, Any]:
    """By "node0/DMA": sizes, watermarks, per-CPU pages, and the counters under "stat"."""
    zones: dict[str, Any] = {}
    zone: dict[str, Any] = {}
    for line in text.splitlines():
        words = line.split()
        if line.startswith("Node "):
            zone = zones.setdefault(f"node{words[1].rstrip(',')}/{words[-1]}", {"stat": {}, "pcp": []})
        elif words:
            take_zone_line(zone, words, line)
    return zones


def take_zone_line(zone: dict[str, Any], words: list[str], line: str) -> None:
    name = words[0]
    if words[:2] == ["pages", "free"]:
        zone["free"] = int(words[2])
    elif name == "protection:":
        zone["protection"] = [int(n) for n in re.findall(r"\d+", line)]
    elif name == "cpu:":
        zone["pcp"].append({"cpu": int(words[1])})
    elif len(words) != 2 or not words[1].isdigit():
        return
    elif name in PCP_FIELDS and zone["pcp"]:
        zone["pcp"][-1][name[:-1]] = int(words[1])
    elif name in ZONE_SIZES:
        zone[name] = int(words[1])
    elif "_" in name and not name.endswith(":"):
        zone["stat"][name] = int(words[1])


def system_ticks(stat: str) -> int:
    """Of /proc/PID/stat: time in the kernel, in units of 10 ms."""
    return int(stat.rsplit(")", 1)[1].split()[12])


def pressure_us(text: str) -> dict[str, int]:
    return {m[1] + "_us": int(m[2]) for m in re.finditer(r"^(some|full) .*total=(\d+)", text, re.M)}
