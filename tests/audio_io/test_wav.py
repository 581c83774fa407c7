"""A WAV file calls."""

import asyncio
import wave

import numpy as np
from pytest import approx, fixture, raises

from agent.core.audio import AudioFrame, join
from agent.core.calls import Call, Note
from agent.core.errors import CallClosed, ConfigError
from agent.virtual_loop import run_virtual
from audio_io.wav import WavCall
from audio_io.wav_file import StereoWriter


@fixture
def half_second(tmp_path):
    path = tmp_path / "half.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((np.arange(8000) + 1).astype("<i2").tobytes())
    return path


async def listen(call: Call):
    loop = asyncio.get_running_loop()
    return [(loop.time(), frame) async for frame in call.frames()]


def test_the_file_comes_in_20_ms_frames_each_when_it_ends(half_second):
    heard = run_virtual(listen(WavCall(half_second, tail_s=0)))
    assert [now for now, _ in heard] == approx([0.02 * (i + 1) for i in range(25)])
    whole = join([frame for _, frame in heard])
    assert (whole.rate, whole.start, len(whole.samples)) == (16000, 0, 8000)
    assert whole.samples == approx((np.arange(8000) + 1) / 32768)


def test_silence_follows_and_then_the_end(half_second):
    heard = run_virtual(listen(WavCall(half_second, tail_s=1.0)))
    whole = join([frame for _, frame in heard])
    assert whole.duration_s == approx(1.5)
    assert not whole.samples[8000:].any()


def test_nobody_is_there_after_the_end(half_second):
    async def scene():
        call = WavCall(half_second, tail_s=0)
        await listen(call)
        await call.play(AudioFrame(np.zeros(320, np.float32), 16000, 0))

    with raises(CallClosed):
        run_virtual(scene())


def test_closing_ends_the_frames_at_once_and_twice_does_no_harm(half_second):
    async def scene():
        call = WavCall(half_second)
        async with asyncio.TaskGroup() as group:
            heard = group.create_task(listen(call))
            await asyncio.sleep(0.1)
            await call.close()
            await call.close()
        return len(heard.result()), asyncio.get_running_loop().time()

    count, now = run_virtual(scene())
    assert count in {4, 5}
    assert now == approx(0.12, abs=0.021)


def test_a_listener_who_was_away_finds_what_waited(half_second):
    async def scene():
        call, loop, times = WavCall(half_second, tail_s=0), asyncio.get_running_loop(), []
        async for _ in call.frames():
            times.append(loop.time())
            if len(times) == 5:
                await asyncio.sleep(0.2)
        return times, call.circuit.pacer.late

    times, late = run_virtual(scene())
    assert times[4] == approx(0.1)
    assert times[5:14] == approx([0.3] * 9)
    assert times[-1] == approx(0.5)
    assert late == 9


def test_both_sides_are_recorded_when_they_were_heard(half_second, tmp_path):
    async def scene(recording):
        call = WavCall(half_second, play_rate=8000, tail_s=0.5, recording=recording)

        async def speak():
            await asyncio.sleep(0.2)
            for level in (0.25, 0.5, 0.75):
                await call.play(AudioFrame(np.full(160, level, np.float32), 8000, 0))
            call.flush()

        async with asyncio.TaskGroup() as group:
            group.create_task(speak())
            await listen(call)

    path = tmp_path / "both.wav"
    with StereoWriter(path, 16000) as recording:
        run_virtual(scene(recording))
    with wave.open(str(path)) as file:
        caller, agent = np.frombuffer(file.readframes(10**6), "<i2").reshape(-1, 2).T / 32768
    assert caller[:8000] == approx((np.arange(8000) + 1) / 32768)
    loud = np.flatnonzero(abs(agent) > 0.1)
    assert loud[0] == approx(0.2 * 16000, abs=4)
    assert loud[-1] == approx(0.22 * 16000, abs=4)
    assert len(caller) == approx(16000, abs=100)


def test_notes_are_kept(half_second):
    call = WavCall(half_second)
    call.tell(Note("caption", {"text": "hello"}))
    assert list(call.circuit.notes) == [Note("caption", {"text": "hello"})]


def test_a_file_that_cannot_be_used_is_refused_before_the_call(tmp_path):
    with raises(ConfigError, match="check the path"):
        WavCall(tmp_path / "none.wav")
