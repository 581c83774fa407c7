"""Loads a checkpoint with moshi's own loaders, and says in words what does not fit."""
# ruff: noqa: PLC0415  (torch and moshi take seconds to import, and are in few environments)

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from agent.core.errors import EngineError, EngineUnavailable
from pipelines.engines.moshi_files import local_files
from pipelines.engines.moshi_prompt import Silences
from pipelines.engines.moshi_settings import NAME, MoshiSettings
from pipelines.engines.moshi_text import Vocabulary
from pipelines.engines.moshi_voices import Codes, silences, voice_codes

T = TypeVar("T")

DUPLEX = ("moshi", "hibiki")
"""Model types that hear and speak in the same frame; moshi's loader knows others too."""


@dataclass(frozen=True, slots=True)
class LoadedMoshi:
    """A model in memory, not yet streaming.

    Attributes:
        mimi: the codec.
        generator: the language model as a generator of tokens (moshi's LMGen).
        words: pieces of text by token.
        tokenizer: words to text tokens.
        voices: voice prompts by name.
        silences: how it writes nothing.
        hearing: what else config.json says of a recogniser: its delay; empty for others.
    """

    mimi: Any
    generator: Any
    words: Vocabulary
    tokenizer: Any
    voices: Mapping[str, Codes]
    silences: Silences
    hearing: Mapping[str, float]


def load(settings: MoshiSettings, wanted: Sequence[str] = DUPLEX) -> LoadedMoshi:
    """The model on its device; `wanted` are the model types that the caller can use.

    Raises:
        EngineUnavailable: a package or file is missing, or the files do not fit each other.
    """
    return loading(settings, lambda torch: _loaded(torch, settings, wanted))


def loading(settings: MoshiSettings, make: Callable[[Any], T]) -> T:
    """What `make` makes of torch; whatever goes wrong there is told in words.

    Raises:
        EngineUnavailable: a package or file is missing, or the files do not fit each other.
    """
    if settings.device == "cpu":  # it would start a C++ compiler in the middle of the first call
        os.environ.setdefault("NO_TORCH_COMPILE", "1")
    torch = _torch(settings)
    try:
        with torch.no_grad():
            return make(torch)
    except EngineError:
        raise
    except Exception as fault:  # whatever half a dozen libraries say of files that do not fit
        found = " ".join(str(fault).split())[:400] or "no reason given"
        raise EngineUnavailable(
            NAME,
            f"{settings.checkpoint} on {settings.device}: expected weights that fit their "
            f"configuration, found {type(fault).__name__}: {found}",
        ) from fault


def checkpoint_of(settings: MoshiSettings, wanted: Sequence[str]) -> Any:
    """What moshi's loader knows of a checkpoint of one of these model types.

    Raises:
        EngineUnavailable: it is of another, or a file is missing.
    """
    found = _checkpoint(settings.checkpoint)
    if found.model_type not in wanted:
        allowed = ", ".join(wanted)
        raise EngineUnavailable(
            NAME, f"model_type: expected one of {allowed}, found {found.model_type}"
        )
    return found


def numbers_of(torch: Any, settings: MoshiSettings) -> Any:
    """The kind of the weights, as torch knows it."""
    kinds = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
    return kinds[settings.numbers]


def _torch(settings: MoshiSettings) -> Any:
    try:
        import moshi  # noqa: F401
        import torch
    except ImportError as fault:
        raise EngineUnavailable(
            NAME, f"{fault.name} is not installed here; `make moshi` makes its environment"
        ) from fault
    if settings.device.startswith("cuda") and not torch.cuda.is_available():
        raise EngineUnavailable(
            NAME, f"device: expected a GPU for {settings.device}, found none; try device = cpu"
        )
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    return torch


def _loaded(torch: Any, settings: MoshiSettings, wanted: Sequence[str]) -> LoadedMoshi:
    from moshi.models import LMGen

    found = checkpoint_of(settings, wanted)
    tokenizer = found.get_text_tokenizer()
    mimi = found.get_mimi(device=settings.device)
    model = found.get_moshi(device=settings.device, dtype=numbers_of(torch, settings))
    if model.dep_q == model.n_q:
        _speak_for_one(model, mimi)
    generator = LMGen(
        model,
        **{**found.lm_gen_config, **settings.sampling},
        condition_tensors=_conditions(found.model_type, model, settings.slots),
        support_out_of_sync=True,
    )
    words = _words(tokenizer, model, settings.checkpoint)
    voices = voice_codes(mimi, settings.voices, model.dep_q)
    quiet = silences(mimi, model)
    return LoadedMoshi(mimi, generator, words, tokenizer, voices, quiet, found.stt_config)


def _speak_for_one(model: Any, mimi: Any) -> None:
    """A depth model for both sides, as PersonaPlex has, is asked for the agent's half only.

    The other half are guesses of what the caller says, and what they say is heard. moshi's own
    voice leaves out codebooks in the same way. Source: moshi 0.2.13, models/tts.py, `generate`.
    """
    model.dep_q = model.n_q // 2
    mimi.set_num_codebooks(model.dep_q)


def _checkpoint(checkpoint: str) -> Any:
    from moshi.models import loaders

    if checkpoint.startswith("hf://"):
        return loaders.CheckpointInfo.from_hf_repo(checkpoint.removeprefix("hf://"))
    files = local_files(checkpoint)
    return loaders.CheckpointInfo.from_hf_repo(
        "",  # no repository: every file is named
        moshi_weights=files.parts.get("moshi_name"),
        mimi_weights=files.parts.get("mimi_name"),
        tokenizer=files.parts.get("tokenizer_name"),
        config_path=files.config,
        mimi_config_path=files.parts.get("mimi_config_name"),
        lora_weights=files.parts.get("lora_name"),
    )


def _words(tokenizer: Any, model: Any, checkpoint: str) -> Vocabulary:
    """The vocabulary, if it is the model's; otherwise tokens would have no text, or a wrong one."""
    pieces = [tokenizer.id_to_piece(token) for token in range(tokenizer.get_piece_size())]
    if len(pieces) != model.text_card:
        raise EngineUnavailable(
            NAME,
            f"{checkpoint}: the model has {model.text_card} text tokens, and its vocabulary "
            f"{len(pieces)}: expected the same number; they belong to different checkpoints",
        )
    return Vocabulary(pieces, (model.text_padding_token_id, model.end_of_text_padding_id))


def _conditions(model_type: str, model: Any, slots: int) -> Any:
    """What Hibiki is told about the quality that it shall aim at; Moshi takes nothing."""
    if model.condition_provider is None or not model.condition_provider.conditioners:
        return {}
    if model_type != "hibiki":
        raise EngineUnavailable(NAME, f"model_type {model_type}: its conditions are not known")
    from moshi.conditioners import ConditionAttributes

    best = ConditionAttributes(text={"description": "very_good"}, tensor={})
    return model.condition_provider.prepare_and_provide([best] * slots)
