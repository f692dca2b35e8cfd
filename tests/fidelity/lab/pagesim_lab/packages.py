# SPDX-License-Identifier: MIT
"""What the laboratory needs from Debian: tools for the host, installed; kernels for the guest, only unpacked.

Lists of the guest's packages live in a folder of their own, so the host's package manager knows nothing of them.
"""
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import Failed

TOOLS = {"qemu-system-arm": "qemu-system-aarch64", "g++-aarch64-linux-gnu": "aarch64-linux-gnu-g++",
         "device-tree-compiler": "dtc", "e2fsprogs": "mkfs.ext4", "dpkg": "dpkg-deb"}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEFAULT_MIRROR = "http://deb.debian.org/debian/"
SEARCHED = "/usr/local/sbin:/usr/sbin:/sbin"  # where mkfs.ext4 is, though a user's PATH may not say so


@dataclass(frozen=True)
class Release:
    """A kernel of Debian: the suite it belongs to, and the package that results should come from."""
    suite: str
    package: str


RELEASES = {"5.10": Release("bullseye", "linux-image-5.10.0-32-arm64"),
            "6.1": Release("bookworm", "linux-image-6.1.0-50-arm64"),
            "6.12": Release("trixie", "linux-image-6.12.117+deb13-arm64")}
NEWEST = "linux-image-arm64"  # the package that depends on a suite's newest kernel


def say(text: str) -> None:
    print(f"record: {text}", file=sys.stderr, flush=True)


def run(command: list[str], **more: Any) -> str:
    """What a command prints; its errors end the laboratory."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, **more)
    except OSError as error:
        raise Failed(f"{command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise Failed(f"{' '.join(command[:3])}: status {done.returncode}: {last}")
    return str(done.stdout)


def install_tools() -> None:
    """Quick when nothing is missing."""
    os.environ["PATH"] = os.environ.get("PATH", "") + ":" + SEARCHED
    missing = [package for package, program in TOOLS.items() if not shutil.which(program)]
    if not KEYRING.exists():
        missing.append("debian-archive-keyring")
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise Failed(f"needs {', '.join(missing)}, and there is no apt-get to install them")
    say(f"installing {' '.join(missing)}")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    apt = as_root + ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    run(apt + ["update"])
    run(apt + ["install", "-y", "--no-install-recommends"] + missing)


def mirror() -> str:
    """The Debian mirror that the host uses itself."""
    try:
        uris = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]).split()
    except Failed:
        uris = []
    return next((uri for uri in uris if uri.endswith("/debian/")), DEFAULT_MIRROR)


def private_apt(folder: Path, suite: str) -> dict[str, str]:
    """An environment in which apt-get knows arm64 packages of one suite, and nothing of the host."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    base = mirror()
    security = base[:-len("debian/")] + "debian-security/"
    (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {base} {suite} main\n"
                                         f"deb [signed-by={KEYRING}] {security} {suite}-security main\n")
    (folder / "apt.conf").write_text(
        f'APT::Architecture "arm64"; APT::Architectures {{"arm64";}}; APT::Sandbox::User "root";\n'
        f'Dir::Etc::sourcelist "{folder}/sources.list"; Dir::Etc::sourceparts "/dev/null";\n'
        f'Dir::State "{folder}"; Dir::State::lists "{folder}/lists"; Dir::State::status "{folder}/status";\n'
        f'Dir::Cache "{folder}/cache"; Acquire::Languages "none";\n')
    return {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}


def choose(release: Release, apt: dict[str, str]) -> str:
    """The package that results should come from; the suite's newest kernel if that is gone."""
    known = subprocess.run(["apt-cache", "show", release.package], env=apt, capture_output=True, check=False)
    if known.returncode == 0 and known.stdout:
        return release.package
    for line in run(["apt-cache", "depends", NEWEST], env=apt).splitlines():
        if line.strip().startswith("Depends: linux-image-"):
            newest = line.split()[-1]
            say(f"{release.package} is gone from the mirror; {newest} takes its place and may count differently")
            return newest
    raise Failed(f"no kernel is found in Debian {release.suite}")


def unpack(package: str, apt: dict[str, str], folder: Path, to: Path) -> None:
    part = to.with_name(to.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    for old in folder.glob("linux-image-*.deb"):
        old.unlink()
    say(f"downloading {package}")
    run(["apt-get", "-qq", "download", package], env=apt, cwd=folder)
    files = list(folder.glob("linux-image-*.deb"))
    if len(files) != 1:
        raise Failed(f"apt-get download {package} left {len(files)} packages")
    run(["dpkg-deb", "-x", str(files[0]), str(part)])
    (part / "package").write_text(run(["dpkg-deb", "-f", str(files[0]), "Package", "Version"]))
    files[0].unlink()
    part.rename(to)


def kernel_tree(kernel: str, work: Path) -> Path:
    """Where that kernel is unpacked: boot/, lib/modules/, and 'package', which says what it is."""
    tree = work / "kernels" / kernel
    if (tree / "package").exists():
        return tree
    tree.parent.mkdir(parents=True, exist_ok=True)
    folder = work / "apt" / kernel
    folder.mkdir(parents=True, exist_ok=True)
    apt = private_apt(folder, RELEASES[kernel].suite)
    say(f"fetching the package lists of Debian {RELEASES[kernel].suite} for arm64")
    run(["apt-get", "-qq", "update"], env=apt)
    unpack(choose(RELEASES[kernel], apt), apt, folder, tree)
    return tree
