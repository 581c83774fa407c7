"""Scenarios with sounds over the agent: S3, S4, S6, S7, S13; the last three also in silence."""

from collections.abc import Callable

import numpy as np

from floorbench.scenarios.deck import AFTER_AGENT, Deck, about, levelled, sounding, spoken
from floorbench.scenarios.plan import Cue, SessionPlan, Step, When
from floorbench.scenarios.turns import plan
from floorbench.session import RATE, Expect
from floorbench.stimuli.library import Role
from floorbench.stimuli.noises import KEY_HZ, burst, tones
from floorbench.stimuli.signal import Signal, at_level, faded, filtered, shaped

BACKCHANNELS_S = ((1.0, 2.0), (3.5, 5.0), (6.5, 8.0))
"""How far into the agent's speech the backchannels come."""

INTERRUPTS_S = (0.5, 4.0)
SNRS_DB = (-5.0, 0.0, 5.0, 10.0, 15.0)
KEYS = "56789*#"
"""Keys that a menu seldom has; those that mean something to the agent would rightly be answered."""

KEY_S = 0.07
FAX_HZ, FAX_S = 1100, 0.5  # Source: ITU-T T.30, the calling tone CNG
KEY_LEVEL_DB = -12.0  # dBFS; keys are louder than speech

_BARE_STOP_EVERY = 4
_IN_SILENCE = Cue(When.AFTER_AGENT, 1.0)
_AFTER_SILENCE = Cue(When.BOTH_QUIET, 2.3)  # a false response comes within 2.0 s
_LONGEST_BURST_S = 4.0
_SIDE_S = (2.0, 4.0)


def backchannels(deck: Deck) -> SessionPlan:
    """S3: three small signs of listening in each answer, inside clauses and at their ends."""
    steps = []
    for _ in range(1 if deck.short else 2):
        steps.append(deck.ask())
        for number, (low, high) in enumerate(BACKCHANNELS_S):
            at_end = (deck.index + number) % 2 == 1
            cue = Cue(When.AT_CLAUSE_END if at_end else When.INTO_AGENT, deck.between(low, high))
            steps.append(spoken(deck.draw(Role.BACKCHANNEL), cue, "backchannel", Expect.IGNORE,
                                place="clause end" if at_end else "inside"))  # fmt: skip
    return plan(deck, steps)


def interruptions(deck: Deck) -> SessionPlan:
    """S4: a new request 0.5 to 4 s into the agent's answer; every fourth is a bare stop."""
    steps = []
    count = 1 if deck.short else 3
    for number in range(count):
        bare = (count * deck.index + number) % _BARE_STOP_EVERY == _BARE_STOP_EVERY - 1
        stimulus = deck.draw(Role.STOP if bare else Role.INTERRUPTION)
        cue = Cue(When.INTO_AGENT, deck.between(*INTERRUPTS_S))
        steps += [
            deck.ask(),
            spoken(stimulus, cue, "interruption", Expect.YIELD, bare=bare, into_s=cue.after_s),
        ]
    return plan(deck, steps)


def _disturbed(deck: Deck, disturb: Callable[[Deck, int, Cue], Step]) -> SessionPlan:
    """Answers, each disturbed, and silences, each disturbed."""
    steps: list[Step] = []
    count = 1 if deck.short else 2
    for number in range(count):
        place = count * deck.index + number
        steps += [
            deck.turn(Role.LONG, _AFTER_SILENCE if number else AFTER_AGENT),
            disturb(deck, place, Cue(When.INTO_AGENT, deck.between(1.5, 3.0))),
            disturb(deck, place, _IN_SILENCE),
        ]
    return plan(deck, steps)


def side_talk(deck: Deck) -> SessionPlan:
    """S6: somebody says something to somebody else, near the caller or in the background."""
    return _disturbed(deck, _side_talk)


def _side_talk(deck: Deck, number: int, cue: Cue) -> Step:
    stimulus = deck.draw(Role.SIDE)
    signal = _clip(stimulus.signal, deck.between(*_SIDE_S), deck)
    near = (number + cue.needs_agent) % 2 == 0
    heard = levelled(_turned_away(signal), 8.0) if near else levelled(_far_off(signal), 15.0)
    return sounding(heard, cue, "side_talk", Expect.IGNORE, **about(stimulus),
                    place="beside" if near else "background")  # fmt: skip


def _turned_away(signal: Signal) -> Signal:
    """A mouth that points elsewhere: highs shelved down, and two reflections."""
    dull = shaped(signal, np.array([0.0, 1000.0, 3000.0, 8000.0]), np.array([0.0, 0.0, -9.0, -9.0]))
    taps = np.zeros(round(0.025 * RATE))
    taps[0], taps[round(0.011 * RATE)], taps[-1] = 1.0, 0.5, 0.35
    return filtered(dull, taps)


def _far_off(signal: Signal) -> Signal:
    """A voice from the next room: nothing above 3 kHz, and an echo after 100 ms."""
    dull = shaped(
        signal, np.array([0.0, 3000.0, 4000.0, 8000.0]), np.array([0.0, 0.0, -60.0, -60.0])
    )
    taps = np.zeros(round(0.1 * RATE) + 1)
    taps[0], taps[-1] = 1.0, 0.4
    return filtered(dull, taps)


def non_speech(deck: Deck) -> SessionPlan:
    """S7: coughs, keyboards, doors, horns … at -5 to 15 dB under the caller's voice."""
    return _disturbed(deck, _noise)


def _noise(deck: Deck, number: int, cue: Cue) -> Step:
    kinds = deck.library.bursts
    row, column = divmod(number + (0 if cue.needs_agent else len(kinds) // 2), len(kinds))
    snr_db = SNRS_DB[(row + column) % len(SNRS_DB)]
    name, signal = kinds[column], None
    if deck.library.has(Role.BURST) and row % 2 == 0:
        stimulus = deck.draw(Role.BURST)
        name, signal = stimulus.name, _clip(stimulus.signal, _LONGEST_BURST_S, deck)
    if signal is None:
        signal = burst(name, deck.rng)
    return sounding(levelled(signal, snr_db), cue, "noise", Expect.IGNORE,
                    noise=name, snr_db=snr_db)  # fmt: skip


def _clip(signal: Signal, longest_s: float, deck: Deck) -> Signal:
    """So much of a long recording, from somewhere in it."""
    count = round(longest_s * RATE)
    if len(signal) <= count:
        return signal
    start = int(deck.rng.integers(len(signal) - count))
    return faded(signal[start : start + count])


def keys(deck: Deck) -> SessionPlan:
    """S13: keys over the agent and in silence, there every second time a fax machine."""
    return _disturbed(deck, _key)


def _key(deck: Deck, number: int, cue: Cue) -> Step:
    if number % 2 and not cue.needs_agent:
        fax = at_level(tones((FAX_HZ,), FAX_S), KEY_LEVEL_DB)
        return sounding(fax, cue, "fax_tone", Expect.IGNORE, hz=FAX_HZ)
    key = KEYS[int(deck.rng.integers(len(KEYS)))]
    tone = at_level(tones(KEY_HZ[key], KEY_S), KEY_LEVEL_DB)
    step = sounding(tone, cue, "key", Expect.IGNORE, key=key)
    return Step(step.cue, step.sound, step.marks, key)
