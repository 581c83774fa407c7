"""Replies of several calls, written by one model side by side. Used from one thread only.

A step computes some of the prompt, or the next token, of the reply that asks for it, and with it
the next token of every other reply that waits for one: a model reads its weights once per step, so
the others come almost for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.core.errors import EngineFailed
from pipelines.engines.llama_memory import Kept, Sequences
from pipelines.engines.llama_native import BROKEN, NAME, LlamaNative, Row
from pipelines.engines.llama_settings import LlamaSettings

RIDERS_TOKENS = 8
"""With so few tokens to compute a reply joins the step of another one. Of tokens chosen there is
one, and a few around a tool call."""


@dataclass(slots=True, eq=False)
class Writing:
    """A reply in progress.

    Attributes:
        kept: its sequence.
        dice: what chooses its tokens.
        due: tokens that are in the reply or its prompt, and not computed yet.
        chosen: the next token, once it is known.
        grammar: what its tokens have to follow, if anything.
    """

    kept: Kept
    dice: Any
    due: list[int]
    chosen: int | None = None
    grammar: Any = None
    choosers: list[Any] = field(default_factory=list)


class Batch:
    """All replies that one model writes at present."""

    def __init__(self, native: LlamaNative, settings: LlamaSettings) -> None:
        self._native, self._settings = native, settings
        self._sequences = Sequences(settings.calls)
        self._writings: list[Writing] = []
        self.computed = 0
        """Tokens computed since the model was loaded, for measurements."""

    @staticmethod
    def room(settings: LlamaSettings) -> int:
        """The most tokens of one step."""
        return settings.step_tokens + RIDERS_TOKENS * settings.calls

    def begin(self, prompt: Sequence[int]) -> Writing:
        """A reply to this prompt, of which what is known is not computed again."""
        taken = self._sequences.take(prompt)
        kept, known = taken.kept, taken.known
        if taken.source != kept.number:
            self._native.forget(kept.number, 0)
            self._native.copy(taken.source, kept.number)
        if not self._native.forget(kept.number, known):
            self._native.forget(kept.number, 0)
            known = 0
        kept.tokens = list(prompt[:known])
        dice = self._native.dice(self._settings)
        writing = Writing(kept, dice, list(prompt[known:]), choosers=[dice])
        self._writings.append(writing)
        return writing

    def prepare(self, writing: Writing) -> bool:
        """One step of the prompt; False when the first token is known."""
        if writing.chosen is None:
            self._step(writing)
        return writing.chosen is None

    def next(self, writing: Writing) -> int:
        """The next token of a reply, at most one step away once it is prepared.

        Raises:
            EngineFailed: the model refused the step, or its numbers are none.
        """
        while self.prepare(writing):
            pass
        token, writing.chosen = writing.chosen, None
        if token is None or token == BROKEN:
            raise EngineFailed(
                NAME,
                "the model's numbers are none (NaN): its file is damaged, or too coarsely "
                "quantised for this machine; take another file",
            )
        writing.due = [token]
        return token

    def oblige(self, writing: Writing, forced: Sequence[int], rules: str) -> None:
        """In place of the last token these follow, and then what a grammar allows."""
        writing.due = list(forced)
        writing.grammar = self._native.grammar(rules)
        writing.choosers.append(writing.grammar)

    def end(self, writing: Writing) -> None:
        """The reply is over, or given up; what was computed of it can be continued."""
        if writing in self._writings:
            self._writings.remove(writing)
            for chooser in writing.choosers:
                self._native.free(chooser)
            self._sequences.give_back(writing.kept)

    def close(self) -> None:
        """Give up what is being written, and the model's memory."""
        for writing in list(self._writings):
            self.end(writing)
        self._native.close()

    # --- one step -----------------------------------------------------------------------------

    def _step(self, writing: Writing) -> None:
        riders = [
            w
            for w in self._writings
            if w is not writing and w.chosen is None and len(w.due) <= RIDERS_TOKENS
        ]
        shares = [(writing, writing.due[: self._settings.step_tokens])]
        shares += [(w, list(w.due)) for w in riders]
        rows = [row for w, tokens in shares for row in _rows(w, tokens)]
        try:
            self._native.compute(rows)
        except EngineFailed:
            for w, _ in shares:  # part of a step may have been done
                self._native.forget(w.kept.number, len(w.kept.tokens))
            raise
        self.computed += len(rows)
        last = -1
        for w, tokens in shares:
            last += len(tokens)
            w.kept.tokens.extend(tokens)
            w.due = w.due[len(tokens) :]
            if not w.due:
                w.chosen = self._chosen(w, last)

    def _chosen(self, writing: Writing, row: int) -> int:
        if writing.grammar is not None:
            return self._native.choose_by(writing.grammar, row)
        return self._native.choose(writing.dice, row)


def _rows(writing: Writing, tokens: Sequence[int]) -> list[Row]:
    start, last = len(writing.kept.tokens), len(writing.due) - 1
    number = writing.kept.number
    return [Row(number, start + i, token, i == last) for i, token in enumerate(tokens)]
