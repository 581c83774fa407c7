"""A recorded call is the same call, and on disk as it was heard."""

import asyncio
import wave

import numpy as np
from pytest import approx

from agent.core.audio import AudioFrame
from agent.core.calls import CallTraits, Note
from agent.core.events import Digit
from agent.virtual_loop import run_virtual
from audio_io.circuit import Circuit
from audio_io.recording import recorded
from audio_io.wav_file import StereoWriter


class CountingCall:
    """A caller who counts for half a second, with a key in the middle."""

    traits = CallTraits()

    def __init__(self, rate, play_rate):
        self.circuit = Circuit(rate, play_rate)
        self.rate, self.play_rate = rate, play_rate
        self.frame_samples = self.circuit.frame_samples
        self.play, self.flush, self.played = (
            self.circuit.play,
            self.circuit.flush,
            self.circuit.played,
        )

    async def frames(self):
        count = self.rate // 50
        for number in range(50):
            await self.circuit.beat()
            level = np.full(count, (number + 1) / 128, np.float32)
            yield AudioFrame(level, self.rate, number * count)
            if number == 25:
                yield Digit("1")

    def tell(self, note):
        self.circuit.notes.append(note)

    async def close(self):
        self.circuit.close()


def hold(path, agent, rate=16000, play_rate=16000):
    """Hold a call with an agent; what was heard, and the two channels at 16 kHz."""

    async def scene(recording):
        call = recorded(CountingCall(rate, play_rate), recording)

        async def listen():
            return [item async for item in call.frames()]

        async with asyncio.TaskGroup() as group:
            heard = group.create_task(listen())
            await agent(call)
        await call.close()
        return heard.result()

    with StereoWriter(path, 16000) as recording:
        heard = run_virtual(scene(recording))
    with wave.open(str(path)) as file:
        sides = np.frombuffer(file.readframes(10**6), "<i2").reshape(-1, 2).T / 32768
    return heard, sides


async def silent(call):
    call.tell(Note("caption"))


def test_the_caller_and_the_keys_pass_and_are_recorded(tmp_path):
    heard, (caller, agent) = hold(tmp_path / "r.wav", silent)
    assert Digit("1") in heard
    assert caller == approx(np.repeat((np.arange(50) + 1) / 128, 320))
    assert not agent.any()


def says(call, level, frames):
    async def say():
        for _ in range(frames):
            await call.play(AudioFrame(np.full(call.frame_samples, level, "f4"), call.play_rate, 0))

    return say()


def test_the_agent_is_recorded_where_it_was_heard(tmp_path):
    async def agent(call):
        await asyncio.sleep(0.3)
        await says(call, 0.5, 10)
        await asyncio.sleep(0.3)

    for rate, play_rate in ((16000, 16000), (48000, 22050)):
        _, (caller, heard) = hold(tmp_path / "r.wav", agent, rate, play_rate)
        loud = np.flatnonzero(heard > 0.25)
        assert loud[0] / 16000 == approx(0.3, abs=0.06)
        assert len(loud) / 16000 == approx(0.2, abs=0.002)  # the filter keeps the last 1.5 ms
        assert loud[-1] - loud[0] + 1 == len(loud)
        assert len(caller) / 16000 == approx(1.0, abs=0.01)


def test_what_was_flushed_is_not_in_the_recording(tmp_path):
    async def agent(call):
        await asyncio.sleep(0.1)
        await says(call, 0.5, 5)
        call.flush()
        await asyncio.sleep(0.3)
        await says(call, 0.25, 5)
        await asyncio.sleep(0.1)

    _, (_, heard) = hold(tmp_path / "r.wav", agent)
    assert np.count_nonzero(heard == 0.5) == 3 * 320
    assert np.count_nonzero(heard == 0.25) == 5 * 320
