"""Calls from a real telephone through a real Asterisk to an agent in the test's own loop."""

import asyncio
import contextlib
from functools import partial

import numpy as np

from agent.admission import ServerSettings
from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed
from agent.entrances.asterisk import AsteriskEntrance, AsteriskSettings
from agent.entrances.audiosocket import AudioSocketEntrance, AudioSocketSettings
from audio_io.asterisk.manager import ManagerSettings
from audio_io.ear import Ear
from tests.support.asterisk import PASSWORD, USER
from tests.support.asterisk_files import ID
from tests.support.baresip import RATE, phone
from tests.support.servers import serve

PATIENCE_S = 8  # for what ought to be there in a tenth of a second
PAUSE_S = 0.8  # the agent's own pauses are shorter


@contextlib.asynccontextmanager
async def served(exchange, agent, *, password=PASSWORD, **settings):
    """A server with the agent, where this exchange looks for it."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    audiosocket = AudioSocketSettings(port=exchange.audiosocket, ids=(ID,))
    manager = ManagerSettings(port=exchange.manager, user=USER, password=PASSWORD, context="phones")
    web = AsteriskSettings(user=USER, password=password, manager=manager)
    entrances = (
        partial(AudioSocketEntrance, settings=audiosocket),
        partial(AsteriskEntrance, settings=web),
    )
    options = ServerSettings(port=exchange.web, **settings)
    async with asyncio.TaskGroup() as group:
        server = group.create_task(serve(options, agent, ready.set_result, entrances))
        try:
            await ready
            yield
        finally:
            server.cancel()


@contextlib.asynccontextmanager
async def calling(exchange, extension):
    """A telephone that has called an extension and hears something, silence included."""
    with phone(exchange.sip) as handset:
        handset.dial(extension)
        await until(lambda: len(handset.heard()) > 0, f"sound from extension {extension}")
        yield handset


async def until(is_so, what):
    """Wait for something that must come."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():  # noqa: ASYNC110  # it shows in files of another program
                await asyncio.sleep(0.02)
    assert is_so(), f"expected {what} within {PATIENCE_S} s, found nothing"


def noise(duration_s, seed):
    """Noise in a telephone's band, float32 at 8 kHz: it fits itself at one place only."""
    count = round(duration_s * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / RATE)
    sound = np.fft.irfft(np.where((hz > 300) & (hz < 3000), spectrum, 0), count)
    return (0.4 * sound / np.max(np.abs(sound))).astype(np.float32)


def at_rate(sound, rate, own_rate=RATE):
    """A sound at another rate, exactly: its spectrum at another length."""
    count = 2 * round(len(sound) * rate / own_rate / 2)
    spectrum = np.fft.rfft(sound)[: count // 2 + 1]
    return (np.fft.irfft(spectrum, count) * (count / len(sound))).astype(np.float32)


class Studio:
    """An agent that plays what it is given, silence in between, and keeps what it hears.

    `heard` float32 at `rate`; `keys` as pressed; `playing` is what it still has to play.
    """

    def __init__(self):
        self.rate = 0
        self.keys = []
        self.calls = 0
        self.playing = np.zeros(0, np.float32)
        self.began, self.ended = asyncio.Event(), asyncio.Event()
        self.call = None
        self._heard = []

    @property
    def heard(self):
        return np.concatenate([np.zeros(0, np.float32), *self._heard])

    async def __call__(self, call):
        self.call, self.rate = call, call.rate
        self.calls += 1
        self.began.set()
        try:
            async with asyncio.TaskGroup() as group:
                playing = group.create_task(self._play(call))
                async for item in call.frames():
                    if isinstance(item, AudioFrame):
                        self.keep(item)
                    else:
                        self.keys.append(item.digit)
                playing.cancel()
        finally:
            self.ended.set()

    def keep(self, frame):
        self._heard.append(frame.samples)

    def play(self, sound):
        """Play this sound of 8 kHz next, at the call's rate."""
        self.playing = at_rate(sound, self.rate)

    def stop(self):
        """What a barge-in does."""
        self.playing = np.zeros(0, np.float32)
        if self.call.traits.flushes:
            self.call.flush()

    async def _play(self, call):
        count, start = call.frame_samples, 0
        with contextlib.suppress(CallClosed):
            while True:
                frame = np.zeros(count, np.float32)
                part = self.playing[:count]
                frame[: len(part)] = part
                self.playing = self.playing[count:]
                await call.play(AudioFrame(frame, call.play_rate, start))
                start += count


async def echo(call):
    """An agent that says back what it hears."""
    with contextlib.suppress(CallClosed):
        async for item in call.frames():
            if isinstance(item, AudioFrame):
                await call.play(item)


async def answering(handset, *lines):
    """A caller who waits until the agent has spoken and fallen silent, and then says their next
    line, float32 at 8 kHz, or presses its keys; and hangs up after the agent's last words. Whoever
    presses keys knows the menu, and does not wait for the end of the greeting."""
    ear, taken, since_s = Ear(RATE), 0, 0.0
    for number, line in enumerate((*lines, None)):
        pause_s = -PAUSE_S if isinstance(line, str) and number == 0 else PAUSE_S
        while not (ear.loud_until_s > since_s and taken / RATE - ear.loud_until_s > pause_s):
            await asyncio.sleep(0.05)
            heard = handset.heard()
            ear.hear(heard[taken:])
            taken = len(heard)
        since_s = taken / RATE
        if isinstance(line, str):
            for key in line:
                await handset.press(key)
        elif line is not None:
            handset.say(line)
    handset.hang_up()


async def stop_latencies(studio, handset, times):
    """How long after each barge-in, in seconds, the caller still hears the agent, by the recording
    at the caller's ear: from what it held at that moment to the last sound in it."""
    found = []
    for number in range(times):
        studio.play(noise(3, 100 + number))
        await asyncio.sleep(0.4 + 0.037 * number)  # at another moment of a frame each time
        studio.stop()
        at = len(handset.heard())
        await asyncio.sleep(0.4)
        after = handset.heard()[at:]
        loud = np.flatnonzero(np.abs(after) > 0.01)
        found.append((int(loud[-1]) + 1 if len(loud) else 0) / RATE)
    return found
