"""A real Asterisk: Debian sid's, in a folder of its own, on free ports of the loopback interface.

Debian's stable releases have none, so it is unpacked once into a cache with debootstrap, from the
Debian mirror this machine already uses, and runs in a chroot, with its own configuration.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.asterisk_files import configuration
from tests.support.tools import missing, tool

CACHE = Path.home() / ".cache" / "parley-asterisk"
SUITE = "sid"
MIRROR = re.compile(r"^(?:URIs:|deb(?:\s+\[[^]]*\])?)\s+(\S+/debian/?)(?:\s|$)", re.M)
UNPACK_S = 600
START_S = 60
USER, PASSWORD = "parley", "a-password-for-tests"


@dataclass(frozen=True)
class Asterisk:
    """A running one.

    `sip`: its port for telephones; `manager`: for its manager interface; `audiosocket` and `web`:
    where it looks for parley, over AudioSocket and at an address of its web server; `caller`: where
    it looks for a caller of ours.
    """

    root: Path
    folder: Path
    sip: int
    manager: int
    audiosocket: int
    web: int
    caller: int

    def tell(self, command):
        """What Asterisk answers to a command of its console."""
        inside = f"/{self.folder.relative_to(self.root)}/asterisk.conf"
        asked = ["chroot", str(self.root), "asterisk", "-C", inside, "-rx", command]
        return subprocess.run(asked, capture_output=True, text=True, timeout=20, check=False).stdout


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running():
    """An Asterisk that takes calls, ended afterwards."""
    root = unpacked()
    folder = Path(tempfile.mkdtemp(prefix="parley-", dir=root / "tmp"))
    ports = [free_port(socket.SOCK_DGRAM), *(free_port() for _ in range(4))]
    exchange = Asterisk(root, folder, *ports)
    for name, text in configuration(exchange, USER, PASSWORD).items():
        (folder / name).write_text(text, "utf-8")
    for name in ("db", "keys", "spool", "run", "log"):
        (folder / name).mkdir()
    inside = f"/{folder.relative_to(root)}/asterisk.conf"
    command = ["chroot", str(root), "asterisk", "-f", "-C", inside]
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _await_start(exchange, process)
        yield exchange
    finally:
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _await_start(exchange, process):
    until = time.monotonic() + START_S
    while "fully booted" not in exchange.tell("core waitfullybooted").lower():
        if process.poll() is not None or time.monotonic() > until:
            said = (exchange.folder / "output.txt").read_text("utf-8", "replace")[-2000:]
            pytest.fail(f"Asterisk did not start within {START_S} s: {said}", pytrace=False)
        time.sleep(0.2)  # noqa: TID251  # it has no other way to say so


def _end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- getting it -----------------------------------------------------------------------------------


def unpacked():
    """The folder that holds it; unpacked now, if it is not there. Skips, and says why, if not."""
    if os.geteuid() != 0:
        missing("Asterisk runs in a chroot, which needs root")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:  # several runs of tests share it
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = [path for path in CACHE.glob("[0-9]*") if (path / "usr/sbin/asterisk").is_file()]
        return max(found) if found else _unpack()


def _unpack():
    tool("debootstrap")
    mirror = _mirror()
    if mirror is None:
        pytest.skip("SKIPPED ALOUD: no Debian mirror in this machine's apt sources")
    for left in CACHE.glob("making-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="making-", dir=CACHE))
    include = "--include=asterisk,asterisk-modules"
    command = ["debootstrap", "--variant=minbase", include, SUITE, str(folder), mirror]
    done = subprocess.run(command, capture_output=True, text=True, timeout=UNPACK_S, check=False)
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        # The mirror's own state is nothing this project can mend, so not even CI fails for it.
        pytest.skip(f"SKIPPED ALOUD: Debian {SUITE} has no Asterisk now: {done.stdout[-300:]}")
    for package in (folder / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()
    said = subprocess.run(
        ["chroot", str(folder), "asterisk", "-V"], capture_output=True, text=True, check=True
    ).stdout
    version = re.search(r"\d+\.\d+\.\d+", said)
    folder.chmod(0o755)
    return folder.rename(CACHE / (version.group() if version else "0"))


def _mirror():
    """The Debian mirror of this machine's apt sources, in either of their two notations."""
    for path in [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]:
        if path.is_file():
            text = path.read_text("utf-8", "replace")
            if found := MIRROR.search(text):
                return found.group(1)
    return None
