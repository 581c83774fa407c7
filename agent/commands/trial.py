"""`parley models check`: every engine of a configuration, loaded and used once, with figures."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Protocol, TypeVar

from agent import wiring
from agent.commands.columns import columns, size
from agent.config import Config
from agent.core.errors import EngineError
from agent.core.protocols import Expectation, Recognizer, Responder, Synthesizer
from agent.core.turn_config import TurnConfig
from agent.models.check import loaded, memory_bytes, sentence, spoken, understood

T = TypeVar("T")


class _Closing(Protocol):
    def close(self) -> None: ...


class _Bench:
    """Loads engines one by one, keeps what has to be closed, and a line about each."""

    def __init__(self, config: Config, stack: ExitStack) -> None:
        self._config = config
        self._stack = stack
        self.faults: list[str] = []

    def keep(self, engine: Any) -> Any:
        """Close it in the end."""
        self._stack.callback(engine.close)
        return engine

    def load(self, section: str, make: Callable[[], T]) -> T | None:
        """The engine, or None and a fault in words."""
        name = str(self._config.tables.get(section, {}).get("engine", ""))
        try:
            found = loaded(make)
        except EngineError as fault:
            self.faults.append(str(fault))
            self._line(section, name, "does not load", "")
            return None
        grew = size(found.memory_bytes)
        self._line(section, name, f"loaded in {_time(found.load_s)}", f"+{grew}" if grew else "")
        return found.engine

    def _line(self, *cells: str) -> None:
        widths = (13, 14, 20, 0)
        line = "".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        print(f"  {line}".rstrip(), flush=True)


async def trial(config: Config) -> int:
    """Load, speak, listen, print; 0 when everything loaded."""
    print(f"{config.file}: {config.name}")
    with ExitStack() as stack:
        bench = _Bench(config, stack)
        turns = config.section(TurnConfig, "turns")
        bench.load("detector", lambda: bench.keep(wiring.detector(config)))
        ear = bench.load("recognizer", lambda: bench.keep(wiring.recognizer(config)))
        bench.load("predictor", lambda: wiring.predictor(config, turns, bench.keep, ear))
        mind = bench.load("responder", lambda: wiring.responder(config, bench.keep))
        voice = bench.load("synthesizer", lambda: bench.keep(wiring.synthesizer(config)))
        print("\n".join(["", *columns(await _conversation(voice, ear, mind))]))
    for fault in bench.faults:
        print(f"\n  {fault}")
    return 1 if bench.faults else 0


async def _conversation(
    voice: Synthesizer | None, ear: Recognizer | None, mind: Responder | None
) -> list[list[str]]:
    rows: list[list[str]] = []
    expected = mind.expects(()) if mind is not None else Expectation()
    if voice is not None:
        text = sentence(expected)
        said = await spoken(voice, text)
        length, first, last = said.sound.duration_s, _time(said.first_s), _time(said.whole_s)
        rows.append(["said", f"“{text}”"])
        rows.append(
            ["", f"{length:.1f} s of sound; the first after {first}, the last after {last}"]
        )
        if ear is not None:
            heard = await understood(ear, said.sound, expected)
            took, final = _time(heard.took_s), _time(heard.final_s)
            rows.append(["understood", f"“{heard.text}”"])
            rows.append(["", f"heard as fast as it could: {took}, {final} of it after the end"])
    return [*rows, ["memory", f"{size(memory_bytes())} with all of it, children included"]]


def _time(length_s: float) -> str:
    return f"{length_s * 1000:.0f} ms" if length_s < 1 else f"{length_s:.1f} s"
