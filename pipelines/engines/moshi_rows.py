"""One of moshi's modules while it streams for a fixed number of slots: its rows, one by one."""

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import numpy as np


def streaming(codec: Any, model: Any, slots: int, device: Any) -> "tuple[ExitStack, Rows, Rows]":
    """Both modules begin to stream, without gradients; closing the stack gives their state back."""
    import torch  # noqa: PLC0415  # takes seconds, and is in few environments

    stack = ExitStack()
    stack.enter_context(torch.no_grad())
    for module in (codec, model):
        stack.enter_context(module.streaming(slots))
    return stack, Rows(codec, slots, device), Rows(model, slots, device)


class Rows:
    """The rows of a codec's or language model's streaming state. Blocking.

    Rows know nothing of each other: one that is frozen keeps its state to the bit.
    """

    def __init__(self, module: Any, slots: int, device: Any) -> None:
        """`module` streams already."""
        self._module, self._slots, self._device = module, slots, device
        states = (getattr(part, "_streaming_state", None) for part in module.modules())
        caches = (getattr(state, "kv_cache", None) for state in states)
        self._caches = [cache for cache in caches if cache is not None]
        self._stepping: list[int] | None = None

    def let_step(self, rows: Iterable[int]) -> None:
        """Freeze all other rows. All layers are told, which takes a while: only when it changes."""
        chosen = sorted(rows)
        if self._stepping != chosen:
            self._module.set_exec_mask(self._mask(chosen))
            self._stepping = chosen

    def reset(self, rows: Iterable[int]) -> None:
        """Make these rows as new, and let them step.

        moshi's own reset hides what attention remembered behind weights of zero; a number that is
        none would go through those, and the row would speak nonsense in every later call.
        """
        chosen = sorted(rows)
        self._module.reset_streaming(self._mask(chosen))
        for cache in self._caches:
            cache.cache[:, chosen] = 0
        self._stepping = None

    def _mask(self, rows: list[int]) -> Any:
        import torch  # noqa: PLC0415  # takes seconds, and is in few environments

        mask = np.zeros(self._slots, np.bool_)
        mask[rows] = True
        return torch.from_numpy(mask).to(self._device)
