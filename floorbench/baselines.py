"""The rules that most agents decide by, tried on the same recorded pauses as the agent's own.

The pause, its words and the time that the reply took to make are the recorded call's; only the
opinions are others, and they cost no time. So a rule is shown at its best: where it would have
spoken, not what its own recogniser, model and voice would have taken until then.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agent.core.audio import Samples
from agent.core.errors import EngineUnavailable, ParleyError
from agent.core.events import TurnEndPredicted
from agent.core.turn_config import TurnConfig
from floorbench.pauses import Pause, Told
from floorbench.recording import read_recording
from floorbench.session import RATE
from floorbench.session_files import MICROPHONE, RECORDING, SESSIONS, TRACE
from floorbench.sweep import Beside, Curve, Point, Recorded, Setting, point, recorded, swept
from pipelines.cascade.baselines import ASK_AFTER_S, COMPLETE, DETECTED_S, PATIENCE_S
from pipelines.engines.smart_turn import SmartTurn, SmartTurnSettings

SILENCES_S = (0.5, 0.8)
PAUSES_S = tuple(round(0.4 + 0.2 * step, 1) for step in range(14))
"""Values of pause_max_s that make the agent's own curve, as far as its pause_min_s lets them."""

ONCE = "Smart Turn, once, then 3 s"


def curve_of(out: Path) -> Curve | None:
    """The curve of the run in `out` with the common rules beside it.

    None where the agent left no traces, or the callers made no pauses.
    """
    if not any((out / SESSIONS).glob(f"*/{TRACE}")):
        return None
    calls = recorded([out / SESSIONS])
    if not any(call.pauses for call in calls):
        return None
    least_s = max(_pause_min_s(call) for call in calls)
    values = tuple(value for value in PAUSES_S if value >= least_s)
    return replace(swept(calls, Setting("pause_max_s", values)), beside=beside(calls))


def beside(calls: Sequence[Recorded]) -> tuple[Beside, ...]:
    """The common rules in the pauses of these calls."""
    plain = [replace(call, pauses=tuple(map(_unjudged, call.pauses))) for call in calls]
    fixed = [Beside(f"silence {s:g} s", _fixed(plain, s - DETECTED_S)) for s in SILENCES_S]
    return (*fixed, _once(plain))


def _fixed(calls: Sequence[Recorded], pause_s: float) -> Point:
    return point(calls, {"pause_min_s": pause_s, "pause_max_s": pause_s}, pause_s)


def _once(calls: Sequence[Recorded]) -> Beside:
    """Asked once, after 0.2 s of silence: complete is now, anything else is 3 s of silence."""
    try:
        engine = SmartTurn.load(SmartTurnSettings())
    except EngineUnavailable as fault:
        return Beside(ONCE, None, str(fault).rstrip("."))
    try:
        heard = [_with_opinions(call, engine) for call in calls]
    except ParleyError as fault:
        return Beside(ONCE, None, str(fault).rstrip("."))
    finally:
        engine.close()
    patient = {"pause_min_s": 0.0, "pause_max_s": PATIENCE_S - DETECTED_S, "prior": 0.0}
    return Beside(ONCE, point(heard, patient, PATIENCE_S), "it was asked in no time")


def _with_opinions(call: Recorded, engine: SmartTurn) -> Recorded:
    sound = _sound(call.path.parent) if call.pauses else None
    if sound is None:
        return call
    return replace(call, pauses=tuple(_asked(pause, sound, engine) for pause in call.pauses))


def _sound(folder: Path) -> Samples:
    """What was sent: the microphone's sound where it was not the clean voice."""
    sent = folder / MICROPHONE
    return read_recording(sent if sent.is_file() else folder / RECORDING).caller


def _asked(pause: Pause, sound: Samples, engine: SmartTurn) -> Pause:
    """The pause with the one opinion of an engine, at the moment when it is asked."""
    ended = pause.before[-1]
    at_s = ended.t + ASK_AFTER_S - DETECTED_S
    probability = engine.judge(sound[: round(at_s * RATE)])
    verdict = float(probability > COMPLETE)
    opinion = Told(at_s, TurnEndPredicted(ended.event.segment, verdict))
    return replace(pause, after=tuple(sorted((*pause.after, opinion), key=lambda told: told.t)))


def _unjudged(pause: Pause) -> Pause:
    """The pause without anybody's opinion on it."""
    before, after = (
        tuple(told for told in part if not isinstance(told.event, TurnEndPredicted))
        for part in (pause.before, pause.after)
    )
    return replace(pause, before=before, after=after)


def _pause_min_s(call: Recorded) -> float:
    value = call.table.get("pause_min_s", TurnConfig().pause_min_s)
    return float(value) if isinstance(value, int | float) else 0.0
