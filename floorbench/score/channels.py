"""What a session comes to besides its events: overlap, drop-outs, the agent stopping by itself."""

from collections.abc import Sequence

import numpy as np

from agent.core.audio import Samples, level_db
from floorbench.activity import FRAME_S, Span, merged, overlaps
from floorbench.score.heard import Heard, is_sustained
from floorbench.score.ignored import LISTENING
from floorbench.score.outcome import Amount
from floorbench.session import CallerEvent, Expect

AFTER_EVENT_S = 2.0
"""So long after an event the agent's doings may still be about it."""
DROPPED = 1e-4
"""Three steps of 16 bits: nothing that was spoken stays under it for 10 ms between two words."""
DROPPED_DB = -80.0
SPOKEN_DB = -50.0
ABRUPT_S = 0.001
ABRUPT_DB = 12.0
"""Sound that is cut out is as loud to its last millisecond; a voice that pauses dies away first."""


def amounts(heard: Heard) -> dict[str, float]:
    """By `Amount`."""
    around = [
        Span(e.t_on, e.t_off + AFTER_EVENT_S) for e in heard.session.events if _is_placed(e, heard)
    ]
    taken = merged(around, 0.0)
    speech_s = sum(e.duration_s for e in heard.agent)
    taken_s = sum(seconds for *_, seconds in overlaps(heard.agent, taken))
    free = [e for e in heard.agent if heard.stopped(e) and not _within(e.end_s, taken)]
    found = {
        Amount.DURATION: heard.duration_s,
        Amount.AGENT_SPEECH: speech_s,
        Amount.FREE_SPEECH: speech_s - taken_s,
        Amount.FREE_STOPS: float(len(free)),
        Amount.UNDERRUN: underrun_s(heard),
        **_both_speak(heard),
    }
    return {str(name): round(value, 6) for name, value in found.items()}


def _both_speak(heard: Heard) -> dict[Amount, float]:
    """Seconds in which both speak, by who came in on the other; sounds of listening apart."""
    by_caller = by_agent = listening = 0.0
    events = [e for e in heard.session.events if _is_placed(e, heard)]
    for event in events:
        if event.expect is Expect.HOLD or not _speaks(event):
            continue
        for _, theirs, both_s in overlaps(event.parts, heard.agent):
            if event.kind in LISTENING or (not is_sustained(theirs) and _is_in(theirs, event)):
                listening += both_s
            elif event.t_on > theirs.start_s:
                by_caller += both_s
            else:
                by_agent += both_s
    return {
        Amount.BOTH_BY_CALLER: by_caller,
        Amount.BOTH_BY_AGENT: by_agent,
        Amount.BOTH_BACKCHANNEL: listening,
    }


def underrun_s(heard: Heard) -> float:
    """Seconds in which the agent's sound is cut out inside an episode, with speech on both sides.

    A run of next to no sound (10 ms or more, up to the 300 ms that end an episode) counts if the
    10 ms before it and after it are speech, up to its very edges. A voice that is made with gaps
    like that counts too, so this is an upper bound, to be compared for the same voice only.
    """
    levels = heard.agent_levels
    dropped = np.flatnonzero(np.diff((levels < DROPPED_DB).astype(np.int8), prepend=0, append=0))
    total = 0.0
    for start, end in zip(dropped[::2].tolist(), dropped[1::2].tolist(), strict=True):
        run = Span(start * FRAME_S, end * FRAME_S)
        if any(e.start_s < run.start_s and run.end_s < e.end_s for e in heard.agent):
            total += _cut_out_s(heard, start, end)
    return total


def _cut_out_s(heard: Heard, start: int, end: int) -> float:
    """The exact length of a cut-out that covers frames `start` to `end`, or 0 if it is a pause."""
    recording = heard.session.recording
    size = round(recording.rate * FRAME_S)
    first = max(start - 1, 0) * size
    around = np.abs(recording.agent[first : (end + 1) * size])
    loud = np.flatnonzero(around >= DROPPED)
    at = start * size - first
    before, after = loud[loud < at], loud[loud >= at]
    if len(before) == 0 or len(after) == 0:
        return 0.0
    cut = int(before[-1]) + 1, int(after[0])
    before_cut = around[max(cut[0] - size, 0) : cut[0]]
    after_cut = np.abs(recording.agent[first + cut[1] :][:size])
    edge = round(recording.rate * ABRUPT_S)
    sudden = _is_sudden(before_cut, before_cut[-edge:]) and _is_sudden(after_cut, after_cut[:edge])
    return (cut[1] - cut[0]) / recording.rate if sudden else 0.0


def _is_sudden(sound: Samples, at_edge: Samples) -> bool:
    spoken_db = level_db(sound)
    return spoken_db >= SPOKEN_DB and level_db(at_edge) >= spoken_db - ABRUPT_DB


def _speaks(event: CallerEvent) -> bool:
    return event.expect in (Expect.REPLY, Expect.YIELD) or event.kind in LISTENING


def _is_placed(event: CallerEvent, heard: Heard) -> bool:
    return 0 <= event.t_on <= event.t_off <= heard.duration_s


def _is_in(episode: Span, event: CallerEvent) -> bool:
    return event.t_on <= episode.start_s and episode.end_s <= event.t_off


def _within(at_s: float, spans: Sequence[Span]) -> bool:
    return any(s.start_s <= at_s <= s.end_s for s in spans)
