# SPDX-License-Identifier: MIT
"""The guest's first file system: the agent as /init, and the modules that a case needs.

The archive is the kernel's 'newc' cpio: each file a head of ASCII numbers, its name, its bytes.
"""
import gzip
import lzma
import os
import stat
from pathlib import Path

from .errors import Failed
from .packages import run, say

AGENT_FLAGS = ["-std=c++20", "-O2", "-static", "-s", "-Wall", "-Wextra", "-fno-exceptions", "-fno-rtti",
               "-fno-threadsafe-statics"]
COMPILER = "aarch64-linux-gnu-g++"


def build_agent(work: Path) -> Path:
    """Compiles the agent if its sources are newer than it is."""
    sources = sorted((Path(__file__).parent.parent / "agent").iterdir())
    agent = work / "agent"
    if agent.exists() and all(s.stat().st_mtime <= agent.stat().st_mtime for s in sources):
        return agent
    say("building the guest's agent")
    work.mkdir(parents=True, exist_ok=True)
    part = agent.with_name(f"agent.{os.getpid()}")
    run([COMPILER, *AGENT_FLAGS, "-o", str(part), *(str(s) for s in sources if s.suffix == ".cpp")])
    part.rename(agent)
    return agent


class Modules:
    """The modules of an unpacked kernel."""

    def __init__(self, tree: Path) -> None:
        self.files: dict[str, Path] = {}
        # Debian had them in /lib until bookworm, in /usr/lib since.
        for path in tree.glob("**/lib/modules/*/kernel/**/*.ko*"):
            self.files[self.name_of(path.name)] = path
        built_in = next(tree.glob("**/lib/modules/*/modules.builtin"), None)
        lines = built_in.read_text().split() if built_in else []
        self.built_in = {self.name_of(line.rsplit("/", 1)[-1]) for line in lines}

    @staticmethod
    def name_of(file: str) -> str:
        return file.split(".ko")[0].replace("-", "_")

    def content(self, name: str) -> bytes:
        path = self.files[name]
        data = path.read_bytes()
        return lzma.decompress(data) if path.suffix == ".xz" else data

    def with_dependencies(self, wanted: list[str]) -> dict[str, bytes]:
        """The modules, each behind what it depends on; what is built in is left out."""
        found: dict[str, bytes] = {}

        def add(name: str) -> None:
            if name in found or name in self.built_in:
                return
            if name not in self.files:
                raise Failed(f"the kernel has no module '{name}'")
            data = self.content(name)
            for other in dependencies(data):
                add(other)
            found[name] = data

        for name in wanted:
            add(name)
        return found


def dependencies(module: bytes) -> list[str]:
    """What the module itself says it depends on ("depends=a,b")."""
    at = module.find(b"\0depends=")
    if at < 0:
        return []
    text = module[at + len(b"\0depends="):module.index(b"\0", at + 1)].decode()
    return [name.replace("-", "_") for name in text.split(",") if name]


def entry(name: str, mode: int, data: bytes = b"", number: int = 0, device: tuple[int, int] = (0, 0)) -> bytes:
    path = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % value for value in fields)
    return padded(head + path) + padded(data)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def archive(agent: bytes, modules: dict[str, bytes]) -> bytes:
    folder, program, character = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755, stat.S_IFCHR | 0o600
    parts = [entry(name, folder, number=at) for at, name in enumerate(("dev", "proc", "sys", "files", "modules"), 1)]
    parts.append(entry("dev/console", character, number=6, device=(5, 1)))
    parts.append(entry("init", program, agent, number=7))
    for at, (name, data) in enumerate(modules.items(), 8):
        parts.append(entry(f"modules/{name}.ko", stat.S_IFREG | 0o644, data, number=at))
    parts.append(entry("TRAILER!!!", 0))
    # Small, since the kernel computes its watermarks while the archive still occupies memory.
    return gzip.compress(b"".join(parts), mtime=0)
