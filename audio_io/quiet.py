"""Silence that nobody misses: frames to leave out, so that a delay once gained is lost again. Pure.

A far side's queue and our own grow when a machine is busy, and nothing makes them shrink while both
sides send a frame every 20 ms. In a silence that has lasted a while a frame less is not heard.
"""

import numpy as np

from agent.core.audio import AudioFrame

SILENT = 10 ** (-60 / 20)  # of full scale: nobody hears less on a telephone
LASTED_S = 0.3  # pauses between words are shorter
LEAD_S = 0.01
"""In such a silence a frame may go so much before its time, since a gap there is silent too; and
the frame after one that was left out comes so much later."""

_SURPLUS_S = 0.015


class Quiet:
    """Of one stream.

    Attributes:
        lasts: it is silent, and has been for a while.
        left_out: samples that were spared.
    """

    def __init__(self) -> None:
        self.lasts = False
        self.left_out = 0
        self._silent_s = 0.0

    def spares(self, frame: AudioFrame, pending_s: float, *, behind: bool) -> bool:
        """Whether the next frame of the stream can be left out, and should be; it is counted.

        Args:
            frame: it.
            pending_s: sound that is still to be played before it.
            behind: the agent has not heard all that came from the caller.
        """
        is_silent = np.abs(frame.samples).max(initial=0.0) <= SILENT
        self.lasts = bool(is_silent and self._silent_s >= LASTED_S)
        self._silent_s = self._silent_s + frame.duration_s if is_silent else 0.0
        spared = self.lasts and (pending_s > _SURPLUS_S or behind)
        self.left_out += len(frame.samples) if spared else 0
        return spared

    def lead_s(self, otherwise: float) -> float:
        """How much of the stream may be ahead of time now; `otherwise` where it must not dry up."""
        return LEAD_S if self.lasts else otherwise
