"""A second real telephone without a person: linphonec, which plays a file and records another."""

import contextlib
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

from audio_io.codecs import to_pcm16
from tests.support.sip_phones import free_udp_port
from tests.support.tools import tool

RATE = 8000
HEADER_BYTES = 44


@contextlib.contextmanager
def linphone(sound):
    """A telephone that says this sound, float32 at 8 kHz, in its call."""
    program = tool("linphonec")
    folder = Path(tempfile.mkdtemp(prefix="parley-linphone-"))
    handset = Linphone(folder)
    handset.write_configuration(sound)
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            ["timeout", "-k", "2", "60", program, "-c", str(folder / "rc"), "-a"],
            stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    handset.process = process
    try:
        yield handset
    finally:
        with contextlib.suppress(OSError):
            handset.tell("quit")
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.terminate()  # timeout passes it on, and kills what does not listen
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


class Linphone:
    """One telephone; with `-a` it answers whoever calls."""

    def __init__(self, folder):
        self._folder = folder
        self.port = free_udp_port()
        self.process = None

    def tell(self, line):
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def be_ready(self):
        """Listen at `port`; say what there is to say in the call, and record what is heard."""
        self.tell("ipv6 disable")
        self.tell(f"ports sip {self.port}")
        self.tell("soundcard use files")
        self.tell(f"play {self._folder / 'say.wav'}")
        self.tell(f"record {self._folder / 'heard.wav'}")

    def log(self):
        return (self._folder / "output.txt").read_text("utf-8", "replace")

    def heard(self):
        """What it has recorded so far, float32 at 8 kHz."""
        path = self._folder / "heard.wav"
        data = path.read_bytes()[HEADER_BYTES:] if path.is_file() else b""
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32768

    def write_configuration(self, sound):
        (self._folder / ".local/share/linphone").mkdir(parents=True)  # its core stays off without
        (self._folder / "rc").write_text(
            f"""[sip]
sip_port={self.port}
use_ipv6=0
media_encryption=none
[rtp]
audio_rtp_port={free_udp_port() // 2 * 2}
[net]
firewall_policy=0
[sound]
echocancellation=0
[video]
enabled=0
""",
            "utf-8",
        )
        with wave.open(str(self._folder / "say.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(to_pcm16(sound))
