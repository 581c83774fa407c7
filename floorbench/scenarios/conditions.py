"""S8, S9, S10: the plain scenarios again, in noise, with echo, over a bad network. And S14."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from agent.core.calls import Json
from floorbench.scenarios.deck import AFTER_AGENT, Deck, levelled
from floorbench.scenarios.over_agent import backchannels, interruptions
from floorbench.scenarios.plan import (
    Cue,
    Echo,
    Network,
    SessionPlan,
    Step,
    Surroundings,
    When,
)
from floorbench.scenarios.turns import pauses_inside, plan, smooth_turns
from floorbench.stimuli.library import Role, seeded
from floorbench.stimuli.noises import babble, pink, room_response
from floorbench.stimuli.signal import Signal, on_grid

BED_SNRS_DB = (20.0, 10.0, 5.0, 0.0)
BEDS = ("pink", "babble", "people")
RT60_S = (0.2, 0.5)
ECHO_DELAYS_S = (0.02, 0.06, 0.12, 0.25)
ECHO_LOSSES_DB = (20.0, 10.0, 0.0)
NETWORKS = (
    ("loss 1 %", Network(loss=0.01)),
    ("loss 2 %", Network(loss=0.02)),
    ("loss 5 %", Network(loss=0.05)),
    ("jitter 10 ms", Network(jitter_s=0.01)),
    ("jitter 30 ms", Network(jitter_s=0.03)),
    ("+80 ms", Network(delay_s=0.08)),
    ("+150 ms", Network(delay_s=0.15)),
    ("8 kHz mu-law", Network(mu_law=True)),
)
NETWORK_CUSHION_S = 0.1  # a telephone's receive buffer; jitter of 30 ms is within three sigma
SMOOTH = (smooth_turns, pauses_inside, backchannels, interruptions)

_BED_S = 20.0  # long enough that its repetition is not noticed in a minute
_CROWD, _PEOPLE = 8, 2
_REHEARSALS = 2

Make = Callable[[Deck], SessionPlan]


def _marked(made: SessionPlan, condition: str, **params: Json) -> tuple[Step, ...]:
    """The steps with the condition in the parameters of their events."""
    extra: dict[str, Json] = {"condition": condition, **params}
    return tuple(
        replace(s, marks=tuple(replace(m, params={**m.params, **extra}) for m in s.marks))
        for s in made.steps
    )


def _variant(deck: Deck, makes: tuple[Make, ...]) -> tuple[int, SessionPlan]:
    """Which condition, and the plain session under it: each condition has one with each recipe."""
    number, which = divmod(deck.index, len(makes))
    inner = Deck(deck.library, deck.scenario, number, deck.seed, deck.short)
    inner.rng = seeded(*deck.seeds, which)
    return number, replace(makes[which](inner), id=deck.name, seed=deck.seeds)


def in_noise(deck: Deck) -> SessionPlan:
    """S8: S1 to S4 in a bed of noise, from 20 dB under the caller's voice to its level."""
    number, made = _variant(deck, SMOOTH)
    name = BEDS[number % len(BEDS)]
    snr_db = BED_SNRS_DB[number // len(BEDS) % len(BED_SNRS_DB)]
    bed = levelled(_bed(name, deck), snr_db)
    steps = _marked(made, f"{name} at {snr_db:.0f} dB", bed=name, snr_db=snr_db)
    return replace(made, steps=steps, surroundings=Surroundings(bed=bed))


def _bed(name: str, deck: Deck) -> Signal:
    if name == "pink":
        return pink(_BED_S, deck.rng)
    if name == "people" and deck.library.has(Role.BED):
        return deck.draw(Role.BED).signal
    count = _CROWD if name == "babble" else _PEOPLE
    return babble([deck.draw(Role.STORY).signal for _ in range(count)], _BED_S, deck.rng)


def with_echo(deck: Deck) -> SessionPlan:
    """S9: the agent hears itself; S1, S3, S4, and a caller who only listens."""
    number, made = _variant(deck, (smooth_turns, backchannels, interruptions, _only_listening))
    rt60_s = RT60_S[number % len(RT60_S)]
    loss_db = ECHO_LOSSES_DB[number % len(ECHO_LOSSES_DB)]
    delay_s = ECHO_DELAYS_S[number // 2 % len(ECHO_DELAYS_S)]
    measured = _recorded(deck)
    taps = deck.library.room(deck.rng) if measured else room_response(rt60_s, deck.rng)
    taps = taps / np.sqrt(np.sum(taps**2))
    steps = _marked(made, f"echo {loss_db:.0f} dB", echo_loss_db=loss_db, echo_delay_s=delay_s,
                    rt60_s=None if measured else rt60_s)  # fmt: skip
    return replace(made, steps=steps, surroundings=Surroundings(echo=Echo(taps, delay_s, loss_db)))


def _recorded(deck: Deck) -> bool:
    """Every second session takes a recorded room where there are some."""
    return deck.library.has(Role.ROOM) and deck.index % 2 == 1


def _only_listening(deck: Deck) -> SessionPlan:
    return plan(deck, [deck.ask(), deck.ask()])


def over_network(deck: Deck) -> SessionPlan:
    """S10: S1 to S4 with loss, jitter, delay or on a telephone line."""
    number, made = _variant(deck, SMOOTH)
    name, network = NETWORKS[number % len(NETWORKS)]
    steps = _marked(made, name)
    return replace(made, steps=steps, network=network, cushion_s=NETWORK_CUSHION_S)


def rough(deck: Deck) -> SessionPlan:
    """S14: a turn before the agent is awake, hanging up in mid speech, calling again."""
    match deck.index % 3:
        case 0:
            first = Cue(When.START, 0.1)
            made = plan(deck, [deck.turn(Role.LONG, first), deck.turn(Role.QUESTION)])
            return replace(made, steps=_marked(made, "cold"))
        case 1:
            return _hangs_up(deck)
        case _:
            made = plan(deck, [deck.ask()])
            return replace(made, steps=_marked(made, "called again"), rehearsals=_REHEARSALS)


def _hangs_up(deck: Deck) -> SessionPlan:
    """In the middle of the agent's speech, or of the caller's own."""
    if deck.index // 3 % 2:
        made = plan(deck, [deck.ask()])
        return replace(made, steps=_marked(made, "hangs up on the agent"),
                       ending=Cue(When.INTO_AGENT, deck.between(0.5, 2.0)))  # fmt: skip
    question = deck.draw(Role.QUESTION)
    half = on_grid(question.signal[: len(question.samples) // 2])
    return replace(plan(deck, [Step(AFTER_AGENT, half)]), ending=Cue(When.AFTER_OWN, 0.0))
