"""A call without its echo is the same call: sound, keys, flush and trace."""

import asyncio

import numpy as np
import pytest

from agent.core.audio import AudioFrame, level_db
from agent.core.calls import CallTraits, Note
from agent.virtual_loop import run_virtual
from audio_io.echo.call import echo_free
from tests.support.rooms import RATE, RoomCall, noise, response, voice


def hold(room, agent):
    """Let an agent talk in a room: what it heard, and the trace."""
    lines = []

    async def scene():
        call = echo_free(room, lambda event, /, **fields: lines.append((event, fields)))
        heard = []

        async def listen():
            heard.extend([item async for item in call.frames()])

        async with asyncio.TaskGroup() as group:
            listening = group.create_task(listen())
            talking = group.create_task(agent(call))
            await listening
            talking.cancel()
        await call.close()
        return heard

    return run_virtual(scene()), lines


def talker(sound, flush_at=()):
    """Says `sound` without end; a flush after each of the given frames."""

    async def talk(call):
        size = call.frame_samples
        for number, at in enumerate(range(0, len(sound) - size + 1, size)):
            await call.play(AudioFrame(sound[at : at + size], call.play_rate, at))
            if number in flush_at:
                call.flush()
                await asyncio.sleep(0.013)

    return talk


def joined(heard):
    frames = [item for item in heard if isinstance(item, AudioFrame)]
    assert [f.start for f in frames[1:]] == [f.end for f in frames[:-1]]
    return np.concatenate([f.samples for f in frames])


def loudest_db(samples):
    return max(level_db(samples[at : at + 800]) for at in range(0, len(samples) - 799, 800))


@pytest.mark.parametrize("play_rate", [16_000, 24_000])
def test_the_agent_is_not_in_the_callers_sound(play_rate):
    near = noise(6 * RATE)
    sound = np.interp(np.arange(0, 6 * RATE, RATE / play_rate), np.arange(6 * RATE), voice(6.0))
    room = RoomCall(near, response(0.1, 0.05, 10), play_rate)
    heard, lines = hold(room, talker(sound.astype(np.float32)))
    assert loudest_db(np.concatenate(room.played_out)) > -25
    assert loudest_db(joined(heard)) < -58
    (event, fields), *_ = lines
    assert event == "echo"
    assert fields["delay_s"] < 0.1
    assert 5 < fields["return_loss_db"] < 16


@pytest.mark.parametrize("flushes", [True, False])
def test_what_was_flushed_is_not_expected_back(flushes):
    near = noise(4 * RATE)
    room = RoomCall(near, response(0.1, 0.05, 10), traits=CallTraits(flushes=flushes))
    if not flushes:
        room.flush = lambda: None
    heard, _ = hold(room, talker(voice(4.0), flush_at=(60, 100, 140)))
    assert loudest_db(joined(heard)) < -58


def test_everything_else_is_the_calls_own():
    room = RoomCall(noise(RATE), response(0.1, 0.05, 10))

    async def scene():
        call = echo_free(room, lambda event, /, **fields: None)
        assert (call.rate, call.play_rate, call.frame_samples) == (RATE, RATE, 320)
        assert call.traits is room.traits
        call.tell(Note("caption"))
        await call.play(AudioFrame(np.zeros(320, np.float32), RATE, 0))
        await asyncio.sleep(1)
        assert call.played() == 320
        await call.close()

    run_virtual(scene())
    assert [note.kind for note in room.circuit.notes] == ["caption"]
    assert not room.circuit.is_open
