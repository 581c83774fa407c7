"""Moshi in this process, where torch and moshi can be imported.

A worker serves it to other processes; `duplex_remote` is the same model seen from there.
"""

from agent.core.errors import EngineUnavailable
from pipelines.engines.duplex_batched import Batch, BatchedModel
from pipelines.engines.duplex_pauses import RecyclePolicy
from pipelines.engines.moshi_batch import MoshiBatch
from pipelines.engines.moshi_load import load
from pipelines.engines.moshi_prompt import Forced
from pipelines.engines.moshi_settings import NAME, MoshiSettings

FRAME_RATE = 12.5
"""Frames a second of every checkpoint that moshi's loaders know."""


class Moshi(BatchedModel[Forced]):
    """As many calls as the settings' slots, on one model."""

    @classmethod
    def load(cls, settings: MoshiSettings) -> "Moshi":
        """Seconds for a small model, a minute or more for a large one.

        Raises:
            EngineUnavailable: a package or file is missing, or the files do not fit each other.
        """

        def make() -> Batch[Forced]:
            try:
                return MoshiBatch(load(settings), settings.slots)
            except RuntimeError as fault:  # torch's word for a lack of memory, among others
                raise EngineUnavailable(
                    NAME, f"{settings.slots} slots on {settings.device}: {fault!s:.300}"
                ) from fault

        recycle = RecyclePolicy(
            round(settings.recycle_after_s * FRAME_RATE),
            round(settings.recycle_pause_s * FRAME_RATE),
        )
        return cls(make, NAME, recycle)
