"""From a configuration to a duplex pipeline: its model, and the cascade behind it."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

from agent.admission import Refusal
from agent.config import Config
from agent.core.audio import AudioFrame
from agent.core.calls import Trace
from agent.core.errors import ConfigError
from agent.core.protocols import (
    Message,
    Protect,
    Remark,
    Role,
    Speech,
    ToolCall,
    ToolResult,
    ToolStart,
)
from agent.duplex_takeover import CascadeSuccessor
from audio_io.resample import Resampler
from pipelines.cascade.clauses import clauses
from pipelines.cascade.pipeline import CascadePipeline
from pipelines.cascade.spoken import spoken
from pipelines.duplex.config import DuplexConfig
from pipelines.duplex.pipeline import DuplexPipeline

MODEL = "duplex_model"
"""The table that says which model."""


class _Unloading(Protocol):
    def unload(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Closing:
    """Ends a model: its own `close` gives back a slot."""

    model: _Unloading

    def close(self) -> None:
        self.model.unload()


def build_duplex(
    config: Config, keep: Callable[[Any], Any], cascade: CascadePipeline | None
) -> DuplexPipeline:
    """The duplex pipeline of a configuration.

    Args:
        config: with the tables [duplex] and [duplex_model].
        keep: is given what must be closed.
        cascade: goes on where the model fails; None: the call ends there with a sentence.

    Raises:
        ConfigError: a setting is wrong.
        EngineUnavailable: a package or a file of the model is missing.
    """
    settings = config.section(DuplexConfig, "duplex")
    if settings.triggers and cascade is None:
        raise ConfigError(
            f"{config.file}: [duplex] triggers: expected a cascade whose responder is asked, "
            "found none; add its tables, or take the triggers out"
        )
    model = duplex_model(config)
    keep(_Closing(model))
    if cascade is None:
        return DuplexPipeline(model, settings)
    delegate = CascadeDelegate(cascade, model.rate) if settings.triggers else None
    return DuplexPipeline(model, settings, CascadeSuccessor(cascade), delegate)


def busy(pipeline: DuplexPipeline) -> Refusal | None:
    """Why one more call may not come in now, as a server says it. Needs a running loop."""
    full = pipeline.busy()
    return None if full is None else Refusal(503, full.message, full.retry_s)


# ruff: noqa: PLC0415  (engines are imported when they are asked for, so that --help stays fast)


def duplex_model(config: Config) -> Any:
    """The model; it has `unload` beside what `DuplexModel` asks for."""
    match config.engine(MODEL, ("worker", "moshi", "scripted")):
        case "worker":
            from pipelines.engines.duplex_remote import RemoteModel, RemoteSettings

            return RemoteModel.load(config.settings(RemoteSettings, MODEL))
        case "moshi":
            from pipelines.engines.moshi import Moshi
            from pipelines.engines.moshi_settings import MoshiSettings

            return Moshi.load(config.settings(MoshiSettings, MODEL))
        case _:
            from pipelines.engines.scripted_duplex import ScriptedDuplex, ScriptedDuplexSettings

            return ScriptedDuplex.load(config.settings(ScriptedDuplexSettings, MODEL))


@dataclass(frozen=True, slots=True)
class CascadeDelegate:
    """The cascade's responder and voice, asked for one answer. `rate`: of the answer, in Hz."""

    cascade: CascadePipeline
    rate: int

    async def answer(
        self, question: str, history: Sequence[Message], trace: Trace
    ) -> AsyncGenerator[Speech, None]:
        """The answer as speech; closing the generator stops the work."""
        engines = self.cascade.engines
        resampler = Resampler(engines.synthesizer.rate, self.rate)
        messages = (*history, Message(Role.CALLER, question))
        position = 0
        async with (
            aclosing(self._words(messages, trace)) as words,
            aclosing(clauses(words)) as cut,
            aclosing(spoken(engines.synthesizer, cut)) as sound,
        ):
            async for speech in sound:
                samples = resampler.push(speech.frame.samples)
                yield Speech(AudioFrame(samples, self.rate, position), speech.text)
                position += len(samples)

    async def _words(self, messages: Sequence[Message], trace: Trace) -> AsyncGenerator[str, None]:
        """The responder's text; its tools run as they would in a reply that was released."""
        async with aclosing(self.cascade.engines.responder.reply(messages, ())) as pieces:
            async for piece in pieces:
                match piece:
                    case str():
                        yield piece
                    case ToolCall(name, arguments) | ToolStart(ToolCall(name, arguments)):
                        trace("tool", reply=0, name=name, arguments=arguments)
                    case ToolResult(_, text, call=call):
                        trace("tool_result", reply=0, name=call.name, text=text)
                    case Remark(text):
                        trace("remark", reply=0, text=text)
                    case Protect():
                        pass
                    case _:
                        assert_never(piece)
