"""From a configuration to concrete engines and a pipeline: the only module that knows every class.

Engines are imported here, one by one, when a configuration asks for them.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, Self

from agent.admission import Refusal
from agent.config import Config
from agent.core.calls import Call, Json, Trace
from agent.core.errors import ConfigError
from agent.core.protocols import (
    Pipeline,
    Recognizer,
    Responder,
    SpeechDetector,
    SpeechJudge,
    Synthesizer,
    TurnPredictor,
)
from agent.core.turns import TurnConfig
from agent.duplex_wiring import build_duplex, busy
from agent.recording_settings import RecordingSettings
from agent.session import MAX_CALL_S
from audio_io.echo.call import echo_free
from audio_io.resample import at_rates
from pipelines.cascade.announcing import Announcing
from pipelines.cascade.asides import Manners
from pipelines.cascade.listener import ListenerConfig
from pipelines.cascade.pipeline import CascadeConfig, CascadePipeline, Engines
from pipelines.cascade.voicemail import VoicemailSettings

KINDS = ("cascade", "duplex")


class _Closing(Protocol):
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PipelineChoice:
    """The table [pipeline]."""

    kind: str = "cascade"

    def __post_init__(self) -> None:
        """Raises ValueError for a pipeline that does not exist."""
        if self.kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(KINDS)}, found {self.kind}")


class Echo(StrEnum):
    """Whether the agent's own voice is taken out of what the caller says."""

    AUTO = (
        "auto"  # only for a microphone of ours: browsers and telephone lines see to it themselves
    )
    LINEAR = "linear"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class CallSettings:
    """The table [call].

    Attributes:
        max_s: longest call, in seconds.
        echo: for far sides with an open loudspeaker.
    """

    max_s: float = MAX_CALL_S
    echo: Echo = Echo.AUTO

    def __post_init__(self) -> None:
        """Raises ValueError for a limit that ends every call or none."""
        if not 0 < self.max_s <= 86_400:
            raise ValueError(f"max_s: expected 0 to 86400 seconds, found {self.max_s}")


@dataclass(frozen=True, slots=True)
class Agent:
    """Engines loaded once and a pipeline for any number of calls; closing it ends the engines.

    `busy`: why it cannot take one more call now, or None.
    """

    name: str
    pipeline: Pipeline
    turns: TurnConfig
    calls: CallSettings
    close: Callable[[], None]
    busy: Callable[[], Refusal | None] = lambda: None

    def fit(self, call: Call, trace: Trace, *, open_air: bool = False) -> Call:
        """A call as the pipeline wants it: at its rates, without echo where that is ours to do.

        `open_air`: the call is a loudspeaker and a microphone, and nobody cancels the echo.
        """
        echo = self.calls.echo
        if echo is Echo.LINEAR or (open_air and echo is Echo.AUTO):
            call = echo_free(call, trace)
        return at_rates(call, self.pipeline.rate, self.pipeline.play_rate)

    def turns_fields(self) -> dict[str, Json]:
        """The settings of the turn machine, as the trace's header and a replay want them."""
        return {f.name: getattr(self.turns, f.name) for f in fields(TurnConfig)}

    def __enter__(self) -> Self:
        """The agent itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the engines."""
        self.close()


def build(config: Config) -> Agent:
    """Load everything a configuration names.

    Raises:
        ConfigError: a setting is wrong.
        EngineUnavailable: a package or a file of an engine is missing.
    """
    kind = config.section(PipelineChoice, "pipeline").kind
    calls = config.section(CallSettings, "call")
    turns = config.section(TurnConfig, "turns")
    opened: list[_Closing] = []

    def keep(engine: Any) -> Any:
        opened.append(engine)
        return engine

    def close() -> None:
        _close_all(opened)

    try:
        if kind == "cascade":
            return Agent(config.name, cascade(config, turns, keep), turns, calls, close)
        behind = cascade(config, turns, keep) if "recognizer" in config.tables else None
        duplex = build_duplex(config, keep, behind)
    except BaseException:
        close()
        raise
    return Agent(config.name, duplex, turns, calls, close, lambda: busy(duplex))


