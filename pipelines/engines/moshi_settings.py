"""Which duplex model a worker runs and how: the settings of the engine `moshi`."""

from dataclasses import dataclass, field

NAME = "moshi"

NUMBERS = ("bfloat16", "float16", "float32")
"""Kinds of numbers the model's weights may be held in."""


@dataclass(frozen=True, slots=True)
class MoshiSettings:
    """One model and its batch. docs/duplex_worker.md explains each.

    Attributes:
        checkpoint: a folder with config.json and the files it names, the path of such a file, or
            hf://owner/name for a repository of the hub, fetched by moshi's own loader.
        device: as torch names it: cuda, cuda:1, cpu.
        numbers: what the weights are held in; float32 on a CPU, where bfloat16 is slow.
        slots: calls at once; the batch always has this size, taken or not.
        temperature: of the sound's codes, 0 for always the likeliest; None: the checkpoint's own.
        text_temperature: the same of the text.
        top_k: among how many codes the dice choose; None: the checkpoint's own.
        text_top_k: the same of the text.
        seed: of the dice.
        threads: of the CPU for one step. More than one is slower on busy cores.
        voices: voice prompts by name: WAV files at the model's rate, a few seconds each.
        recycle_after_s: a model hears worse once a call is longer than what it was trained on; so
            after this time it begins anew at the next pause; 0: never.
        recycle_pause_s: so long both must have been quiet for that.
    """

    checkpoint: str
    device: str = "cuda"
    numbers: str = "bfloat16"
    slots: int = 16
    temperature: float | None = None
    text_temperature: float | None = None
    top_k: int | None = None
    text_top_k: int | None = None
    seed: int = 1
    threads: int = 1
    voices: dict[str, str] = field(default_factory=dict)
    recycle_after_s: float = 240.0
    recycle_pause_s: float = 2.0

    def __post_init__(self) -> None:
        """Raises ValueError for what no model could do."""
        if not self.checkpoint:
            raise ValueError("checkpoint: expected a folder or hf://owner/name, found nothing")
        if self.numbers not in NUMBERS:
            raise ValueError(f"numbers: expected one of {', '.join(NUMBERS)}, found {self.numbers}")
        for name, number, least, most in (
            ("slots", self.slots, 1, 512),
            ("temperature", self.temperature, 0, 5),
            ("text_temperature", self.text_temperature, 0, 5),
            ("top_k", self.top_k, 1, 100_000),
            ("text_top_k", self.text_top_k, 1, 1_000_000),
            ("seed", self.seed, 0, 2**32 - 1),
            ("threads", self.threads, 1, 256),
            ("recycle_after_s", self.recycle_after_s, 0, 86_400),
            ("recycle_pause_s", self.recycle_pause_s, 0, 60),
        ):
            if number is not None and not least <= number <= most:
                raise ValueError(f"{name}: expected {least}..{most}, found {number}")

    @property
    def sampling(self) -> dict[str, float | int]:
        """What differs from the checkpoint's own sampling, as moshi names it."""
        chosen = {
            "temp": self.temperature,
            "temp_text": self.text_temperature,
            "top_k": self.top_k,
            "top_k_text": self.text_top_k,
        }
        return {name: value for name, value in chosen.items() if value is not None}
