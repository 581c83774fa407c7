"""Which conversation a model's sequences remember, and which of them the next prompt takes over.

A sequence is a row of tokens whose keys and values the model has kept. A prompt that begins as one
of them does pays for its new tokens only. Nobody says which call a prompt belongs to: it goes where
the least is forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Kept:
    """One sequence.

    Attributes:
        number: the model's name for it.
        tokens: what the model has computed in it.
        busy: a reply is being written there.
        worth: the age at which it was last used: what is old is forgotten first.
    """

    number: int
    tokens: list[int] = field(default_factory=list)
    busy: bool = False
    worth: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """Where a prompt goes: its first `known` tokens are in the sequence `source` already."""

    kept: Kept
    source: int
    known: int


class Sequences:
    """All sequences of one model. Pure bookkeeping: what it says has to be done to the model."""

    def __init__(self, count: int) -> None:
        self._all = [Kept(number) for number in range(count)]
        self._age = 0

    def take(self, prompt: Sequence[int]) -> Taken:
        """The place for a prompt; busy until `give_back`. One sequence at least must be free.

        The one goes whose loss, in tokens that stand nowhere else, together with its age is least
        (GreedyDual). A prepared reply that is prepared again so overwrites its own last words, a
        new call takes what nobody used for long, and instructions are computed once for all calls.

        Source: N. Young, "On-line caching as cache size varies", SODA 1991.
        """
        tokens = list(prompt)
        known = {kept.number: common(kept.tokens, tokens) for kept in self._all}
        source = max(known, key=lambda number: known[number])
        chosen = min(
            (kept for kept in self._all if not kept.busy),
            key=lambda kept: (
                kept.worth + self._loss(kept, known[kept.number]),
                kept.number != source,  # in place, rather than copied
            ),
        )
        self._age = max(self._age, chosen.worth + self._loss(chosen, known[chosen.number]))
        chosen.busy = True
        # The last token is computed again even if it is known: its outcome is not kept.
        return Taken(chosen, source, min(known[source], len(tokens) - 1))

    def give_back(self, kept: Kept) -> None:
        """Its reply is over; what it holds may be continued."""
        kept.busy, kept.worth = False, self._age

    def _loss(self, kept: Kept, in_prompt: int) -> int:
        """How many tokens nobody would have any more, if the prompt were written over it."""
        elsewhere = (common(kept.tokens, o.tokens) for o in self._all if o is not kept)
        return len(kept.tokens) - max(in_prompt, *elsewhere, 0)


def common(one: list[int], other: list[int]) -> int:
    """How many tokens both begin with."""
    least, most = 0, min(len(one), len(other))
    while least < most:  # halving, because slices are compared a thousand times faster than items
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least
