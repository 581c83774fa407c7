"""Measures one engine in this process, which has nothing else in it, and writes its figures.

python -m benchmarks.engines.one CASE.json FIGURES.json
"""

import asyncio
import gc
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from agent import wiring
from agent.config import Config, checked, load
from agent.models.check import memory_bytes
from benchmarks.engines import llama, recognisers, responders, voices
from benchmarks.engines.figures import Figures
from benchmarks.engines.whisper import over_minutes
from pipelines.engines.llama import Llama
from pipelines.engines.llama_settings import LlamaSettings
from pipelines.engines.whisper import WhisperSettings

MB = 1e6


def measure(case: dict[str, Any]) -> Figures:
    """Load, use, close.

    Args:
        case: `section` and its `table`; `tones`: whether the model understands tones.
    """
    section = case["section"]
    config = _config(section, case["table"])
    before = memory_bytes()
    with ExitStack() as opened:

        def keep(engine: Any) -> Any:
            opened.callback(engine.close)
            return engine

        found = _work(section, config, keep, tones=case["tones"])()
        memory = memory_bytes() - before
    gc.collect()
    after = memory_bytes() - before
    notes = [*found.notes, *_more(config, tones=case["tones"])]
    return replace(found, memory_mb=memory / MB, after_mb=after / MB, notes=notes)


def _config(section: str, table: dict[str, object]) -> Config:
    document: dict[str, object] = {"name": "benchmark", section: table}
    if table["engine"] == "flow":
        document["flow"] = dict(load("offline").tables["flow"])
    return checked("benchmark", document)


def _work(
    section: str, config: Config, keep: Callable[[Any], Any], *, tones: bool
) -> Callable[[], Figures]:
    """Loads the engine; what it returns uses it."""
    if section == "recognizer":
        sound = recognisers.sentence_in_tones() if tones else recognisers.sentence()
        ear = keep(wiring.recognizer(config))
        return lambda: asyncio.run(recognisers.measure(ear, sound))
    if section == "synthesizer":
        voice = keep(wiring.synthesizer(config))
        return lambda: asyncio.run(voices.measure(voice))
    if config.tables[section]["engine"] == "llama":
        model = keep(Llama.load(config.settings(LlamaSettings, section)))
        return lambda: asyncio.run(llama.measure(model))
    mind = wiring.responder(config, keep)
    return lambda: asyncio.run(responders.measure(mind))


def _more(config: Config, *, tones: bool) -> list[str]:
    """What takes minutes, and is asked of the models that are made here only."""
    if tones and config.tables["recognizer"]["engine"] == "whisper":
        return asyncio.run(over_minutes(config.settings(WhisperSettings, "recognizer")))
    return []


def main() -> None:
    """The command line."""
    case, out = (Path(name) for name in sys.argv[1:3])
    found = measure(json.loads(case.read_text(encoding="utf-8")))
    out.write_text(json.dumps(asdict(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
