#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of the laboratory that need neither QEMU nor a kernel: lab_test.py PROGRAM

What only a real machine shows is in README.md, "Checked".
"""
import gzip
import json
import lzma
import re
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from pagesim_lab import initramfs, layout, ops_file, proc_text, report, result  # noqa: E402
from pagesim_lab.case import parse_case  # noqa: E402
from pagesim_lab.errors import BadInput, Failed  # noqa: E402

PROGRAM = ""  # pagesim

SYSCTLS = {"watermark_boost_factor": "15000", "watermark_scale_factor": "10", "swappiness": "60", "page-cluster": "3",
           "dirty_ratio": "20", "dirty_background_ratio": "10", "dirty_expire_centisecs": "3000",
           "dirty_writeback_centisecs": "500"}

# Ops files that pagesim refuses, too, and why.
REFUSED = {
    "": ": no ops",
    "anon a 10\nfly a\n": ":2: unknown op 'fly'",
    "anon a\n": ":1: expected: anon NAME PAGES",
    "drop a\n": ":1: expected: drop",
    "anon a x\n": ":1: PAGES is not a number: 'x'",
    "anon a 0\n": ":1: PAGES is 0, not 1 to 1073741824",
    "anon a 1\nanon a 1\n": ":2: region 'a' is declared already",
    "r b 0\n": ":1: no region 'b' here",
    "anon a 10\nr a 5 6\n": ":2: PAGE 5 and COUNT 6 lead beyond 'a', which has 10 pages",
    "anon a 10\nr a -1\n": ":2: PAGE is not a number: '-1'",
    "anon a 10\nw a 0 0\n": ":2: COUNT is 0, not 1 to 1073741824",
    "anon a 10\nmadvise a 0 5 warm\n": ":2: unknown advice 'warm'",
    "file f 5\nr f 0\n": ":2: file 'f' is not mapped",
    "file f 5\nfile f 5\n": ":2: file 'f' is open already",
    "file f 5\nclose f\nfile f 6\n": ":3: file 'f' has 5 pages",
    "file f 5\nclose f\npread f 0\n": ":3: no open file 'f' here",
    "file f 5\nmap f\nmap f\n": ":3: file 'f' is mapped already",
    "anon a 1\nunmap a\nr a 0\n": ":3: no region 'a' here",
    "anon f 5\nfile f 5\n": ":2: 'f' is a region",
    "sleep 1000000001\n": ":1: MS is 1000000001, not 0 to 1000000000",
    "anon a 1\nmap a\n": ":2: no open file 'a' here",
}


class InFolder(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


class OpsFile(InFolder):
    def refused(self, text: str) -> str:
        path = self.file("x.ops", text)
        with self.assertRaises(BadInput) as caught:
            ops_file.read_ops(path)
        return str(caught.exception).removeprefix(f"{path}")

    def test_operations_become_records(self) -> None:
        path = self.file("x.ops", "# comment\n\nanon a 100\nw a 3 7\nmadvise a 0 5 cold\nsleep 250\nmark a\ndrop\n")
        workload = ops_file.read_ops(path)
        self.assertEqual((workload.names, workload.files, workload.count), (["a"], {}, 6))
        self.assertEqual(list(ops_file.RECORD.iter_unpack(workload.records)),
                         [(1, 0, 0, 100, 0), (5, 0, 3, 7, 0), (11, 0, 0, 5, 20), (12, 0, 0, 1, 250), (13, 0, 0, 1, 0),
                          (15, 0, 0, 1, 0)])

    def test_compressed_files_are_read(self) -> None:
        text = b"file f 9\nmap f\nr f 0 9\nclose f\nunmap f\nfile f 9\npread f 8\n"
        for name, packed in (("f.gz", gzip.compress(text)), ("f.xz", lzma.compress(text)), ("f", text)):
            workload = ops_file.read_ops(self.file(name, packed))
            self.assertEqual((workload.files, workload.count), ({"f": 9}, 7))

    def test_what_pagesim_refuses_is_refused(self) -> None:
        for text, reason in REFUSED.items():
            self.assertEqual(self.refused(text), reason)
            done = subprocess.run([PROGRAM, "run", "--quiet", self.folder / "x.ops"], capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, text)

    def test_what_only_the_laboratory_refuses(self) -> None:
        self.assertEqual(self.refused("file ../f 5\n"), ":1: '../f' can't be the name of a file")
        long = "m" * 64
        self.assertEqual(self.refused(f"mark {long}\n"), f":1: '{long}' is too long a name: 64 bytes or more")
        many = "".join(f"mark m{n}\n" for n in range(257))
        self.assertEqual(self.refused(many), ":257: more than 256 names of regions, files and marks")

    def test_what_is_no_text_is_refused(self) -> None:
        for data in (b"\xfd7zXZ\0cut", b"\x1f\x8bcut", lzma.compress(b"anon a 5\n" + b"w a 0 5\n" * 50)[:60]):
            with self.assertRaisesRegex(BadInput, "can't be read"):
                ops_file.read_ops(self.file("bad", data))
        with self.assertRaisesRegex(BadInput, "compressed by zstd"):
            ops_file.read_ops(self.file("bad", b"\x28\xb5\x2f\xfdxxxx"))

    def test_the_job_is_what_the_agent_reads(self) -> None:
        workload = ops_file.read_ops(self.file("x.ops", "anon a 100\nw a 3 7\n"))
        job = ops_file.job_of(workload, [("swap", "zram"), ("sysctl", "vm/x 1")])
        magic, settings, names, operations = struct.unpack_from("<8sQQQ", job)
        self.assertEqual((magic, settings % 8, names, operations), (b"plabjob1", 0, 1, 2))
        self.assertEqual(job[32:32 + settings].rstrip(b"\0"), b"swap zram\nsysctl vm/x 1\n")
        self.assertEqual(job[32 + settings:].split(b"\0")[0], b"a")
        self.assertEqual(len(job), 32 + settings + 64 + 2 * 16)


class Layout(unittest.TestCase):
    def test_host_and_agent_agree(self) -> None:
        text = (HERE / "agent/layout.hpp").read_text()
        constants = dict(re.findall(r"constexpr std::uint64_t (\w+) = (\w+);", text))
        for name, value in (("job_at", layout.JOB_AT), ("report_at", layout.REPORT_AT),
                            ("most_names", layout.MOST_NAMES), ("report_bytes", layout.REPORT_BYTES),
                            ("name_bytes", layout.NAME_BYTES),
                            ("most_settings_bytes", layout.MOST_SETTINGS_BYTES),
                            ("job_magic", int.from_bytes(layout.JOB_MAGIC, "little")),
                            ("report_magic", int.from_bytes(layout.REPORT_MAGIC, "little"))):
            self.assertEqual(int(constants[name], 0), value, name)
        words = text[text.index("anon = 1"):text.index("count_")].replace("= 1", "").replace(",", " ").split()
        self.assertEqual(tuple(words), layout.WORDS)
        self.assertLessEqual(layout.REPORT_AT + layout.REPORT_BYTES, layout.FILES_AT)


class Initramfs(InFolder):
    def module(self, name: str, depends: str) -> None:
        folder = self.folder / "usr/lib/modules/6/kernel/drivers"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.ko").write_bytes(b"\x7fELF\0license=GPL\0depends=" + depends.encode() + b"\0name=x\0")

    def test_modules_come_behind_what_they_depend_on(self) -> None:
        self.module("top-level", "left,right,inside")
        self.module("left", "bottom")
        self.module("right", "bottom")
        self.module("bottom", "")
        (self.folder / "usr/lib/modules/6/modules.builtin").write_text("kernel/lib/inside.ko\n")
        modules = initramfs.Modules(self.folder)
        found = modules.with_dependencies(["right", "top_level"])
        self.assertEqual(list(found), ["bottom", "right", "left", "top_level"])
        with self.assertRaisesRegex(Failed, "no module 'zram'"):
            modules.with_dependencies(["zram"])

    def test_the_archive_lists_its_files(self) -> None:
        data = gzip.decompress(initramfs.archive(b"agent", {"zram": b"module."}))
        found, at = {}, 0
        while at < len(data):
            self.assertEqual(data[at:at + 6], b"070701")
            numbers = [int(data[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13)]
            name = data[at + 110:at + 110 + numbers[11] - 1].decode()
            begin = at + 110 + numbers[11] + -(110 + numbers[11]) % 4
            found[name] = (oct(numbers[1]), data[begin:begin + numbers[6]])
            at = begin + numbers[6] + -numbers[6] % 4
        self.assertEqual(found["init"], ("0o100755", b"agent"))
        self.assertEqual(found["modules/zram.ko"], ("0o100644", b"module."))
        self.assertEqual(found["dev/console"][0], "0o20600")
        self.assertEqual(list(found)[-1], "TRAILER!!!")


class ProcText(unittest.TestCase):
    def test_zoneinfo(self) -> None:
        text = (HERE.parents[1] / "golden/zoneinfo_6.1.txt").read_text()
        zones = proc_text.zoneinfo(text)
        self.assertEqual(list(zones), ["node0/DMA", "node0/DMA32", "node0/Normal", "node0/Movable"])
        zone = next(z for z in zones.values() if z["managed"])
        for name in ("free", "boost", "min", "low", "high", "spanned", "present", "protection"):
            self.assertIn(name, zone)
        self.assertEqual(set(zone["pcp"][0]), {"cpu", "count", "high", "batch"})
        self.assertIn("nr_free_pages", zone["stat"])

    def test_counters_and_gauges(self) -> None:
        self.assertEqual(proc_text.pairs("MemTotal:   5 kB\npgfault 7\nodd\n"), {"MemTotal": 5, "pgfault": 7})
        self.assertTrue(proc_text.is_gauge("nr_free_pages"))
        for name in ("pgfault", "nr_written", "nr_dirtied", "nr_vmscan_write"):
            self.assertFalse(proc_text.is_gauge(name))

    def test_times(self) -> None:
        self.assertEqual(proc_text.system_ticks("7 (a) b) S " + " ".join(str(n) for n in range(1, 20))), 12)
        pressure = proc_text.pressure_us("some avg10=0.00 total=12\nfull avg10=0.00 total=3\n")
        self.assertEqual(pressure, {"some_us": 12, "full_us": 3})


def report_of(entries: list[tuple[str, str, str]], state: int = layout.REPORT_DONE) -> bytes:
    """What the agent would leave: (kind, label, text)."""
    body = b""
    for at, (kind, label, text) in enumerate(entries):
        data = text.encode()
        body += report.HEAD.pack(len(data), at, at * 1000, kind.encode(), label.encode()) + data + bytes(-len(data) % 8)
    return report.HEADER.pack(layout.REPORT_MAGIC, state, len(body)) + body + bytes(64)


class Report(unittest.TestCase):
    def test_entries_come_back(self) -> None:
        entries = report.parse_report(report_of([("vmstat", "BEFORE", "pgfault 1\n"), ("workload_ns", "", "17")]))
        self.assertEqual([(e.kind, e.label, e.text, e.ns) for e in entries],
                         [("vmstat", "BEFORE", "pgfault 1\n", 0), ("workload_ns", "", "17", 1000)])

    def test_a_guest_that_did_not_end_fails(self) -> None:
        for data, reason in ((bytes(64), "before the agent began"),
                             (report_of([], layout.REPORT_BEGUN), "in the middle"),
                             (report_of([("failure", "", "swapon: no")], layout.REPORT_FAILED), "agent: swapon: no"),
                             (report_of([], layout.REPORT_FAILED), "no reason given")):
            with self.assertRaisesRegex(Failed, reason):
                report.parse_report(data)


class Bands(unittest.TestCase):
    def test_a_band_is_what_runs_vary_by(self) -> None:
        runs = [{"delta": {"pgscan_kswapd": a, "pgscan_direct": b, "pgfault": 9}, "gauges_after": {"nr_free_pages": a}}
                for a, b in ((10, 5), (12, 3), (11, 7))]
        self.assertEqual(result.band_of(runs), {"after.nr_free_pages": [10, 12], "pgscan": [15, 18],
                                                "pgscan_direct": [3, 7], "pgscan_kswapd": [10, 12]})
        differing = result.differences(runs[0], runs[1])
        self.assertEqual(differing, ["after.nr_free_pages", "pgscan_direct", "pgscan_kswapd"])
        self.assertEqual(result.band_of(runs[:1]), {})


class Contract(InFolder):
    """pagesim itself plays the real kernel, so the result that comes out must be one that it agrees with."""

    def proc_files_after(self, ops: str, name: str) -> dict[str, str]:
        path = self.file(name + ".ops", ops)
        kinds = ("vmstat", "zoneinfo", "meminfo")
        options = [word for kind in kinds for word in (f"--{kind}", str(self.folder / f"{name}.{kind}"))]
        machine = ["--memory", "12MiB", "--swap", "zram:32MiB"]
        subprocess.run([PROGRAM, "run", "--quiet", *machine, *options, path], check=True)
        return {kind: (self.folder / f"{name}.{kind}").read_text() for kind in kinds}

    def result(self) -> dict[str, object]:
        entries = [("sysctl", "vm/" + name, value) for name, value in SYSCTLS.items()]
        entries.append(("info", "release", "6.1.0-50-arm64\n"))
        for label, ops in (("BEFORE", "anon a 200\nw a 0 200\n"), ("AFTER", "anon a 5000\nw a 0 5000\nr a 0 5000\n")):
            entries += [(kind, label, text) for kind, text in self.proc_files_after(ops, label).items()]
        entries += [("regions_end", "AFTER", "281474808926208"), ("workload_ns", "AFTER", "5")]
        entries.append(("duration", "AFTER", "5 20 1"))
        case = parse_case([str(self.folder / "AFTER.ops"), "-o", str(self.folder / "x.json"), "--swap-size", "32"])
        reports = [report.parse_report(report_of(entries))]
        return result.result_of(case, ops_file.read_ops(case.ops), "a kernel", "a machine", reports)

    def test_conform_takes_a_result(self) -> None:
        made = self.result()
        self.file("x.json", json.dumps(made))
        done = subprocess.run([PROGRAM, "conform", "--ops", self.folder, self.folder / "x.json"],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("45 pairs inside, 1 of 1 cases ran", done.stdout)
        real = made["runs"][0]["delta"]["pswpin"]  # type: ignore[index]
        self.assertGreater(real, 1000)
        self.assertRegex(done.stdout, rf"pswpin +{real} +{real}\.\.{real} +\d+ inside")


class CommandLine(InFolder):
    def record(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, HERE / "record", *arguments], cwd=self.folder,
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def test_bad_input_is_one_line_and_status_2(self) -> None:
        self.file("good.ops", "anon a 10\n")
        self.file("bad.ops", "anon a 10\nfly\n")
        good = ("good.ops", "-o", "x.json")
        for arguments, reason in (
                ((), "required"), (("good.ops",), "required"),
                (("nothere", "-o", "x.json"), "nothere: does not exist"),
                ((".", "-o", "x.json"), ".: is no plain file"),
                (("bad.ops", "-o", "x.json"), "bad.ops:2: unknown op 'fly'"), (("good.ops", "-o", "."), "--output"),
                (("good.ops", "-o", "/nowhere/x.json"), "--output: /nowhere/x.json: can't be written"),
                ((*good, "--memory", "64"), "64 is not 160 to 512"), ((*good, "--memory", "x"), "'x' is not a number"),
                ((*good, "--kernel", "2.4"), "--kernel"), ((*good, "--fill", "9"), "--fill"),
                ((*good, "--sysctl", "vm.swappiness"), "--sysctl"), ((*good, "--sysctl", "vm.../../x=1"), "--sysctl"),
                ((*good, "--swap", "tape"), "--swap"), ((*good, "--kernel", "5.10", "--lru", "mglru"), "--lru")):
            status, text = self.record(*arguments)
            self.assertEqual((status, text.count("\n")), (2, 1), text)
            self.assertIn(reason, text)
        self.assertFalse((self.folder / "x.json").exists())

    def test_help(self) -> None:
        self.assertEqual(self.record("--help")[0], 0)


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
