"""The files of a streaming transducer as they lie in a folder. Pure but for reading."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType

from agent.core.errors import EngineUnavailable
from pipelines.engines.onnx_metadata import onnx_metadata

NAME = "sherpa"

MODELS = "https://k2-fsa.github.io/sherpa/onnx/pretrained_models/"

FRAMES_PER_S = 100
"""Of features, in every model."""


class Family(Enum):
    """Whose names the networks use."""

    ICEFALL = "icefall"
    NEMO = "nemo"


_LOOK = MappingProxyType({Family.ICEFALL: "T", Family.NEMO: "window_size"})
"""Where each family writes how many frames one step sees. Only streaming models have it."""

_PARTS = ("encoder", "decoder", "joiner")


@dataclass(frozen=True, slots=True)
class TransducerFiles:
    """Paths, and what the encoder says about itself.

    Attributes:
        vocabulary: the sentencepieces with their probabilities, or empty.
        look_s: sound that one step sees.
        family: who trained it.
    """

    tokens: str
    encoder: str
    decoder: str
    joiner: str
    vocabulary: str
    look_s: float
    family: Family


def transducer_files(folder: Path, precision: str) -> TransducerFiles:
    """What a released model's folder holds, by the names that its makers give.

    Args:
        folder: such as sherpa-onnx-streaming-zipformer-en-2023-06-26.
        precision: `int8` or `float32`; the other one is taken where this is missing.

    Raises:
        EngineUnavailable: a part is missing, or it is no streaming transducer. That has to be
            found out here: sherpa-onnx 2.0.1 ends the whole process over it.
    """
    if not folder.is_dir():
        raise EngineUnavailable(
            NAME,
            f"model: expected the folder of a streaming transducer, found nothing at {folder}. "
            f"Download one from {MODELS} and unpack it there",
        )
    names = sorted(path.name for path in folder.iterdir())
    found = {part: _best(names, part, precision) for part in _PARTS}
    missing = [part for part in _PARTS if not found[part]]
    if missing or "tokens.txt" not in names:
        wanted = [f"{part}*.onnx" for part in missing] + ["tokens.txt"] * (
            "tokens.txt" not in names
        )
        raise EngineUnavailable(NAME, f"{folder}: expected {', '.join(wanted)}, found none")
    vocabulary = str(folder / "bpe.vocab") if "bpe.vocab" in names else ""
    paths = {part: str(folder / name) for part, name in found.items()}
    family, look_s = _streams(folder / found["encoder"])
    return TransducerFiles(
        tokens=str(folder / "tokens.txt"),
        vocabulary=vocabulary,
        look_s=look_s,
        family=family,
        **paths,
    )


def hot_words(phrases: Iterable[str], tokens: str) -> str:
    """Phrases in the letters of the model, as its decoder wants them.

    Args:
        phrases: lower case, without punctuation.
        tokens: the text of tokens.txt, which shows what letters it knows.
    """
    pieces = re.sub(r"<[^>\s]*>|\s-?\d+$", "", tokens, flags=re.MULTILINE)
    capitals = sum(c.isupper() for c in pieces) > sum(c.islower() for c in pieces)
    rows = dict.fromkeys(p.upper() if capitals else p for p in phrases if p.strip())
    return "/".join(rows)


def _streams(encoder: Path) -> tuple[Family, float]:
    """Of which family this encoder is, and how many seconds one step of it sees."""
    try:
        said = onnx_metadata(encoder)
        for family, key in _LOOK.items():
            if key in said:
                return family, int(said[key]) / FRAMES_PER_S
    except ValueError as fault:
        raise EngineUnavailable(NAME, f"{encoder}: {fault}. Download it again") from fault
    raise EngineUnavailable(
        NAME,
        f"{encoder}: expected a streaming encoder, which says {' or '.join(_LOOK.values())} about "
        f"itself, found {', '.join(said) or 'nothing'}. Take a streaming model from {MODELS}",
    )


def _best(names: list[str], part: str, precision: str) -> str:
    """The only network of this part, or the one of two in the wanted precision."""
    found = [n for n in names if n.startswith(part) and n.endswith(".onnx")]
    small = [n for n in found if ".int8." in n]
    wanted = small if precision == "int8" else [n for n in found if n not in small]
    return next(iter(wanted or found), "")
