"""llama.cpp through its C functions: tokens, steps of many sequences, choices. One thread only."""

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.core.errors import EngineFailed, EngineUnavailable
from pipelines.engines.llama_settings import LlamaSettings

NAME = "llama"

TOP_K, TOP_P = 40, 0.95
"""Unlikely tokens are never chosen. Source: the defaults of llama.cpp's own programs."""

BROKEN = -1
"""In place of a token: the model's numbers are no numbers any more."""

_PIECE_BYTES = 256
"""The longest token of any vocabulary known to us is 128 bytes; a longer one is asked for again."""

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


@dataclass(frozen=True, slots=True)
class Row:
    """A token to compute in a step; `wanted`: the next one will be chosen from its outcome."""

    sequence: int
    position: int
    token: int
    wanted: bool


class LlamaNative:
    """An open model with the memory of its sequences."""

    def __init__(self, library: Any, model: Any, opened: Any, room: int) -> None:
        self._lib, self._model, self._opened = library, model, opened
        self._vocabulary = library.llama_model_get_vocab(model)
        self._memory = library.llama_get_memory(opened)
        self._size = library.llama_vocab_n_tokens(self._vocabulary)
        self._batch = library.llama_batch_init(room, 0, 1)

    @classmethod
    def load(cls, library: Any, settings: LlamaSettings, room: int) -> "LlamaNative":
        """Read the file and make room; a step takes up to `room` tokens.

        Raises:
            EngineUnavailable: no such file, no model, or no memory for it.
        """
        path = Path(settings.model).expanduser()
        if not path.is_file():
            raise EngineUnavailable(NAME, f"model: expected a GGUF file, found nothing at {path}")
        model = library.llama_model_load_from_file(str(path).encode(), _model_params(library, settings))
        if not model:
            raise EngineUnavailable(
                NAME,
                f"model: {path} cannot be read as GGUF, or does not fit into memory; "
                "download it again, or take a smaller quantisation",
            )
        opened = None
        try:
            _refuse_longer(library.llama_model_n_ctx_train(model), settings)
            opened = library.llama_init_from_model(model, _params(library, settings, room))
            if not opened:
                raise EngineUnavailable(
                    NAME,
                    f"no memory for {settings.calls} calls of {settings.context_tokens} tokens; "
                    "lower calls or context_tokens",
                )
        except BaseException:
            library.llama_model_free(model)
            raise
        return cls(library, model, opened, room)

    def close(self) -> None:
        """Give the memory back. Nothing may be called afterwards."""
        self._lib.llama_batch_free(self._batch)
        self._lib.llama_free(self._opened)
        self._lib.llama_model_free(self._model)

    # --- words --------------------------------------------------------------------------------

    @property
    def template(self) -> str:
        """The chat template that the file carries, or empty."""
        return (self._lib.llama_model_chat_template(self._model, None) or b"").decode()

    @property
    def begin_end(self) -> tuple[str, str]:
        """The texts of the tokens that begin and end a text, as templates want them."""
        lib, words = self._lib, self._vocabulary
        tokens = (lib.llama_vocab_bos(words), lib.llama_vocab_eos(words))
        return tuple(self.piece(t, marks=True).decode() if t >= 0 else "" for t in tokens)  # type: ignore[return-value]

    def controls(self) -> list[str]:
        """The texts that the vocabulary reads as marks, such as the end of a message."""
        numbers = range(self._size)
        is_control = self._lib.llama_vocab_is_control
        found = [n for n in numbers if is_control(self._vocabulary, n)]
        return [text for n in found if (text := self.piece(n, marks=True).decode("utf-8", "ignore"))]

    def tokens(self, text: str) -> list[int]:
        """A text in which marks stand for themselves."""
        data = text.encode()
        room = len(data) + 8
        found = (self._lib.llama_token * room)()
        count = self._lib.llama_tokenize(
            self._vocabulary, data, len(data), found, room, False, True
        )
        if count < 0:
            raise EngineFailed(NAME, f"the vocabulary cannot read {text[:80]!r}")
        return list(found[:count])

    def piece(self, token: int, *, marks: bool = False) -> bytes:
        """What a token says; marks say nothing unless they are asked for."""
        room = _PIECE_BYTES
        while True:
            found = ctypes.create_string_buffer(room)
            count = self._lib.llama_token_to_piece(self._vocabulary, token, found, room, 0, marks)
            if count >= 0:
                return found.raw[:count]
            room = -count

    def ends(self, token: int) -> bool:
        """The model has nothing more to say."""
        return bool(self._lib.llama_vocab_is_eog(self._vocabulary, token))

    # --- steps --------------------------------------------------------------------------------

    def compute(self, rows: Sequence[Row]) -> None:
        """One step of the model.

        Raises:
            EngineFailed: it refused; none of the rows counts.
        """
        batch = self._batch
        batch.n_tokens = len(rows)
        for i, row in enumerate(rows):
            batch.token[i], batch.pos[i] = row.token, row.position
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, row.sequence
            batch.logits[i] = row.wanted
        code = self._lib.llama_decode(self._opened, batch)
        if code:
            raise EngineFailed(NAME, f"a step of {len(rows)} tokens failed with code {code}")

    def forget(self, sequence: int, start: int) -> bool:
        """Keep the first `start` tokens; False where this kind of model can only keep all."""
        return bool(self._lib.llama_memory_seq_rm(self._memory, sequence, start, -1))

    def copy(self, source: int, target: int, count: int) -> None:
        """`target`, which is empty, remembers the first `count` tokens of `source` too."""
        self._lib.llama_memory_seq_cp(self._memory, source, target, 0, count)

    # --- choices ------------------------------------------------------------------------------

    def dice(self, settings: LlamaSettings) -> Any:
        """What chooses the tokens of one reply; to be freed."""
        lib = self._lib
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        if settings.temperature == 0:
            parts = [lib.llama_sampler_init_greedy()]
        else:
            parts = [
                lib.llama_sampler_init_top_k(TOP_K),
                lib.llama_sampler_init_top_p(TOP_P, 1),
                lib.llama_sampler_init_temp(settings.temperature),
                lib.llama_sampler_init_dist(settings.seed),
            ]
        for part in parts:
            lib.llama_sampler_chain_add(chain, part)
        return chain

    def grammar(self, rules: str) -> Any:
        """What refuses tokens; to be freed. Raises EngineFailed where the rules make no sense."""
        made = self._lib.llama_sampler_init_grammar(self._vocabulary, rules.encode(), b"root")
        if not made:
            raise EngineFailed(NAME, "the tools' parameters make no grammar; simplify their schemas")
        return made

    def free(self, chooser: Any) -> None:
        """Give dice or a grammar back."""
        self._lib.llama_sampler_free(chooser)

    def choose(self, dice: Any, row: int) -> int:
        """The token after this row of the last step, or BROKEN."""
        if not np.isfinite(self._logits(row)).all():
            return BROKEN
        return int(self._lib.llama_sampler_sample(dice, self._opened, row))

    def choose_by(self, grammar: Any, row: int) -> int:
        """The likeliest token that the grammar allows, or BROKEN if it allows none.

        The choice is made here: llama.cpp ends the whole process over a token that its grammar
        does not allow.
        """
        found = np.zeros(self._size, _CANDIDATE)
        found["id"], found["logit"] = np.arange(self._size), self._logits(row)
        lib = self._lib
        data = found.ctypes.data_as(lib.llama_token_data_p)
        lib.llama_sampler_apply(
            grammar, ctypes.byref(lib.llama_token_data_array(data, self._size, -1, False))
        )
        best = found[np.argmax(found["logit"])]
        if not math.isfinite(best["logit"]):
            return BROKEN
        lib.llama_sampler_accept(grammar, int(best["id"]))
        return int(best["id"])

    def _logits(self, row: int) -> NDArray[np.float32]:
        found = self._lib.llama_get_logits_ith(self._opened, row)
        return np.ctypeslib.as_array(found, (self._size,))


def _model_params(library: Any, settings: LlamaSettings) -> Any:
    found = library.llama_model_default_params()
    found.n_gpu_layers = settings.gpu_layers
    return found


def _params(library: Any, settings: LlamaSettings, room: int) -> Any:
    found = library.llama_context_default_params()
    found.n_ctx = settings.context_tokens * settings.calls
    found.n_seq_max = settings.calls
    found.n_batch = found.n_ubatch = room
    found.n_threads = found.n_threads_batch = settings.threads
    found.kv_unified = True  # one memory, in which sequences share what they have in common
    found.swa_full = True  # else a model with sliding windows forgets what is to be continued
    found.no_perf = True
    return found


def _refuse_longer(trained: int, settings: LlamaSettings) -> None:
    if settings.context_tokens > trained:
        raise EngineUnavailable(
            NAME,
            f"context_tokens: the model was trained on {trained} tokens, "
            f"found {settings.context_tokens}",
        )
