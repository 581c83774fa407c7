"""Who sounds when, from one channel of a recording. Pure; energy only, no model.

Levels are taken over frames of 10 ms, so every edge found is within 10 ms of the real one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.core.audio import QUIET_DB, Samples

Levels = NDArray[np.float64]
"""float64 [n]: RMS of each whole 10 ms frame, in dBFS, QUIET_DB for digital silence."""

FRAME_S = 0.01

BLOCK_FRAMES = 6000
"""A minute at a time is widened to float64, so that an hour of sound costs no more memory."""

CALLER_UNDER_SPEECH_DB = -22.0
"""The caller sounds at -45 dBFS once the active level is set to -23 dBFS: 22 dB under it."""
CALLER_ONSET_FRAMES = 3
CALLER_BRIDGED_FRAMES = 14  # dips under 150 ms belong to the speech around them
CALLER_LEAST_DB = -60.0
"""A channel whose loudest stretches are quieter than this holds no speech to normalise."""

AGENT_LEAST_DB = -50.0
AGENT_ONSET_FRAMES = 3
AGENT_HANG_OVER_FRAMES = 20  # 200 ms
AGENT_MERGED_S = 0.3

OVER_NOISE_DB = 12.0
LOUDEST_NOISE_DB = -45.0
"""What is louder than this for nine tenths of a call is somebody who never pauses, not noise."""

ACTIVE_MARGIN_DB = 15.9
"""Source: ITU-T P.56 (2011), 6: speech is active down to 15.9 dB under its own active level."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time, in seconds from the start of the recording."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s

    def overlap_s(self, other: "Span") -> float:
        """Seconds that both cover."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))


def levels_db(samples: Samples, rate: int) -> Levels:
    """The level of every whole 10 ms frame of float32 [n], -1..1."""
    size = round(rate * FRAME_S)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    blocks = [
        np.mean(frames[i : i + BLOCK_FRAMES].astype(np.float64) ** 2, axis=1)
        for i in range(0, len(frames), BLOCK_FRAMES)
    ]
    power = np.concatenate(blocks) if blocks else np.zeros(0)
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (QUIET_DB / 10))))


def noise_db(levels: Levels) -> float:
    """The level a tenth of the frames stay under, at most LOUDEST_NOISE_DB.

    A channel that is digitally silent for a tenth of the call, as a clean stimulus and a played
    reply are, has a floor of QUIET_DB and its threshold is left alone.
    """
    if len(levels) == 0:
        return QUIET_DB
    return min(float(np.percentile(levels, 10)), LOUDEST_NOISE_DB)


def active_db(levels: Levels) -> float:
    """Mean power of the frames in which somebody speaks, in dBFS; QUIET_DB when nobody does."""
    power = 10 ** (levels / 10)
    active = QUIET_DB
    for _ in range(20):  # each round drops more silence; it settles in three or four
        speaking = power[levels >= active - ACTIVE_MARGIN_DB]
        if len(speaking) == 0:
            return QUIET_DB
        settled, active = active, float(10 * np.log10(np.mean(speaking)))
        if active == settled:
            break
    return active


def caller_parts(levels: Levels) -> list[Span]:
    """Where the caller speaks: from the first frame over the threshold to the end of the last.

    A part starts with 30 ms over the threshold; dips under 150 ms do not end it. The threshold
    also stays 12 dB over the noise, which matters to a microphone and not to a clean stimulus.
    """
    speech_db = active_db(levels)
    if speech_db < CALLER_LEAST_DB:
        return []
    threshold = max(speech_db + CALLER_UNDER_SPEECH_DB, noise_db(levels) + OVER_NOISE_DB)
    return _spells(levels >= threshold, CALLER_ONSET_FRAMES, CALLER_BRIDGED_FRAMES)


def agent_episodes(levels: Levels) -> list[Span]:
    """Where the agent speaks; pauses of up to 300 ms are part of an episode.

    An episode starts with three frames over max(-50 dBFS, noise + 12 dB). The hang-over of 200 ms
    keeps it alive and is not part of it: it ends with its last frame over the threshold.
    """
    threshold = max(AGENT_LEAST_DB, noise_db(levels) + OVER_NOISE_DB)
    return merged(
        _spells(levels >= threshold, AGENT_ONSET_FRAMES, AGENT_HANG_OVER_FRAMES), AGENT_MERGED_S
    )


def merged(spans: Iterable[Span], gap_s: float) -> list[Span]:
    """Spans in order of time, those at most `gap_s` apart made one."""
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.start_s - out[-1].end_s <= gap_s + FRAME_S / 100:
            out[-1] = Span(out[-1].start_s, max(out[-1].end_s, span.end_s))
        else:
            out.append(span)
    return out


def overlaps(ours: Sequence[Span], theirs: Sequence[Span]) -> list[tuple[Span, Span, float]]:
    """Every pair that overlaps, and for how many seconds."""
    pairs = ((a, b, a.overlap_s(b)) for a in ours for b in theirs)
    return [pair for pair in pairs if pair[2] > 0]


def _spells(loud: NDArray[np.bool_], onset: int, bridge: int) -> list[Span]:
    """Spells that begin with `onset` loud frames and bridge up to `bridge` quiet ones."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False])).astype(np.int8)))
    spells: list[tuple[int, int]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if spells and start - spells[-1][1] <= bridge:
            spells[-1] = (spells[-1][0], end)
        elif end - start >= onset:
            spells.append((start, end))
    return [Span(round(a * FRAME_S, 2), round(b * FRAME_S, 2)) for a, b in spells]
