"""The judge without download: who speaks, by level and room; what for, by a small network."""

from dataclasses import dataclass, replace

from agent.core.audio import Samples
from agent.core.protocols import Judged
from pipelines.cascade.addressee.addressee import Addressee, Profile, Stretch
from pipelines.cascade.floor_wish.model import FloorWish, WishState

BREATH_S = 1.0
"""After a shorter pause the same voice goes on: what was heard before it still counts. The quiet
end of the caller's sentence is theirs, and the rest of a bystander's is the bystander's. On the
half for tuning callers fell below 0.2 in 1 of 252 stretches so, and in 5 where each began anew."""

NOT_THEIRS = 0.5
"""A stretch that ends below it was not taken for the caller's."""

DISMISSED = 3
"""Times in a row that somebody else spoke after which the caller's profile is given up; what goes
on after a breath is the same time. A caller who has moved away from the microphone must not be
ignored for the rest of the call."""

_WISHED_FROM = 8000
"""Samples before a stretch that tell the network how the line sounds: half a second."""


@dataclass(frozen=True, slots=True, eq=False)
class SoundState:
    """What is known of a call and of its present or last stretch of speech.

    Attributes:
        profile: how the caller sounds.
        stretch: None before anybody spoke.
        wish: the network's state in that stretch.
        caller: 0..1, what the stretch was judged last.
        dismissed: times in a row, before this one, that somebody else spoke.
    """

    profile: Profile
    stretch: Stretch | None = None
    wish: WishState | None = None
    caller: float = 1.0
    dismissed: int = 0


class SoundJudge:
    """A `SpeechJudge` for any number of calls."""

    def __init__(self, wish: FloorWish) -> None:
        self._addressee = Addressee()
        self._wish = wish

    @classmethod
    def load(cls) -> "SoundJudge":
        """Read the network's weights.

        Raises:
            EngineUnavailable: the file is missing.
        """
        return cls(FloorWish.load())

    def open(self) -> SoundState:
        """A call in which nobody spoke yet."""
        return SoundState(self._addressee.open())

    def begin(self, state: SoundState, before: Samples, pause_s: float) -> SoundState:
        """A stretch begins; as `SpeechJudge.begin`."""
        goes_on = pause_s <= BREATH_S
        dismissed = state.dismissed + (not goes_on) if state.caller < NOT_THEIRS else 0
        if dismissed >= DISMISSED:
            state, dismissed = self.open(), 0
        last = state.stretch if goes_on else None
        return replace(
            state,
            stretch=self._addressee.begin(state.profile, before, last),
            wish=self._wish.begin(before[-_WISHED_FROM:]),
            caller=1.0,
            dismissed=dismissed,
        )

    def step(self, state: SoundState, samples: Samples, speech: float) -> tuple[SoundState, Judged]:
        """The stretch goes on; as `SpeechJudge.step`."""
        if state.stretch is None or state.wish is None:
            raise AssertionError("a stretch must begin before it goes on")
        stretch, caller, reason = self._addressee.step(state.stretch, samples, speech)
        wish, floor = self._wish.step(state.wish, samples)
        after = replace(state, stretch=stretch, wish=wish, caller=caller)
        return after, Judged(caller, floor, reason)

    def learn(self, state: SoundState) -> SoundState:
        """The last stretch was the caller's; as `SpeechJudge.learn`."""
        if state.stretch is None:
            return state
        profile = self._addressee.learn(state.profile, state.stretch)
        return replace(state, profile=profile, dismissed=0)
