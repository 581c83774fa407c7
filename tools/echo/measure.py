"""How often an agent would interrupt itself, and whether it still hears who interrupts it.

Prints a table. Run: python tools/echo/measure.py [minutes] [return loss in dB ...]
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence

import numpy as np

from agent.core.audio import Samples
from agent.core.events import SpeechStarted
from audio_io.echo.call import EchoCanceller
from audio_io.resample import resampled
from floorbench.scenarios.microphone import Microphone
from floorbench.scenarios.plan import Echo, Surroundings
from floorbench.stimuli.library import Role, open_library, seeded
from floorbench.stimuli.noises import room_response
from pipelines.cascade.listener import Listener, ListenerConfig
from pipelines.engines.espeak import Espeak, EspeakSettings
from pipelines.engines.silero import Silero, SileroSettings

RATE = 16_000
CALL_S = 30.0
ROOMS = tuple((rt60_s, delay_s) for delay_s in (0.02, 0.06, 0.12, 0.25) for rt60_s in (0.2, 0.5))
LOSSES_DB = (20.0, 10.0, 0.0)
EVERY_S = 5.0
NOISE = 3e-4
SENTENCES = (
    "Hello, this is the Olive Tree. How can I help you?",
    "From Tuesday to Thursday we are open from noon until ten in the evening.",
    "On Friday and Saturday we stay open until eleven, and on Sunday we close at eight.",
    "There is a car park behind the house; it is free for our guests in the evening.",
    "For how many people, and on which day would you like to come?",
    "I have a table for four on Friday at seven. Shall I book it for you?",
    "Thank you. Your table is booked. We are looking forward to your visit.",
    "I'm sorry, I didn't catch that. Could you say it again, please?",
)


async def agent_voice() -> Samples:
    """The sentences one after another, float32."""
    espeak = Espeak.load(EspeakSettings())

    async def clause(text: str) -> AsyncIterator[str]:
        yield text

    parts: list[Samples] = []
    for text in SENTENCES:
        parts += [s.frame.samples async for s in espeak.speak(clause(text))]
        parts.append(np.zeros(round(0.25 * espeak.rate), np.float32))
    espeak.close()
    return resampled(np.concatenate(parts), espeak.rate, RATE)


def segments(silero: Silero, sound: Samples) -> list[float]:
    """When a segment of speech starts, in seconds."""
    state, listener, found = silero.open(), Listener(ListenerConfig(), RATE), []
    for at in range(0, len(sound) - silero.step_samples + 1, silero.step_samples):
        end = at + silero.step_samples
        state, probability = silero.step(state, sound[at:end])
        if isinstance(listener.step(probability, at, end), SpeechStarted):
            found.append(end / RATE)
    return found


def in_room(played: Samples, near: Samples, loss_db: float, number: int) -> Samples:
    """What the microphone picks up, in one of the rooms of S9."""
    rng = seeded(9, number)
    rt60_s, delay_s = ROOMS[number % len(ROOMS)]
    taps = room_response(rt60_s, rng)
    echo = Echo(taps / np.sqrt(np.sum(taps**2)), delay_s, loss_db)
    microphone = Microphone(Surroundings(echo=echo))
    noise = NOISE * rng.standard_normal(len(near))
    voice = (near + noise).astype(np.float32)
    frames = range(0, len(played) - 319, 320)
    heard = [microphone.hear(voice[at : at + 320], played[at : at + 320]) for at in frames]
    return np.concatenate(heard)


def cancelled(played: Samples, microphone: Samples) -> tuple[Samples, float]:
    """What is left, and the seconds of work for a second of sound."""
    canceller = EchoCanceller(RATE)
    step = canceller.block
    began = time.perf_counter()
    parts = [
        canceller.step(played[at : at + step], microphone[at : at + step])
        for at in range(0, len(microphone) - step + 1, step)
    ]
    cost = (time.perf_counter() - began) / (len(microphone) / RATE)
    return np.concatenate(parts), cost


def callers(total: int, role: Role, number: int) -> tuple[Samples, list[tuple[float, float]]]:
    """A caller who speaks up every few seconds, and when."""
    library, rng = open_library(), seeded(3, number)
    near, spans = np.zeros(total, np.float32), []
    for start_s in np.arange(2.0, total / RATE - 3.5, EVERY_S):
        sound = library.draw(role, rng).samples[: round(2.5 * RATE)]
        at = round(float(start_s) * RATE)
        near[at : at + len(sound)] = sound
        spans.append((at / RATE, (at + len(sound)) / RATE))
    return near, spans


def kept(out: Samples, near: Samples, span: tuple[float, float]) -> float:
    """The caller in what is left, as a projection."""
    part = slice(round(span[0] * RATE), round(span[1] * RATE))
    return float(np.dot(out[part], near[part]) / np.dot(near[part], near[part]))


def of_itself(silero: Silero, voice: Samples, loss_db: float, calls: int) -> str:
    """How often it would think that a caller speaks, without the canceller and with it."""
    raw = left = 0
    costs = []
    for number in range(calls):
        played = in_call(voice, number)
        heard = in_room(played, np.zeros_like(played), loss_db, number)
        out, cost = cancelled(played, heard)
        raw, left = raw + len(segments(silero, heard)), left + len(segments(silero, out))
        costs.append(cost)
    minutes = calls * CALL_S / 60
    share = 100 * statistics.median(costs)
    return (
        f"{loss_db:.0f} dB, {minutes:g} min: {raw} segments, {left} left; {share:.1f} % of a core"
    )


def of_callers(silero: Silero, voice: Samples, loss_db: float, role: Role) -> str:
    """Who of those who speak over the agent is heard, and how much of them is left."""
    hits: list[bool] = []
    levels: list[float] = []
    for number in range(len(ROOMS)):
        played = in_call(voice, number)
        near, spans = callers(len(played), role, number)
        out, _ = cancelled(played, in_room(played, near, loss_db, number))
        starts = segments(silero, out)
        hits += [any(a - 0.1 <= s <= b + 0.1 for s in starts) for a, b in spans]
        levels += [kept(out, near, span) for span in spans]
    middle = statistics.median(levels)
    return f"{loss_db:.0f} dB, {role.value}: {sum(hits)} of {len(hits)} heard, {middle:.2f} kept"


def in_call(voice: Samples, number: int) -> Samples:
    """What the agent says in one call: every call begins elsewhere."""
    return np.resize(np.roll(voice, -number * 3 * RATE), round(CALL_S * RATE) // 320 * 320)


def lines(minutes: float, losses_db: Sequence[float]) -> Iterator[str]:
    """The table."""
    voice, silero = asyncio.run(agent_voice()), Silero.load(SileroSettings())
    for loss_db in losses_db:
        yield of_itself(silero, voice, loss_db, round(minutes * 60 / CALL_S))
        for role in (Role.BACKCHANNEL, Role.INTERRUPTION):
            yield of_callers(silero, voice, loss_db, role)


if __name__ == "__main__":
    wanted = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    for line in lines(wanted, [float(a) for a in sys.argv[2:]] or LOSSES_DB):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
