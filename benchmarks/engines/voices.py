"""A voice: its first sound, and its computing time."""

import time
from collections.abc import AsyncIterator
from statistics import median

from agent.core.protocols import Synthesizer
from benchmarks.engines.figures import Figures

RUNS = 7
HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight")


async def measure(voice: Synthesizer) -> Figures:
    """Replies of two clauses, the first one short; each a new one, as voices remember theirs."""
    await _run(voice, HOURS[0])
    runs = [await _run(voice, hour) for hour in HOURS[1 : RUNS + 1]]
    return Figures(
        first_audio_s=median(first_s for first_s, _ in runs),
        real_time_factor=median(factor for _, factor in runs),
    )


async def _run(voice: Synthesizer, hour: str) -> tuple[float, float]:
    """Seconds to the first sound, and computing time for a second of it."""
    first_s, length_s, start_s = 0.0, 0.0, time.perf_counter()
    async for speech in voice.speak(_clauses(hour)):
        first_s = first_s or time.perf_counter() - start_s
        length_s += speech.frame.duration_s
    return first_s, (time.perf_counter() - start_s) / length_s


async def _clauses(hour: str) -> AsyncIterator[str]:
    yield f"At {hour}, then."
    yield f"I have put you down for {hour} o'clock, at the table by the window."