def cascade(config: Config, turns: TurnConfig, keep: Callable[[Any], Any]) -> CascadePipeline:
    """The cascade of a configuration; `keep` is given what must be closed."""
    settings = CascadeConfig(
        turns,
        config.section(ListenerConfig, "listener"),
        config.section(Manners, "manners"),
        config.section(VoicemailSettings, "voicemail") if "voicemail" in config.tables else None,
    )
    ears = keep(detector(config)), keep(recognizer(config))
    engines = Engines(
        *ears,
        predictor(config, turns, keep, ears[1]),
        announcing(config, responder(config, keep)),
        keep(synthesizer(config)),
        judge(config),
    )
    return CascadePipeline(engines, settings)


def _close_all(opened: list[_Closing]) -> None:
    while opened:
        opened.pop().close()


# --- one function per kind of engine --------------------------------------------------------------
# ruff: noqa: PLC0415  (engines are imported when they are asked for, so that --help stays fast)


def detector(config: Config) -> SpeechDetector[Any]:
    """Voice activity."""
    match config.engine("detector", ("silero", "silero-torch", "energy")):
        case "silero":
            from pipelines.engines.silero import Silero, SileroSettings

            return Silero.load(config.settings(SileroSettings, "detector"))
        case "silero-torch":
            from pipelines.engines.silero_torch import SileroTorch

            return SileroTorch.load()
        case _:
            from pipelines.engines.scripted import EnergyDetector, EnergySettings

            return EnergyDetector.load(config.settings(EnergySettings, "detector"))


RECOGNIZERS = ("pocketsphinx", "whisper", "sherpa", "kyutai-stt", "scripted")


def recognizer(config: Config) -> Recognizer:
    """Sound to words."""
    match config.engine("recognizer", RECOGNIZERS):
        case "pocketsphinx":
            from pipelines.engines.pocketsphinx import PocketSphinx, PocketSphinxSettings

            return PocketSphinx.load(config.settings(PocketSphinxSettings, "recognizer"))
        case "whisper":
            from pipelines.engines.whisper import Whisper, WhisperSettings

            return Whisper.load(config.settings(WhisperSettings, "recognizer"))
        case "kyutai-stt":
            from pipelines.engines.kyutai_stt import KyutaiStt, KyutaiSttSettings

            return KyutaiStt.load(config.settings(KyutaiSttSettings, "recognizer"))
        case "sherpa":
            from pipelines.engines.sherpa import Sherpa, SherpaSettings

            return Sherpa.load(config.settings(SherpaSettings, "recognizer"))
        case _:
            from pipelines.engines.scripted import ScriptedRecognizer, ScriptedRecognizerSettings

            return ScriptedRecognizer.load(
                config.settings(ScriptedRecognizerSettings, "recognizer")
            )


def predictor(
    config: Config, turns: TurnConfig, keep: Callable[[Any], Any], hears: Recognizer | None
) -> TurnPredictor:
    """Is the turn over? `hears`: the recogniser, for one that is a part of it."""
    from pipelines.cascade.turn_end.hazard import HazardPredictor

    kinds = ("hazard", "completeness", "smart-turn", "smart-turn-once", "silence", "kyutai")
    match config.engine("predictor", kinds):
        case "hazard":
            return HazardPredictor()
        case "smart-turn":
            from pipelines.cascade.first_opinion import FirstOpinion

            return FirstOpinion(keep(_smart_turn(config)), HazardPredictor())
        case "kyutai":
            from pipelines.cascade.first_opinion import FirstOpinion

            return FirstOpinion(_kyutai_pause(config, hears), HazardPredictor())
        case "smart-turn-once":
            from pipelines.cascade.baselines import AskedOnce

            return AskedOnce(keep(_smart_turn(config)))
        case "silence":
            from pipelines.cascade.baselines import FixedSilence, SilenceSettings

            return FixedSilence(config.settings(SilenceSettings, "predictor"), turns)
        case _:
            from pipelines.cascade.completeness import CompletenessPredictor

            return CompletenessPredictor()


def _kyutai_pause(config: Config, hears: Recognizer | None) -> TurnPredictor:
    from pipelines.engines.kyutai_pause import KyutaiPause
    from pipelines.engines.kyutai_stt import KyutaiStt

    if not isinstance(hears, KyutaiStt):
        raise ConfigError(
            f"{config.file}: [predictor] kyutai: expected the recogniser whose pause head it is, "
            f"found another; set [recognizer] engine = kyutai-stt, or take another predictor"
        )
    return KyutaiPause(hears)


def _smart_turn(config: Config) -> TurnPredictor:
    from pipelines.engines.smart_turn import SmartTurn, SmartTurnSettings

    return SmartTurn.load(config.settings(SmartTurnSettings, "predictor"))


