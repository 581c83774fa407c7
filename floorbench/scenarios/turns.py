"""Scenarios in which the caller has the floor: S1, S2, S5, S11, S12 and S15."""

from dataclasses import replace

import numpy as np

from floorbench.activity import Span
from floorbench.scenarios.deck import (
    AFTER_AGENT,
    Deck,
    about,
    joined,
    pieces,
    sounding,
    spoken,
    with_pauses,
)
from floorbench.scenarios.plan import Cue, Mark, SessionPlan, Step, When
from floorbench.session import RATE, Expect
from floorbench.stimuli.library import Role, Stimulus
from floorbench.stimuli.noises import pink
from floorbench.stimuli.signal import Signal, at_level, on_grid, sha256, silent

PAUSES_S = (0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
DOUBLE_GAPS_S = (0.3, 0.6, 1.0, 1.5)
LONG_SILENCES_S = (10.0, 30.0, 60.0)
ROOM_TONE_DB = -60.0  # dBFS, a quiet office on a good microphone
MONOLOGUE_S = (20.0, 40.0)

_HESITATES_S = 0.25  # a shorter gap in somebody's own speech is articulation, not a pause
_GROUP_S = 0.08  # between the digits of a group
_DIGITS = 3


def plan(deck: Deck, steps: list[Step]) -> SessionPlan:
    """A session of these steps, named after its place."""
    return SessionPlan(deck.name, deck.scenario, tuple(steps), seed=deck.seeds)


def smooth_turns(deck: Deck) -> SessionPlan:
    """S1: questions of 1 to 6 s in several voices, short and long answers by turns."""
    roles = (Role.QUESTION, Role.LONG) if deck.index % 2 else (Role.LONG, Role.QUESTION)
    return plan(deck, [deck.turn(role) for role in roles * (1 if deck.short else 2)])


def pauses_inside(deck: Deck) -> SessionPlan:
    """S2: turns with a silence inside, at open and closed points, around fillers, in numbers."""
    count = 2 if deck.short else 3
    return plan(deck, [_with_pause(deck, count * deck.index + at) for at in range(count)])


def _with_pause(deck: Deck, number: int) -> Step:
    """Every kind with every length of pause comes once in `6 * kinds` turns."""
    kinds = [_at_open, _at_closed, _around_filler, _in_number]
    if deck.library.has(Role.NATURAL):
        kinds.append(_of_their_own)
    row, column = divmod(number, len(PAUSES_S))
    return kinds[(7 * row + column) % len(kinds)](deck, PAUSES_S[column])


def _at_open(deck: Deck, pause_s: float) -> Step:
    return _paused(deck.draw(Role.OPEN), pause_s, "open")


def _at_closed(deck: Deck, pause_s: float) -> Step:
    return _paused(deck.draw(Role.CLOSED), pause_s, "closed")


def _in_number(deck: Deck, pause_s: float) -> Step:
    if not deck.library.has(Role.DIGIT):
        return _paused(deck.draw(Role.DIGITS), pause_s, "number")
    first = deck.draw(Role.DIGIT)
    digits = [deck.draw(Role.DIGIT) for _ in range(2 * _DIGITS)]
    same = [d for d in digits if d.voice == first.voice]
    groups = [_group([first, *same[:2]]), _group((same or [first])[-_DIGITS:])]
    return _turn(joined(groups, [pause_s]), first, pause_s, "number")


def _group(digits: list[Stimulus]) -> Signal:
    return joined([d.signal for d in digits], [_GROUP_S] * (len(digits) - 1))


def _around_filler(deck: Deck, pause_s: float) -> Step:
    stimulus, filler = deck.draw(Role.OPEN), deck.draw(Role.FILLER)
    before, after = pieces(stimulus)
    signal = joined([before, filler.signal, after], [pause_s, pause_s])
    return _turn(signal, stimulus, pause_s, "filler")


def _of_their_own(deck: Deck, pause_s: float) -> Step:
    """A recorded hesitation; its pauses are as long as they are."""
    del pause_s
    stimulus = deck.draw(Role.NATURAL)
    turn = spoken(stimulus, AFTER_AGENT, "turn", Expect.REPLY)
    return with_pauses(turn, _HESITATES_S, place="natural")


def _paused(stimulus: Stimulus, pause_s: float, place: str) -> Step:
    parts = pieces(stimulus)
    return _turn(joined(parts, [pause_s] * (len(parts) - 1)), stimulus, pause_s, place)


def _turn(signal: Signal, stimulus: Stimulus, pause_s: float, place: str) -> Step:
    turn = sounding(signal, AFTER_AGENT, "turn", Expect.REPLY, **about(stimulus))
    return with_pauses(turn, _HESITATES_S, pause_s, place=place)


def look_alikes(deck: Deck) -> SessionPlan:
    """S5: words of a backchannel that answer, and words of an interruption that do not."""
    steps = []
    for number in range(1 if deck.short else 2):
        answer = spoken(
            deck.draw(Role.ANSWER), Cue(When.AFTER_AGENT, 0.4), "turn", Expect.REPLY,
            looks_like="backchannel",
        )  # fmt: skip
        agreement = spoken(
            deck.draw(Role.AGREEMENT), Cue(When.INTO_AGENT, deck.between(1.5, 4.0)),
            "backchannel", Expect.IGNORE, looks_like="interruption",
        )  # fmt: skip
        pair = [[deck.ask(), answer], [deck.ask(), agreement]]
        steps += [s for part in (pair if (deck.index + number) % 2 else pair[::-1]) for s in part]
    return plan(deck, steps)


def long_silence(deck: Deck) -> SessionPlan:
    """S11: a question, its answer, and then nothing, or room tone, for a long time."""
    seconds = LONG_SILENCES_S[deck.index % len(LONG_SILENCES_S)]
    tone = deck.index // len(LONG_SILENCES_S) % 2 == 1
    signal = at_level(pink(seconds, deck.rng), ROOM_TONE_DB) if tone else silent(seconds)
    samples = on_grid(signal)
    mark = Mark(
        "silence", Expect.IGNORE, Span(0.0, seconds), (),
        params={"sha256": sha256(samples), "silence_s": seconds, "room_tone": tone},
    )  # fmt: skip
    quiet = Step(AFTER_AGENT, samples, (mark,))
    return replace(plan(deck, [deck.ask(), quiet]), ending=Cue(When.AFTER_OWN, 0.0))


def double_turns(deck: Deck) -> SessionPlan:
    """S12: a second sentence soon after the first; one reply is due, to both."""
    steps = []
    for number in range(1 if deck.short else 3):
        gap_s = DOUBLE_GAPS_S[(3 * deck.index + number) % len(DOUBLE_GAPS_S)]
        first, second = deck.draw(Role.QUESTION), deck.draw(Role.LONG)
        signal = joined([first.signal, second.signal], [gap_s])
        steps.append(sounding(signal, AFTER_AGENT, "double_turn", Expect.REPLY,
                              **about(first), then=second.name, gap_s=gap_s))  # fmt: skip
    return plan(deck, steps)


def monologue(deck: Deck) -> SessionPlan:
    """S15: the caller talks for 20 to 40 s with short gaps, and ends with a question."""
    least_s = deck.between(*MONOLOGUE_S) * (0.5 if deck.short else 1.0)
    parts = [deck.draw(Role.STORY).signal]
    while sum(map(len, parts)) < least_s * RATE:
        parts.append(deck.draw(Role.STORY).signal)
    parts.append(deck.draw(Role.LONG).signal)
    gaps_s = np.round(deck.rng.uniform(0.15, 0.6, len(parts) - 1), 2).tolist()
    step = sounding(joined(parts, gaps_s), AFTER_AGENT, "monologue", Expect.REPLY,
                    sentences=len(parts))  # fmt: skip
    return plan(deck, [step])
