"""A real telephone without a person: baresip, told what to say, which keys to press, and recorded.

What it says are WAV files of 8 kHz, exchanged while the call goes on, so that a test can answer
what it hears; what it hears can be read while it is still being recorded.
"""

import asyncio
import contextlib
import json
import random
import shutil
import socket
import subprocess
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

from audio_io.codecs import to_pcm16
from tests.support.asterisk import free_port
from tests.support.tools import missing, tool

RATE = 8000
MODULES = Path("/usr/lib/baresip/modules")
QUIET_S = 120  # after what is said: at the end of its file baresip would stop sending
HEADER_BYTES = 44
START_S = 10
KEY_S = 0.1
LET_GO = b"\x04"  # baresip's code for the end of a key


@contextlib.contextmanager
def phone(sip):
    """A telephone that can dial the extensions of an exchange at this port of 127.0.0.1."""
    baresip = tool("baresip")
    if not (MODULES / "aubridge.so").is_file():
        missing(f"baresip's modules are not in {MODULES}")
    folder = Path(tempfile.mkdtemp(prefix="parley-baresip-"))
    handset = Phone(folder, sip)
    handset.write_configuration()
    command = ["timeout", "-k", "2", "110", baresip, "-f", str(folder)]
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        handset.await_start(process)
        yield handset
    finally:
        handset.close()
        process.terminate()  # timeout passes it on, and kills what does not listen
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _sip_port():
    """One that is free for UDP and TCP, and so is the next, which baresip takes for TLS; and below
    those that the kernel hands out."""
    for _ in range(100):
        port = 2 * random.randrange(5_000, 15_000)
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for kind, at in ((socket.SOCK_DGRAM, port), (socket.SOCK_STREAM, port)):
                probes.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", at))
            probes.enter_context(socket.create_server(("127.0.0.1", port + 1)))
            return port
    raise AssertionError("expected free ports on 127.0.0.1, found none in 100 tries")


class Phone:
    """One telephone, for one call."""

    def __init__(self, folder, sip):
        self.folder, self._sip = folder, sip
        self._control, self._keys = free_port(), free_port(socket.SOCK_DGRAM)
        self._socket = None
        self._said = 0

    def dial(self, extension):
        """Call an extension."""
        self._tell("dial", f"sip:{extension}@127.0.0.1:{self._sip}")

    @property
    def is_over(self):
        """Whether the call has ended, whoever ended it."""
        return "terminated (duration" in self.log() or "session closed" in self.log()

    def say(self, sound):
        """Say this sound now, float32 at 8 kHz; the rest of the last one is dropped."""
        self._tell("ausrc", f"aufile,{self._wav(sound)}")

    async def press(self, key):
        """Press a key, as a person does for a tenth of a second."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as keyboard:
            keyboard.sendto(key.encode(), ("127.0.0.1", self._keys))
            await asyncio.sleep(KEY_S)
            keyboard.sendto(LET_GO, ("127.0.0.1", self._keys))
            await asyncio.sleep(KEY_S)

    def hang_up(self):
        self._tell("hangup")

    def heard(self):
        """What it has heard so far, float32 at 8 kHz."""
        return self._recorded("dec")

    def sent(self):
        """What it has said so far, as it was recorded on its side."""
        return self._recorded("enc")

    def log(self):
        return (self.folder / "output.txt").read_text("utf-8", "replace")

    def _recorded(self, kind):
        found = sorted(self.folder.glob(f"dump-*-{kind}.wav"))
        data = found[-1].read_bytes()[HEADER_BYTES:] if found else b""
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32768

    def _wav(self, sound):
        self._said += 1
        path = self.folder / f"say-{self._said}.wav"
        quiet = np.zeros(QUIET_S * RATE, np.float32)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(to_pcm16(np.concatenate((np.asarray(sound, np.float32), quiet))))
        return path

    # --- the program ------------------------------------------------------------------------------

    def write_configuration(self):
        port = _sip_port()
        (self.folder / "accounts").write_text(
            f"<sip:test@127.0.0.1:{port}>;regint=0;audio_codecs=PCMU/8000/1\n", "utf-8"
        )
        (self.folder / "contacts").write_text("", "utf-8")
        (self.folder / "config").write_text(
            f"""
poll_method epoll
sip_listen 127.0.0.1:{port}
call_local_timeout 120
call_max_calls 2
audio_source aufile,{self._wav(())}
audio_player aubridge,sink
audio_alert aubridge,sink2
audio_level no
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
audio_buffer 20-160
rtp_ports {port + 2}-{port + 102}
jitter_buffer_type fixed
jitter_buffer_delay 2-10
rtp_stats yes
module_path {MODULES}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module cons.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{self._control}
cons_listen 127.0.0.1:{self._keys}
snd_path {self.folder}
statmode_default off
""",
            "utf-8",
        )

    def await_start(self, process):
        until = time.monotonic() + START_S
        while self._socket is None:
            try:
                self._socket = socket.create_connection(("127.0.0.1", self._control), 5)
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise AssertionError(f"baresip did not start: {self.log()[-2000:]}") from None
                time.sleep(0.05)  # noqa: TID251  # it has no other way to say so

    def close(self):
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._tell("quit")
            self._socket.close()

    def _tell(self, command, params=""):
        body = json.dumps({"command": command, "params": params, "token": "t"})
        self._socket.sendall(f"{len(body)}:{body},".encode())