def judge(config: Config) -> SpeechJudge[Any] | None:
    """Who speaks, and what for; nobody asks where it is `none`."""
    if "judge" not in config.tables:
        return None
    match config.engine("judge", ("sound", "none")):
        case "sound":
            from pipelines.cascade.sound_judge import SoundJudge

            return SoundJudge.load()
        case _:
            return None


def responder(config: Config, keep: Callable[[Any], Any]) -> Responder:
    """Words to words; `keep` is given what must be closed."""
    chosen = config.engine("responder", ("flow", "openai_chat", "llama", "scripted"))
    if "tools" in config.tables and chosen not in ("openai_chat", "llama", "flow"):
        raise ConfigError(
            f"{config.file}: [tools] is for the responders openai_chat, llama and flow; "
            f"{chosen} has its own"
        )
    match chosen:
        case "openai_chat":
            from pipelines.engines.chat_settings import OpenAIChatSettings
            from pipelines.engines.openai_chat import OpenAIChat

            chat = OpenAIChat.load(config.settings(OpenAIChatSettings, "responder"))
            return _with_tools(config, keep, keep(chat))
        case "llama":
            from pipelines.engines.llama import Llama
            from pipelines.engines.llama_settings import LlamaSettings

            llama = Llama.load(config.settings(LlamaSettings, "responder"))
            return _with_tools(config, keep, keep(llama))
        case "flow":
            from pipelines.cascade.flow.flow import load_flow
            from pipelines.cascade.flow.responder import FlowResponder
            from pipelines.cascade.tools.toolbox import Toolbox

            if "flow" not in config.tables:
                raise ConfigError(f"{config.file}: the flow responder needs a table [flow]")
            flow = load_flow(config.tables["flow"], f"{config.file}: [flow]")
            tools = keep(Toolbox.load(config.tables.get("tools", {}), f"{config.file}: [tools]"))
            return FlowResponder(flow, now=datetime.now, runnables=tools.runnables)
        case _:
            from pipelines.engines.scripted import ScriptedResponder, ScriptedResponderSettings

            return ScriptedResponder.load(config.settings(ScriptedResponderSettings, "responder"))


def announcing(config: Config, behind: Responder) -> Responder:
    """A responder that tells of the recording first, where the settings say so."""
    text = config.section(RecordingSettings, "recording").announce
    return Announcing(behind, text) if text else behind


def _with_tools(config: Config, keep: Callable[[Any], Any], model: Responder) -> Responder:
    from pipelines.cascade.tools.toolbox import Toolbox

    tools = Toolbox.load(config.tables.get("tools", {}), f"{config.file}: [tools]")
    keep(tools)
    return tools.around(model)


def synthesizer(config: Config) -> Synthesizer:
    """Words to sound."""
    kinds = ("espeak", "piper", "kokoro", "pocket_tts", "realtimetts", "kyutai-tts", "scripted")
    match config.engine("synthesizer", kinds):
        case "espeak":
            from pipelines.engines.espeak import Espeak, EspeakSettings

            return Espeak.load(config.settings(EspeakSettings, "synthesizer"))
        case "piper":
            from pipelines.engines.piper import Piper, PiperSettings

            return Piper.load(config.settings(PiperSettings, "synthesizer"))
        case "kokoro":
            from pipelines.engines.kokoro import Kokoro, KokoroSettings

            return Kokoro.load(config.settings(KokoroSettings, "synthesizer"))
        case "pocket_tts":
            from pipelines.engines.pocket_tts import PocketTTS, PocketTTSSettings

            return PocketTTS.load(config.settings(PocketTTSSettings, "synthesizer"))
        case "kyutai-tts":
            from pipelines.engines.kyutai_voice import KyutaiVoice
            from pipelines.engines.kyutai_voice_load import KyutaiTtsSettings

            return KyutaiVoice.load(config.settings(KyutaiTtsSettings, "synthesizer"))
        case "realtimetts":
            from pipelines.engines.realtimetts import RealtimeTTS, RealtimeTTSSettings

            return RealtimeTTS.load(config.settings(RealtimeTTSSettings, "synthesizer"))
        case _:
            from pipelines.engines.scripted import (
                ScriptedSynthesizer,
                ScriptedSynthesizerSettings,
            )

            return ScriptedSynthesizer.load(
                config.settings(ScriptedSynthesizerSettings, "synthesizer")
            )
