"""Is what the caller says over the agent a sign of listening, or do they want the floor?"""

from collections.abc import Collection, Iterable
from enum import Enum, auto


class Overlap(Enum):
    """What words said over the agent mean."""

    UNDECIDED = auto()
    BACKCHANNEL = auto()
    INTERRUPTION = auto()


BACKCHANNELS = frozenset(
    "uh-huh mm-hmm mm-hm mhm mm hmm hm uh um ah oh yeah yes yep okay ok right sure good great nice "
    "fine i see got it alright all wow really exactly thanks".split()
)
"""Words that, alone, leave the floor with the agent."""

STOP_WORDS = frozenset("stop wait no hold sorry excuse but actually pause quiet hang".split())
"""Words of which one, not yet certain, is enough to yield."""

WORDS_TO_YIELD = 2
"""Uncertain words, no backchannels, that are enough: one alone is often misrecognised."""


def judge(text: str, *, final: bool, backchannels: Collection[str] = BACKCHANNELS) -> Overlap:
    """What the words so far mean; more is asked of words that may still change.

    Args:
        text: the words said over the agent so far, lower case.
        final: they will not change any more.
        backchannels: words that are only a sign of listening.
    """
    words = _plain(text.split())
    if not words:
        return Overlap.BACKCHANNEL if final else Overlap.UNDECIDED
    signs = set(_plain(backchannels))
    others = [w for w in words if w not in signs]
    if not others:
        return Overlap.BACKCHANNEL
    if final or len(others) >= WORDS_TO_YIELD or any(w in STOP_WORDS for w in others):
        return Overlap.INTERRUPTION
    return Overlap.UNDECIDED


def _plain(words: Iterable[str]) -> list[str]:
    """Recognisers disagree on the hyphen of "uh-huh"."""
    return [word.replace("-", "") for word in words]
