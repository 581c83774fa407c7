"""Runs `moshi.client`, unchanged, in moshi's own environment, with a sound card of paper.

    python moshi_client.py URL SECONDS OUT.npy

Says a tone from 1 s to 2 s, writes what was played to OUT.npy (float32, 24 kHz) and lets the client
print what it prints. Not a test, and imports nothing of parley's.
"""

import asyncio
import os
import sys
import threading
import time
import types

import numpy as np

FRAME, RATE = 1920, 24_000


class Stream:
    """A stream whose callback is called every 80 ms by a thread, as PortAudio would."""

    def __init__(self, samplerate, channels, blocksize, callback):
        assert (samplerate, channels, blocksize) == (RATE, 1, FRAME)
        self.callback, self.stopping = callback, threading.Event()
        self.thread = threading.Thread(target=self.run)  # noqa: TID251  # a sound card's
        self.began = 0.0

    def run(self):
        for beat in range(1_000_000):
            due = self.began + beat * FRAME / RATE
            if self.stopping.wait(max(0.0, due - time.monotonic())):
                return
            self.beat(beat)

    def __enter__(self):
        self.began = time.monotonic()
        self.thread.start()

    def __exit__(self, *fault):
        self.stopping.set()
        self.thread.join()


class Microphone(Stream):
    def beat(self, beat):
        at = np.arange(beat * FRAME, (beat + 1) * FRAME) / RATE
        voice = 0.3 * np.sin(2 * np.pi * 300 * at) * ((at >= 1) & (at < 2))
        self.callback(voice.astype(np.float32)[:, None], FRAME, None, None)


class Loudspeaker(Stream):
    played: list = []  # noqa: RUF012  # of the one client in this process

    def beat(self, beat):
        out = np.zeros((FRAME, 1), np.float32)
        self.callback(out, FRAME, None, None)
        Loudspeaker.played.append(out[:, 0].copy())


def main():
    url, seconds, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    card = types.ModuleType("sounddevice")
    card.InputStream, card.OutputStream = Microphone, Loudspeaker
    sys.modules["sounddevice"] = card
    from moshi import client
    from moshi.client_utils import RawPrinter

    class Options:
        pass

    Options.url = url

    async def run():
        try:
            async with asyncio.timeout(seconds):
                await client.run(RawPrinter(), Options)
        except TimeoutError:
            pass

    asyncio.run(run())
    np.save(out, np.concatenate(Loudspeaker.played or [np.zeros(0, np.float32)]))
    sys.stdout.flush()
    os._exit(0)  # what it imports may hold threads


if __name__ == "__main__":
    main()
