"""What is played on a circuit sounds when it should, and only that."""

import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, raises

from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed
from agent.virtual_loop import run_virtual
from audio_io.circuit import Circuit, Loudspeaker


def ones(count, level=1.0):
    return np.full(count, level, np.float32)


def frame(level=1.0, count=160):
    return AudioFrame(ones(count, level), 8000, 0)


def test_sound_put_on_an_idle_loudspeaker_begins_at_once():
    speaker = Loudspeaker()
    speaker.put(ones(3), 5)
    assert speaker.render(10).tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 0, 0]


def test_sound_put_while_it_plays_follows_without_a_gap():
    speaker = Loudspeaker()
    speaker.put(ones(3), 0)
    speaker.put(ones(3, 0.5), 1)
    assert speaker.render(7).tolist() == [1, 1, 1, 0.5, 0.5, 0.5, 0]
    assert speaker.gaps == 0


def test_flushed_sound_is_never_heard():
    speaker = Loudspeaker()
    speaker.put(ones(4), 0)
    speaker.put(ones(4), 0)
    speaker.flush(2)
    speaker.put(ones(2, 0.5), 2)
    assert speaker.render(6).tolist() == [1, 1, 0.5, 0.5, 0, 0]


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 40), st.booleans(), st.booleans()), max_size=40
    )
)
def test_the_loudspeaker_s_books_agree_with_what_sounded(steps):
    speaker, now, heard, flushed = Loudspeaker(), 0, [], 0
    for pause, count, flush, render in steps:
        now += pause
        if flush:
            flushed += speaker.handed - speaker.played(now) if speaker.end > now else 0
            speaker.flush(now)
        if render:
            heard += speaker.render(now).tolist()
        speaker.put(ones(count), now)
        assert speaker.played(now) <= speaker.handed
    heard += speaker.render(now + 10_000).tolist()
    assert len(heard) == now + 10_000
    assert sum(heard) == speaker.handed - flushed
    assert speaker.played(now + 10_000) == speaker.handed


def test_play_returns_when_at_most_40_ms_wait():
    async def times():
        circuit, loop = Circuit(8000, 8000), asyncio.get_running_loop()
        out = []
        for _ in range(6):
            await circuit.play(frame())
            out.append(loop.time())
        return out

    assert run_virtual(times()) == approx([0.0, 0.0, 0.02, 0.04, 0.06, 0.08])


def test_after_a_pause_play_begins_at_once_and_counts_the_gap():
    async def scene():
        circuit = Circuit(8000, 8000)
        await circuit.play(frame())
        await asyncio.sleep(5)
        await circuit.play(frame())
        await asyncio.sleep(0.01)
        return circuit.played(), circuit.speaker.gaps

    assert run_virtual(scene()) == (160 + 80, 1)


def test_played_counts_what_was_heard_and_what_was_flushed():
    async def scene():
        circuit = Circuit(8000, 8000)
        await circuit.play(frame())
        await circuit.play(frame())
        await asyncio.sleep(0.03)
        before = circuit.played()
        circuit.flush()
        return before, circuit.played()

    assert run_virtual(scene()) == (240, 320)


def test_a_flush_makes_room_at_once():
    async def scene():
        circuit, loop = Circuit(8000, 8000), asyncio.get_running_loop()
        for _ in range(2):
            await circuit.play(frame())
        async with asyncio.TaskGroup() as group:
            group.create_task(circuit.play(frame()))
            await asyncio.sleep(0.001)
            circuit.flush()
        return loop.time()

    assert run_virtual(scene()) == approx(0.001)


def test_nobody_hears_what_is_played_after_the_end():
    async def scene():
        circuit = Circuit(8000, 8000)
        circuit.close()
        await circuit.play(frame())

    with raises(CallClosed, match="hung up"):
        run_virtual(scene())


def test_a_frame_of_the_wrong_size_is_refused():
    async def scene():
        await Circuit(8000, 8000).play(frame(count=100))

    with raises(ValueError, match="expected 160 samples of 8000 Hz, found 100 of 8000 Hz"):
        run_virtual(scene())


def test_each_beat_brings_what_the_agent_said_during_it():
    async def scene():
        circuit, heard = Circuit(16000, 8000), []
        heard.append(await circuit.beat())
        circuit.speaker.put(ones(80), 160)
        heard.append(await circuit.beat())
        heard.append(await circuit.beat())
        return heard, asyncio.get_running_loop().time()

    heard, now = run_virtual(scene())
    assert now == approx(0.06)
    assert [len(sound) for sound in heard] == [160, 160, 160]
    assert [sound.sum() for sound in heard] == [0, 80, 0]
