"""Compiled grammars of one decoder."""

import hashlib
from typing import Any

from agent.core.errors import EngineFailed
from pipelines.engines.sphinx_pipe import KEPT
from pipelines.engines.sphinx_pronounce import Pronouncer
from pipelines.engines.sphinx_text import grammar_words


class Grammars:
    """The grammars used last, ready to be used again."""

    def __init__(self, decoder: Any, pronouncer: Pronouncer) -> None:
        """For a `pocketsphinx.Decoder` and its dictionary."""
        self._decoder = decoder
        self._pronouncer = pronouncer
        self._compiled: dict[str, Any] = {}  # oldest first

    def use(self, grammar: str) -> None:
        """Search for what this JSGF grammar produces, from the next utterance on.

        Raises:
            EngineFailed: it is not JSGF, or has a word that cannot be pronounced.
        """
        found = self._compiled.pop(grammar, None) or self._compile(grammar)
        self._compiled[grammar] = found
        self._decoder.activate_search(_name(grammar))
        if len(self._compiled) > KEPT:
            oldest = next(iter(self._compiled))
            self._decoder.remove_search(_name(oldest))
            del self._compiled[oldest]

    def is_whole(self, words: str) -> bool:
        """Whether the grammar in use can produce exactly these words."""
        newest = next(reversed(self._compiled.values()))
        return bool(newest.accept(words))

    def _compile(self, grammar: str) -> Any:
        self._pronouncer.learn(grammar_words(grammar))
        try:
            compiled = self._decoder.parse_jsgf(grammar)
            self._decoder.add_fsg(_name(grammar), compiled)
        except (ValueError, RuntimeError) as fault:
            raise EngineFailed(
                "pocketsphinx",
                f"expected a JSGF grammar, found one it cannot use ({fault}): {grammar[:200]}",
            ) from fault
        return compiled


def _name(grammar: str) -> str:
    return hashlib.sha256(grammar.encode()).hexdigest()
