"""The engines there are to measure: made on the spot, or found by their formats in a folder."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Table = Mapping[str, object]

MADE = "random"
"""What the table says of weights that are made here."""


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of engine.

    Attributes:
        section: of a configuration.
        name: the engine's.
        make: writes a tiny model into a folder and returns the engine's settings.
        find: settings of every model of its format below a folder, by a name for each.
        weights: what `make` makes.
        tones: what is made understands the language of tones, not speech.
    """

    section: str
    name: str
    make: Callable[[Path], Table]
    find: Callable[[Path], Iterator[tuple[str, Table]]]
    weights: str = MADE
    tones: bool = False


def _none(folder: Path) -> Iterator[tuple[str, Table]]:
    """For engines whose model is part of their package, or elsewhere."""
    del folder
    yield from ()


def _nothing(folder: Path) -> Table:
    del folder
    return {}


# ruff: noqa: PLC0415  (each of these brings a library that may not be there)


def _make_whisper(folder: Path) -> Table:
    from benchmarks.tiny_models.whisper import write_tone_whisper

    write_tone_whisper(folder)
    return {"model": str(folder)}


def _find_whisper(folder: Path) -> Iterator[tuple[str, Table]]:
    for file in sorted(folder.rglob("model.bin")):
        if (file.parent / "config.json").exists():
            yield _name(folder, file.parent), {"model": str(file.parent)}


def _make_sherpa(folder: Path) -> Table:
    from benchmarks.tiny_models.zipformer import write_tone_zipformer

    write_tone_zipformer(folder)
    return {"model": str(folder)}


def _find_sherpa(folder: Path) -> Iterator[tuple[str, Table]]:
    for file in sorted(folder.rglob("tokens.txt")):
        if any(file.parent.glob("*encoder*.onnx")):
            yield _name(folder, file.parent), {"model": str(file.parent)}


def _make_llama(folder: Path) -> Table:
    from benchmarks.tiny_models.gguf import Shape, write_gguf

    path = folder / "random.gguf"
    write_gguf(path, shape=Shape(256, 8, 768, 4))
    return {"model": str(path), "max_tokens": 64, "threads": 1}


def _find_llama(folder: Path) -> Iterator[tuple[str, Table]]:
    for file in sorted(folder.rglob("*.gguf")):
        if "mmproj" not in file.name:  # what lets a model see is no model
            yield _name(folder, file), {"model": str(file), "max_tokens": 64}


def _make_piper(folder: Path) -> Table:
    from benchmarks.tiny_models.voices import piper_voice

    return {"model": piper_voice(folder / "voice.onnx")}


def _find_piper(folder: Path) -> Iterator[tuple[str, Table]]:
    for file in sorted(folder.rglob("*.onnx")):
        if file.with_name(f"{file.name}.json").exists():
            yield _name(folder, file), {"model": str(file)}


def _make_kokoro(folder: Path) -> Table:
    from benchmarks.tiny_models.voices import kokoro_voice

    model, voices = kokoro_voice(folder)
    return {"model": model, "voices": voices}


def _find_kokoro(folder: Path) -> Iterator[tuple[str, Table]]:
    for file in sorted(folder.rglob("kokoro*.onnx")):
        for voices in sorted(file.parent.glob("voices*.bin")):
            yield _name(folder, file), {"model": str(file), "voices": str(voices)}


def _make_pocket_tts(folder: Path) -> Table:
    from benchmarks.tiny_models.pocket_tts import write_pocket_tts

    write_pocket_tts(folder)
    files = {name: str(folder / f"{name}.wav") for name in ("voice", "consent")}
    return {"config": str(folder / "config.yaml"), **files}


def _find_pocket_tts(folder: Path) -> Iterator[tuple[str, Table]]:
    for file in sorted(folder.rglob("*.yaml")):
        voice = next(iter(sorted(file.parent.glob("voice*.safetensors"))), None)
        if voice and "flow_lm" in file.read_text(encoding="utf-8"):
            yield _name(folder, file), {"config": str(file), "voice": str(voice)}


def _name(folder: Path, path: Path) -> str:
    return str(path.relative_to(folder))


FAMILIES = (
    Family("recognizer", "pocketsphinx", _nothing, _none, "its own"),
    Family("recognizer", "whisper", _make_whisper, _find_whisper, tones=True),
    Family("recognizer", "sherpa", _make_sherpa, _find_sherpa, tones=True),
    Family("responder", "flow", _nothing, _none, "none needed"),
    Family("responder", "llama", _make_llama, _find_llama),
    Family("responder", "openai_chat", _nothing, _none, "none: a server that repeats"),
    Family("synthesizer", "espeak", _nothing, _none, "its own"),
    Family("synthesizer", "piper", _make_piper, _find_piper),
    Family("synthesizer", "kokoro", _make_kokoro, _find_kokoro),
    Family("synthesizer", "pocket_tts", _make_pocket_tts, _find_pocket_tts),
    Family("synthesizer", "realtimetts", _nothing, _none, "espeak-ng, through SystemEngine"),
)
