"""Sounds that are nothing to the agent: does it talk on through them, and stay quiet after them?"""

import re
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from agent.core.audio import Samples
from agent.core.calls import Json
from floorbench.activity import Span
from floorbench.score.heard import EPS_S, REPLY_EARLY_S, STOP_SILENCE_S, Heard
from floorbench.score.outcome import Measure, Outcome, Verdict, not_counted
from floorbench.score.turns import MISSED_AFTER_S
from floorbench.session import CallerEvent, Expect

STOP_WITHIN_S = 1.0
"""A silence that begins later than this after the sound is not about it."""
RESUME_WITHIN_S = 2.0
ANSWER_WITHIN_S = 2.0
BETWEEN_SENTENCES_S = 1.0
REPEATED_LEAST_S = 0.3
SAME = 0.8
"""Correlation from which two stretches of sound are the same one, played twice."""
SEARCHED_S = 4.0

LISTENING = frozenset({"backchannel"})
VOCAL = frozenset("cough laugh vocal vocal_tic tic filler breath sneeze sigh throat".split())
SPEECH = frozenset("side_talk background background_speech bystander".split())
KEYS = frozenset("key keys dtmf digit fax fax_tone".split())
SILENCE = frozenset({"silence", "long_silence"})

KEPT: Mapping[str, Measure] = MappingProxyType(
    {
        "S_BC": Measure.KEPT_BC,
        "S_VT": Measure.KEPT_VT,
        "S_ND": Measure.KEPT_ND,
        "S_NOISE": Measure.KEPT_NOISE,
    }
)


def group_of(kind: str, params: Mapping[str, Json]) -> str:
    """S_BC, S_VT, S_ND or S_NOISE; nothing for keys, which are none of them.

    By the event's kind; of a noise, by the name of the sound: a cough is vocal.
    """
    sound = params.get("noise")
    words = {kind, *re.findall("[a-z_]+", sound.lower() if isinstance(sound, str) else "")}
    kinds = (("S_BC", LISTENING), ("", KEYS), ("S_VT", VOCAL), ("S_ND", SPEECH))
    return next((name for name, known in kinds if words & known), "S_NOISE")


def ignored_verdict(event: CallerEvent, heard: Heard) -> Verdict:
    """What the agent made of it; the two cases have nothing in common."""
    if event.kind in SILENCE:
        return _long_silence(event, heard)
    talking = heard.talking_at(event.t_on)
    if talking is not None:
        return _while_talking(event, heard, talking)
    return _while_silent(event, heard)


def _while_talking(event: CallerEvent, heard: Heard, talking: Span) -> Verdict:
    last_s = event.t_off + STOP_WITHIN_S
    claimed_s = heard.claimed_after(event, event.t_on)
    last_s = min(last_s, claimed_s - 2 * EPS_S)
    false_stop = heard.stopped(talking) and talking.end_s <= last_s + EPS_S
    if not false_stop and heard.duration_s < last_s + STOP_SILENCE_S - EPS_S:
        return not_counted("the recording ends before it could be seen to talk on")
    figures = {Measure.FALSE_STOP: float(false_stop)}
    group = group_of(event.kind, event.params)
    if group:
        figures[KEPT[group]] = 1.0 - figures[Measure.FALSE_STOP]
    if not false_stop:
        return Verdict(Outcome.TALKED_ON, figures)
    return _after_a_stop(event, heard, talking, figures)


def _after_a_stop(
    event: CallerEvent, heard: Heard, talking: Span, figures: dict[Measure, float]
) -> Verdict:
    until_s = event.t_off + RESUME_WITHIN_S
    claimed_s = heard.claimed_after(event, event.t_on)
    last_s = min(until_s, claimed_s - 2 * EPS_S)  # later it answers what the caller said since
    back = next(iter(heard.onsets(talking.end_s + EPS_S, last_s)), None)
    if back is None and claimed_s < min(until_s, heard.duration_s):
        return Verdict(Outcome.STOPPED, figures, "the caller spoke on before it could come back")
    if back is None and heard.duration_s < until_s:
        return Verdict(Outcome.STOPPED, figures, "the recording ends before it could come back")
    figures[Measure.ABANDON] = float(back is None)
    if back is None:
        return Verdict(Outcome.ABANDONED, figures)
    figures[Measure.HOLE] = back.start_s - talking.end_s
    recording = heard.session.recording
    again_s = repeated_s(recording.agent, recording.rate, talking.end_s, back.start_s)
    figures[Measure.REPEATED] = again_s if again_s >= REPEATED_LEAST_S else 0.0
    return Verdict(Outcome.STOPPED, figures)


def _while_silent(event: CallerEvent, heard: Heard) -> Verdict:
    before_s = max((e.end_s for e in heard.agent if e.start_s < event.t_on - EPS_S), default=-1e9)
    if event.t_on - before_s < BETWEEN_SENTENCES_S - EPS_S:
        return not_counted("the agent was between two sentences")
    if _owes_a_reply(event, heard):
        return not_counted("the agent still owed the caller a reply")
    until_s = min(event.t_off + ANSWER_WITHIN_S, heard.claimed_after(event, event.t_on))
    answered = bool(heard.onsets(event.t_on, until_s))
    if not answered and heard.duration_s < until_s - EPS_S:
        return not_counted("the recording ends before it could be seen to stay quiet")
    outcome = Outcome.ANSWERED if answered else Outcome.QUIET
    return Verdict(outcome, {Measure.FALSE_RESPONSE: float(answered)})


def _long_silence(event: CallerEvent, heard: Heard) -> Verdict:
    """Nothing is said for long: one prompt is welcome, or as many as `params.prompts` says."""
    allowed = event.params.get("prompts", 1)
    prompts = len(heard.onsets(event.t_on, event.t_off))
    answered = prompts > (allowed if isinstance(allowed, int) else 1)
    outcome = Outcome.ANSWERED if answered else Outcome.QUIET
    return Verdict(outcome, {Measure.FALSE_RESPONSE: float(answered)}, f"{prompts} prompts")


def _owes_a_reply(event: CallerEvent, heard: Heard) -> bool:
    """A turn ended within the last 5 s and nothing has been said to it."""
    return any(
        other.expect in (Expect.REPLY, Expect.YIELD)
        and 0 <= event.t_on - other.t_off < MISSED_AFTER_S
        and not heard.onsets(other.t_off - REPLY_EARLY_S, event.t_on)
        for other in heard.session.events
    )


def repeated_s(agent: Samples, rate: int, stop_s: float, back_s: float) -> float:
    """How much of what was heard before a stop is played again after it, in seconds.

    The first 300 ms after the stop are looked for in the 4 s before it; 0 if they are not there.
    """
    stop, back, size = round(stop_s * rate), round(back_s * rate), round(REPEATED_LEAST_S * rate)
    before = agent[max(stop - round(SEARCHED_S * rate), 0) : stop].astype(np.float64)
    wanted = agent[back : back + size].astype(np.float64)
    if len(before) < size or len(wanted) < size or not wanted.any():
        return 0.0
    length = 1 << (len(before) + size).bit_length()
    spectrum = np.fft.rfft(before, length) * np.conj(np.fft.rfft(wanted, length))
    product = np.fft.irfft(spectrum, length)[: len(before) - size + 1]
    sums = np.concatenate(([0.0], np.cumsum(before**2)))
    energy = (sums[size:] - sums[:-size]) * np.sum(wanted**2)
    alike = product / np.sqrt(np.maximum(energy, 1e-12))
    best = int(np.argmax(alike))
    return (len(before) - best) / rate if alike[best] >= SAME else 0.0
