"""How the duplex pipeline behaves: the table [duplex]."""

from dataclasses import dataclass
from enum import StrEnum


class WhenFull(StrEnum):
    """What becomes of a call for which the model has no room."""

    REFUSE = "refuse"
    CASCADE = "cascade"


@dataclass(frozen=True, slots=True)
class DuplexConfig:
    """The table [duplex].

    Attributes:
        when_full: what becomes of a call for which the model has no room.
        deadline_s: a call is let in while a step with it will take less, at the 99th of 100: 10 ms
            of the 80 ms are left for the way to the model and back.
        max_lag_s: the model may be this far behind the sound; then the cascade takes over.
        miss_s: and this long without an answer.
        open_s: a seat may take this long to be ready.
        text_prompt: what the model is told before its first frame, where it takes text.
        voice_prompt: the name of its voice, where it has several.
        triggers: words of the model's that mean: ask the cascade's responder.
        answer_s: the responder's answer may be this long; the rest is left out.
    """

    when_full: WhenFull = WhenFull.REFUSE
    deadline_s: float = 0.07
    max_lag_s: float = 0.4
    miss_s: float = 1.0
    open_s: float = 5.0
    text_prompt: str = ""
    voice_prompt: str = ""
    triggers: tuple[str, ...] = ()
    answer_s: float = 20.0

    def __post_init__(self) -> None:
        """Raises ValueError for limits that nothing meets, or everything."""
        for name in ("deadline_s", "max_lag_s", "miss_s", "open_s", "answer_s"):
            value = float(getattr(self, name))
            if not 0 < value <= 60:
                raise ValueError(f"{name}: expected above 0 and at most 60 seconds, found {value}")
        if any(not trigger.split() for trigger in self.triggers):
            raise ValueError("triggers: expected words, found an empty one")
