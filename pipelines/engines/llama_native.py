"""llama.cpp through its C functions: tokens, steps of many sequences, choices. One thread only."""

import ctypes
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
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

FEW = 256
"""A grammar looks at the likeliest tokens first: at all of a large vocabulary takes long."""

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
        with _overheard(library) as lines:
            model = library.llama_model_load_from_file(
                str(path).encode(), _model_params(library, settings)
            )
        if not model:
            raise EngineUnavailable(
                NAME,
                f"model: expected GGUF as llama-cpp-python {library.__version__} reads it, found "
                f"{path}: {_reason(lines)}",
            )
        trained = library.llama_model_n_ctx_train(model)
        is_too_long = settings.context_tokens > trained
        params = _params(library, settings, room)
        opened = None if is_too_long else library.llama_init_from_model(model, params)
        if not opened:
            library.llama_model_free(model)
            raise EngineUnavailable(
                NAME, _too_long(trained, settings) if is_too_long else _too_much(settings)
            )
        return cls(library, model, opened, room)

    def close(self) -> None:
        """Give the memory back. Nothing else may be called afterwards."""
        opened, self._opened = self._opened, None
        if opened:
            self._lib.llama_batch_free(self._batch)
            self._lib.llama_free(opened)
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
        return [
            text for n in found if (text := self.piece(n, marks=True).decode("utf-8", "ignore"))
        ]

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

    def prompt_tokens(self, text: str) -> list[int]:
        """A whole prompt: with the token that begins a text, where the model wants it."""
        lib, words = self._lib, self._vocabulary
        found, begin = self.tokens(text), lib.llama_vocab_bos(words)
        wants = lib.llama_vocab_get_add_bos(words) and begin >= 0 and found[:1] != [begin]
        return [begin, *found] if wants else found

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

    def copy(self, source: int, target: int) -> None:
        """`target`, which is empty, remembers what `source` does. Whole: parts cannot be copied."""
        self._lib.llama_memory_seq_cp(self._memory, source, target, -1, -1)

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
            raise EngineFailed(
                NAME, "the tools' parameters make no grammar; simplify their schemas"
            )
        return made

    def free(self, chooser: Any) -> None:
        """Give dice or a grammar back."""
        self._lib.llama_sampler_free(chooser)

    def choose(self, dice: Any, row: int) -> int:
        """The token after this row of the last step, or BROKEN."""
        if not math.isfinite(self._logits(row).max()):
            return BROKEN
        return int(self._lib.llama_sampler_sample(dice, self._opened, row))

    def choose_by(self, grammar: Any, row: int) -> int:
        """The likeliest token that the grammar allows, or BROKEN if it allows none.

        The choice is made here: llama.cpp ends the whole process over a token that its grammar
        does not allow.
        """
        logits = self._logits(row)
        if not math.isfinite(logits.max()):
            return BROKEN
        likely = np.argpartition(logits, -min(FEW, self._size))[-FEW:]
        for some in (likely, np.arange(self._size)):
            best = self._allowed(grammar, some, logits[some])
            if math.isfinite(best["logit"]):
                self._lib.llama_sampler_accept(grammar, int(best["id"]))
                return int(best["id"])
        return BROKEN

    def _allowed(self, grammar: Any, tokens: NDArray[np.intp], logits: NDArray[np.float32]) -> Any:
        """The best of some tokens; its logit is minus infinity where none of them is allowed."""
        lib, found = self._lib, np.zeros(len(tokens), _CANDIDATE)
        found["id"], found["logit"] = tokens, logits
        data = found.ctypes.data_as(lib.llama_token_data_p)
        candidates = lib.llama_token_data_array(data, len(tokens), -1, False)
        lib.llama_sampler_apply(grammar, ctypes.byref(candidates))
        return found[np.argmax(found["logit"])]

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
    found.kv_unified = False  # a memory for each sequence: else each computes with those of all
    found.swa_full = True  # else a model with sliding windows forgets what is to be continued
    if not settings.gpu_layers:
        # On a CPU its fast path is for steps of 64 tokens; a turn's 50 new words took 8 times as
        # long with it (docs/engines/llama.md).
        found.flash_attn_type = library.LLAMA_FLASH_ATTN_TYPE_DISABLED
    found.no_perf = True
    return found


@contextmanager
def _overheard(library: Any) -> Iterator[list[str]]:
    """What the library would print, which is the only way in which it gives reasons."""
    lines: list[str] = []
    listen = library.llama_log_callback(lambda _level, text, _data: lines.append(text.decode()))
    library.llama_log_set(listen, None)
    try:
        yield lines
    finally:
        library.llama_log_set(import_module("llama_cpp._logger").llama_log_callback, None)


def _reason(lines: Sequence[str]) -> str:
    found = [line.rpartition("error loading model: ")[2] for line in lines if "error" in line]
    return found[-1].strip() if found else "no reason given; perhaps it does not fit into memory"


def _too_long(trained: int, settings: LlamaSettings) -> str:
    return (
        f"context_tokens: expected at most {trained}, which the model was trained on, found "
        f"{settings.context_tokens}"
    )


def _too_much(settings: LlamaSettings) -> str:
    return (
        f"no memory for {settings.calls} calls of {settings.context_tokens} tokens; lower calls "
        "or context_tokens, or gpu_layers where the card's memory is full"
    )
