"""The restaurant's desk on a telephone provider's media stream, with the real engines.

The provider is simulated, and time is virtual: what is said and heard is in µ-law at 8 kHz.
"""

import asyncio

import numpy as np
from pytest import fixture, mark

from agent.commands.recorded import hold
from agent.config import load, shipped
from agent.virtual_loop import run_virtual
from agent.wiring import build
from audio_io.media_stream.answer import answer
from audio_io.media_stream.json import TWILIO
from audio_io.media_stream.socket import StreamLimits
from audio_io.media_stream.transfers import Transfers
from audio_io.wav_file import read_wav
from tests.support.provider import Cable, Phone, Twilio
from tests.support.tools import package

pytestmark = mark.models

RATE = 8000
SPOKEN_AT_S = {"hours.wav": 5.0, "parking.wav": 9.6}  # after the greeting; into the answer
LENGTH_S = 16.0


def conversation():
    """What the caller says, and when they have said it, in s."""
    line = np.zeros(round(LENGTH_S * RATE), np.float32)
    ends = {}
    for name, at_s in SPOKEN_AT_S.items():
        samples = read_wav(shipped("offline.toml").parent / "demo" / name).at(RATE)
        start = round(at_s * RATE)
        line[start : start + len(samples)] = samples
        ends[name] = at_s + len(samples) / RATE
    return line, ends


@fixture(scope="module")
def held():
    """The trace of a call, with loop time, and its telephone."""
    package("pocketsphinx")
    package("espeakng_loader")
    events = []

    async def scene(desk):
        loop = asyncio.get_running_loop()

        def trace(event, /, **fields):
            events.append((loop.time(), event, fields))

        cable = Cable()
        phone = Phone(cable.provider, Twilio())
        async with asyncio.TaskGroup() as group:
            calling = group.create_task(phone.call(conversation()[0]))
            call = await answer(cable.agent, "c1", TWILIO, StreamLimits(), Transfers())
            group.create_task(call.carry())
            await hold(desk, call, trace)
            await calling
        return phone, call

    with build(load("offline")) as desk:
        phone, call = run_virtual(scene(desk))
    return events, phone, call


def test_a_question_is_answered_on_the_line(held):
    events, phone, call = held
    said = [fields["text"] for _, event, fields in events if event == "said"]
    assert any("noon" in text or "open" in text for text in said), said
    heard = phone.loudspeaker.heard()
    answer_ = heard[round(7.5 * RATE) : round(9.5 * RATE)]
    assert np.sqrt(np.mean(answer_**2)) > 0.01
    assert call.errors.total() == 0
    assert call.dropped_input == 0


def test_who_interrupts_takes_the_sound_back_and_is_answered(held):
    events, phone, _ = held
    cuts = [(t, f["text"]) for t, event, f in events if event == "heard" and f["cut"] and f["text"]]
    assert len(cuts) == 1
    when, text = cuts[0]
    assert any(abs(clear - (when - phone.loudspeaker.begun)) < 0.01 for clear in phone.clears)
    said = " ".join(f["text"] for _, event, f in events if event == "said")
    assert text.rstrip(" .…-")[:20] in said
    (later,) = [t for t, e, f in events if e == "said" and "park" in f["text"].lower()][:1]
    assert later > SPOKEN_AT_S["parking.wav"]


def test_the_first_sound_of_the_answer_and_the_silence_after_the_interruption(held):
    """Printed, with bounds that only a fault would break: the engines share two cores."""
    _, phone, _ = held
    heard, (_, ends) = phone.loudspeaker.heard(), conversation()
    level = np.abs(heard)
    asked = round(ends["hours.wav"] * RATE)
    first_s = np.flatnonzero(level[asked:] > 0.01)[0] / RATE
    interrupted = round(SPOKEN_AT_S["parking.wav"] * RATE)
    after = level[interrupted:]
    quiet = [
        at for at in range(0, len(after) - RATE // 4, 80) if after[at : at + 2000].max() < 0.01
    ]
    print(f"answered after {first_s:.2f} s, silent {quiet[0] / RATE:.2f} s after the first sound")  # noqa: T201
    assert first_s < 2.0
    assert quiet[0] / RATE < 1.2
