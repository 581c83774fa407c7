"""Loads Kyutai's voice with moshi's own loaders, and says in words what does not fit."""
# ruff: noqa: PLC0415  (torch and moshi take seconds to import, and are in few environments)

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.core.errors import EngineUnavailable
from pipelines.engines.moshi_load import checkpoint_of, loading, numbers_of
from pipelines.engines.moshi_settings import MoshiSettings

NAME = "kyutai-tts"

_MEND = (
    "take one of the .safetensors files of kyutai/tts-voices that belongs to the checkpoint, or "
    "with an hf:// checkpoint its name there"
)


@dataclass(frozen=True, slots=True)
class KyutaiTtsSettings:
    """Which voice, and on what. docs/engines/kyutai.md explains each.

    Attributes:
        checkpoint: a folder with config.json, or hf://owner/name, fetched by moshi's own loader.
        voice: whose voice: a .safetensors file of the checkpoint's kind, or a name for the hub.
        device: as torch names it: cuda, cpu.
        numbers: what the weights are held in: bfloat16, float16, float32.
        slots: passages at once, over all calls; what is more waits.
        codebooks: of the codec: more sound better and take longer.
        temperature: of words and sound, 0 for always the likeliest.
        guidance: how closely it keeps to voice and text, where the checkpoint was taught to.
        language: what it speaks, such as en-us; decides how numbers are read.
        seed: of the dice.
        threads: of the CPU for one step.
    """

    checkpoint: str
    voice: str = ""
    device: str = "cuda"
    numbers: str = "bfloat16"
    slots: int = 16
    codebooks: int = 16
    temperature: float = 0.6
    guidance: float = 2.0
    language: str = "en-us"
    seed: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError for what no model could do."""
        _ = self.model
        if not 1 <= self.codebooks <= 64:
            raise ValueError(f"codebooks: expected 1..64, found {self.codebooks}")

    @property
    def model(self) -> MoshiSettings:
        """The same as moshi's loader is told."""
        return MoshiSettings(
            self.checkpoint, self.device, self.numbers, self.slots, threads=self.threads,
            temperature=self.temperature, text_temperature=self.temperature, seed=self.seed,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LoadedVoice:
    """A model in memory, not yet streaming.

    Attributes:
        tts: moshi's TTSModel: language model, codec, tokenizer and the machine that hands in words.
        attributes: what the model is told of the voice.
        temperature: of its dice.
    """

    tts: Any
    attributes: Any
    temperature: float

    def conditions(self, slots: int) -> Any:
        """The same for so many slots, as the model takes it."""
        return self.tts.lm.condition_provider.prepare_and_provide([self.attributes] * slots)


def load_voice(settings: KyutaiTtsSettings) -> LoadedVoice:
    """The model on its device, with its voice.

    Raises:
        EngineUnavailable: a package or file is missing, or the files do not fit each other.
    """
    return loading(settings.model, lambda torch: _loaded(torch, settings))


def _loaded(torch: Any, settings: KyutaiTtsSettings) -> LoadedVoice:
    from moshi.models.tts import TTSModel

    found = checkpoint_of(settings.model, ("tts",))
    if found.tts_config.get("multistream"):
        raise EngineUnavailable(NAME, "multistream: expected a model of one voice at a time")
    tts = TTSModel.from_checkpoint_info(
        found, device=settings.device, dtype=numbers_of(torch, settings.model),
        n_q=settings.codebooks, temp=settings.temperature,
    )  # fmt: skip
    if not tts.multi_speaker:
        raise EngineUnavailable(
            NAME,
            f"{settings.checkpoint}: expected a model that takes its voice as an embedding, found "
            "one that takes a recording: it would have to hear it before every sentence",
        )
    tts.lm.dep_q = tts.n_q  # it is asked for so many codebooks only, as by moshi's own `generate`
    guidance = settings.guidance if tts.valid_cfg_conditionings else None
    attributes = tts.make_condition_attributes([_voice(tts, settings)], guidance)
    return LoadedVoice(tts, attributes, settings.temperature)


def _voice(tts: Any, settings: KyutaiTtsSettings) -> Path:
    path = Path(settings.voice).expanduser()
    if path.suffix == ".safetensors" and path.is_file():
        return path
    if settings.voice and settings.checkpoint.startswith("hf://"):
        named: Path = tts.get_voice_path(settings.voice)
        return named
    found = f"nothing at {settings.voice}" if settings.voice else "no path"
    raise EngineUnavailable(NAME, f"voice: expected a .safetensors file, found {found}: {_MEND}")
