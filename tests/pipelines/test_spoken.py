"""What a voice makes of clauses, checked before anybody hears it."""

from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
from pytest import mark, raises

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed
from agent.core.protocols import Speech
from agent.virtual_loop import run_virtual
from pipelines.cascade.asides import Asides, Manners
from pipelines.cascade.spoken import spoken

RATE = 16_000
TENTH = np.full(1600, 0.1, np.float32)


@dataclass
class Voice:
    """Speaks each clause as these samples."""

    samples: np.ndarray
    made_rate: int = RATE
    rate: int = RATE
    closed: int = 0

    async def speak(self, clauses):
        try:
            async for clause in clauses:
                yield Speech(AudioFrame(self.samples, self.made_rate, 0), clause)
        finally:
            self.closed += 1


async def words(*clauses):
    for clause in clauses:
        yield clause


def pieces(voice, *clauses):
    async def main():
        return [speech.text async for speech in spoken(voice, words(*clauses))]

    return run_virtual(main())


def test_sound_passes_piece_by_piece():
    assert pieces(Voice(TENTH), "Hello.", "Good day.") == ["Hello.", "Good day."]


@mark.parametrize(
    ("voice", "found"),
    [
        (Voice(TENTH[:0]), "expected sound for 'Hello. Good day.', found none"),
        (Voice(TENTH * np.float32("nan")), "expected sound, found numbers that are not finite"),
        (Voice(TENTH * np.float32("inf")), "expected sound, found numbers that are not finite"),
        (Voice(TENTH, 8_000), "expected sound at 16000 Hz, found 8000 Hz"),
    ],
)
def test_what_is_no_sound_is_a_failure_of_the_voice(voice, found):
    with raises(EngineFailed, match=found):
        pieces(voice, "Hello.", "Good day.")


@mark.parametrize("clauses", [(), ("...",), ("🙂", "—")])
def test_what_is_no_word_may_be_silent(clauses):
    assert len(pieces(Voice(TENTH[:0]), *clauses)) == len(clauses)


def test_who_stops_listening_ends_the_voice():
    voice = Voice(TENTH)

    async def main():
        async with aclosing(spoken(voice, words("Hello.", "Good day."))) as sound:
            await anext(sound)

    run_virtual(main())
    assert voice.closed == 1


def test_small_sounds_are_checked_too():
    asides = Asides(Voice(TENTH * np.float32("nan")), Manners())
    with raises(EngineFailed, match="not finite"):
        run_virtual(asides.make())
