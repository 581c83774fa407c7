"""Somebody speaks over the agent: how far it gives way, and whose floor it is in the end. Pure.

The agent gives way in steps that can all be taken back: it is turned down at the first sound,
and held at its sample once the sound is likelier to want the floor than not. Being held costs
nothing while the caller speaks: the decision itself is left to the end of their speech, when
everything is known, or to `yield_after_s`. So no guess of a recogniser ever ends a reply. And as
"oh wait" may go on with "that's great", what sounds like an interruption is only obeyed for good
when nothing has followed for `settle_s`; the agent is held, so nobody hears it hesitate.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto

from agent.core.backchannel import wants_floor
from agent.core.turn_config import TurnConfig
from agent.core.words import CallerWords

UNKNOWN = 0.81
"""What a sound says that nobody has judged: who speaks over the agent probably wants the floor. It
is enough to hold the reply, and not to give it up without a word."""

SURE = 0.02
"""No sound is surer than this or its complement: words must be able to outweigh it."""


class Verdict(Enum):
    """What follows for the agent's reply."""

    AS_IT_IS = auto()
    DUCK = auto()  # held for a murmur: go on, quietly
    HOLD = auto()
    RESUME = auto()
    YIELD = auto()


@dataclass(frozen=True, slots=True)
class Overlap:
    """Speech over the agent so far.

    Attributes:
        since: loop time at which it began.
        quiet: loop time at which the caller last fell silent in it.
        caller: 0..1, that by its sound it is the caller's, and meant for the agent.
        floor: 0..1, that by its sound it wants the floor, if it is.
        hush: how far the agent has given way: Verdict.DUCK or Verdict.HOLD.
    """

    since: float
    quiet: float = 0.0
    caller: float = 1.0
    floor: float = UNKNOWN
    hush: Verdict = Verdict.DUCK

    def wish(self, text: str, *, final: bool, config: TurnConfig) -> float:
        """0..1: that the caller wants the floor, by sound and words together.

        The words say what is wanted, not who wants it: a bystander's "stop" is nobody's.
        """
        floor = min(1 - SURE, max(SURE, self.floor))
        odds = math.log(floor / (1 - floor))
        odds += wants_floor(text, final=final, backchannels=config.backchannels)
        return min(1.0, max(0.0, self.caller)) / (1 + math.exp(-odds))

    def look(self, words: CallerWords, now: float, config: TurnConfig) -> tuple[Verdict, float]:
        """What follows for the reply, and the loop time at which to look again."""
        if words.speaking():
            points = self.since + config.hold_after_s, self.since + config.yield_after_s
            return self.speaking(words.over(), now, config), _next(now, *points)
        points = self.quiet + config.settle_s, self.quiet + config.final_wait_s
        final = not words.waiting()
        return self.silent(words.over(), now, final=final, config=config), _next(now, *points)

    def speaking(self, text: str, now: float, config: TurnConfig) -> Verdict:
        """While the caller goes on."""
        if now >= self.since + config.yield_after_s:
            return Verdict.YIELD
        wish = self.wish(text, final=False, config=config)
        if self.hush is Verdict.HOLD:
            return Verdict.DUCK if wish < config.murmur_below else Verdict.AS_IT_IS
        may_hold = now >= self.since + config.hold_after_s
        return Verdict.HOLD if may_hold and wish >= config.hold_above else Verdict.AS_IT_IS

    def silent(self, text: str, now: float, *, final: bool, config: TurnConfig) -> Verdict:
        """When the caller has fallen silent; `final`: their words will not change any more."""
        wish = self.wish(text, final=final, config=config)
        if final and wish >= config.yield_above:
            if now >= self.quiet + config.settle_s:
                return Verdict.YIELD
            return Verdict.AS_IT_IS if self.hush is Verdict.HOLD else Verdict.HOLD
        is_late = now >= self.quiet + config.final_wait_s
        if final or is_late or wish < config.murmur_below:
            return Verdict.RESUME
        return Verdict.AS_IT_IS


def is_murmur(text: str, config: TurnConfig) -> bool:
    """Whether words that nobody heard the sound of were only a sign of listening."""
    return Overlap(0.0).wish(text, final=True, config=config) < config.yield_above


def _next(now: float, *points: float) -> float:
    return min((point for point in points if point > now), default=now)
