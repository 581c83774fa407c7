"""Our results in the forms of public yardsticks; docs/floor_results.md says what is not verified.

The figures are those of an agent in a call. A yardstick that was made for detectors is given the
moments at which the agent could be heard to act, which include everything after its decision.
"""

import json
import wave
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from agent.core.audio import Samples
from agent.core.calls import Json
from floorbench.activity import Span
from floorbench.results import FloorResults
from floorbench.score.heard import judged_span
from floorbench.score.ignored import group_of
from floorbench.score.outcome import EventResult, Outcome, SessionResult, State
from floorbench.session import CallerEvent, Expect, Session
from floorbench.yardsticks import eva, tau_voice, turnbench

LEAD_S = 10.0
"""So much of the talk before an event goes into its clip."""
TAIL_S = 15.0
CUT_IN_EDGE_S = 0.05

LABELS: Mapping[str, tau_voice.Label] = MappingProxyType(
    {
        "S_BC": tau_voice.Label.BACKCHANNEL,
        "S_VT": tau_voice.Label.TIC,
        "S_ND": tau_voice.Label.NON_DIRECTED,
    }
)
TASKS_10: Mapping[Expect, tuple[str, str]] = MappingProxyType(
    {
        Expect.HOLD: ("pause_handling", "pause.json"),
        Expect.REPLY: ("smooth_turn_taking", "turn_taking.json"),
        Expect.YIELD: ("user_interruption", "interrupt.json"),
    }
)
BACKGROUND = frozenset({"background", "background_speech", "bystander"})


# --- tau-voice ------------------------------------------------------------------------------------


def tau_voice_panel(results: FloorResults) -> dict[str, Json]:
    """The interaction panel, with the windows it was made with."""
    made = tau_voice.panel([_talk(s, _events_of(results, s)) for s in _scored(results)])
    config = {
        "tick_duration_sec": tau_voice.TICK_S,
        "no_yield_window_sec": tau_voice.NO_YIELD_S,
        "backchannel_yield_window_sec": tau_voice.WRONG_YIELD_S,
        "vocal_tic_yield_window_sec": tau_voice.WRONG_YIELD_S,
        "non_directed_yield_window_sec": tau_voice.WRONG_YIELD_S,
        "vocal_tic_response_window_sec": tau_voice.WRONG_RESPONSE_S,
        "non_directed_response_window_sec": tau_voice.WRONG_RESPONSE_S,
    }
    return {**asdict(made), "config": config, "version": "1.1"}


def _talk(session: SessionResult, events: Sequence[EventResult]) -> tau_voice.Talk:
    labelled = ((e, _label(e)) for e in events)
    caller = [_stretch(Span(e.start_s, e.end_s), label) for e, label in labelled if label]
    agent = [_stretch(span, tau_voice.Label.TURN) for span in session.agent]
    ticks = round(session.duration_s / tau_voice.TICK_S)
    return tau_voice.Talk(tuple(sorted(caller, key=lambda s: s.start)), tuple(agent), ticks)


def _label(event: EventResult) -> tau_voice.Label | None:
    """None for what the panel does not know: pauses, keys and noises."""
    if event.expect in (Expect.REPLY, Expect.YIELD):
        return tau_voice.Label.TURN
    if event.expect is Expect.HOLD:
        return None
    return LABELS.get(group_of(event.kind, event.params))


def _stretch(span: Span, label: tau_voice.Label) -> tau_voice.Stretch:
    start = round(span.start_s / tau_voice.TICK_S)
    return tau_voice.Stretch(start, max(round(span.end_s / tau_voice.TICK_S), start + 1), label)


# --- EVA ------------------------------------------------------------------------------------------


def eva_turn_taking(results: FloorResults) -> dict[str, Json]:
    """The score of every session, and of every turn in it, with the segments it was made from."""
    return {s.id: _eva_session(s, _events_of(results, s)) for s in _scored(results)}


def eva_turns(session: SessionResult, events: Sequence[EventResult]) -> list[eva.Turn]:
    """The caller's turns, each with what the agent began to say before the next one."""
    turns = [e for e in events if e.expect in (Expect.REPLY, Expect.YIELD)]
    edges = [float("-inf"), *(t.start_s for t in turns), float("inf")]
    said = [
        tuple(a for a in session.agent if start <= a.start_s < end)
        for start, end in pairwise(edges)
    ]
    return [
        eva.Turn(
            caller=(Span(turn.start_s, turn.end_s),),
            agent=said[i + 1],
            before=said[i],
            agent_cut_in=any(a.start_s < turn.end_s - CUT_IN_EDGE_S for a in said[i + 1]),
            caller_cut_in=any(a.start_s <= turn.start_s < a.end_s for a in said[i]),
        )
        for i, turn in enumerate(turns)
    ]


def _eva_session(session: SessionResult, events: Sequence[EventResult]) -> dict[str, Json]:
    turns = eva_turns(session, events)
    numbered = dict(enumerate(turns, start=1))
    evaluable = {n: t for n, t in numbered.items() if t.caller and t.agent}
    return {
        "score": eva.score(turns),
        "num_turns": len(turns),
        "num_evaluated": len(evaluable),
        "per_turn_score": {str(n): round(eva.turn_score(t), 4) for n, t in evaluable.items()},
        "audio_timestamps_user_turns": {str(n): _pairs(t.caller) for n, t in numbered.items()},
        "audio_timestamps_assistant_turns": {str(n): _pairs(t.agent) for n, t in numbered.items()},
        "assistant_interrupted_turns": [n for n, t in numbered.items() if t.agent_cut_in],
        "user_interrupted_turns": [n for n, t in numbered.items() if t.caller_cut_in],
    }


# --- TurnBench ------------------------------------------------------------------------------------


def turnbench_predictions(results: FloorResults) -> dict[str, Json]:
    """A submission: when the agent could be heard to take the caller's turn for over, or to yield.

    The caller is speaker 1. The agent commits to the end of a turn with its first sound, and to
    an interruption with the end of its own.
    """
    nothing: dict[str, Json] = {"eot": [], "interruption": []}
    return {
        "schema_version": 1,
        "predictions": [
            {
                "conversation_id": session.id,
                "speaker_1": {
                    "eot": [a.start_s for a in session.agent],
                    "interruption": [a.end_s for a in session.agent],
                },
                "speaker_2": nothing,
            }
            for session in _scored(results)
        ],
    }


def turnbench_gold(results: FloorResults) -> dict[str, Json]:
    """Our own events in the form in which the yardstick writes its gold down."""
    return {
        "tau_pre_s": turnbench.EARLY_S,
        "tau_max_s": turnbench.DEADLINE_S,
        "conversations": {s.id: _gold(s, _events_of(results, s)) for s in _scored(results)},
    }


def turnbench_scores(results: FloorResults) -> tuple[turnbench.TaskScore, turnbench.TaskScore]:
    """EOT and INT, scored by the yardstick's own rules against our events."""
    tracks = [_tracks(s, _events_of(results, s)) for s in _scored(results)]
    return (
        turnbench.score_task(eot for eot, _ in tracks),
        turnbench.score_task(interruption for _, interruption in tracks),
    )


def _tracks(
    session: SessionResult, events: Sequence[EventResult]
) -> tuple[turnbench.Track, turnbench.Track]:
    counted = [e for e in events if e.outcome is not Outcome.NOT_COUNTED]
    talks = (Expect.REPLY, Expect.YIELD)
    over_agent = [e for e in counted if e.expect is Expect.IGNORE and "false_stop" in e.figures]
    return (
        turnbench.Track(
            events=tuple(e.end_s for e in counted if e.expect in talks),
            traps=tuple(_span(e) for e in counted if e.expect is Expect.HOLD),
            predicted=tuple(a.start_s for a in session.agent),
        ),
        turnbench.Track(
            events=tuple(e.start_s for e in counted if e.expect is Expect.YIELD),
            traps=tuple(_span(e) for e in over_agent),
            predicted=tuple(a.end_s for a in session.agent),
        ),
    )


def _gold(session: SessionResult, events: Sequence[EventResult]) -> dict[str, Json]:
    held: dict[str, Json] = {"duration_s": session.duration_s}
    for name, track in zip(("eot", "int"), _tracks(session, events), strict=True):
        held[f"{name}_positive_events"] = [{"speaker": 1, "time_s": t} for t in track.events]
        held[f"{name}_negative_spans"] = [
            {"speaker": 1, "start": s.start_s, "end": s.end_s} for s in track.traps
        ]
        held[f"{name}_excluded"] = []
    return held


# --- Full-Duplex-Bench ----------------------------------------------------------------------------


def write_full_duplex_bench(sessions: Iterable[Session], folder: Path, version: str) -> list[Path]:
    """One numbered folder an event, under its task. `version`: `1.0` or `1.5`.

    Version 1.0 has pauses, smooth turns and interruptions; 1.5 has what happens over the agent.
    """
    tasks = {"1.0": _task_10, "1.5": _task_15}[version]
    written: list[Path] = []
    for session in sessions:
        for event in session.events:
            found = tasks(event)
            if found is None or not _fits(event, session):
                continue
            task, name = found
            place = folder / task / f"{len(written):05d}"
            place.mkdir(parents=True, exist_ok=True)
            _write_clip(place, name, event, session)
            written.append(place)
    return written


def _task_10(event: CallerEvent) -> tuple[str, str] | None:
    return TASKS_10.get(event.expect)


def _task_15(event: CallerEvent) -> tuple[str, str] | None:
    if event.expect is Expect.YIELD:
        return "user_interruption", "metadata.json"
    if event.expect is not Expect.IGNORE or not event.needs_agent_talking:
        return None
    match group_of(event.kind, event.params):
        case "S_BC":
            return "user_backchannel", "metadata.json"
        case "S_ND":
            behind = {event.kind, event.params.get("place")} & BACKGROUND
            return "background_speech" if behind else "talking_to_other", "metadata.json"
    return None


def _write_clip(place: Path, name: str, event: CallerEvent, session: Session) -> None:
    """The two channels around the event, on one clock that starts with the clip."""
    recording, rate = session.recording, session.recording.rate
    span = judged_span(event)
    later = [e.t_on for e in session.events if e.t_on > event.t_off]
    start = round(max(event.t_on - LEAD_S, 0.0) * rate)
    end = round(min([event.t_off + TAIL_S, recording.duration_s, *later]) * rate)
    caller = recording.caller[start:end]
    _write_wav(place / "input.wav", caller, rate)
    _write_wav(place / "output.wav", recording.agent[start:end], rate)
    times = [round(t - start / rate, 3) for t in (span.start_s, span.end_s)]
    said = event.params.get("text")
    text = said if isinstance(said, str) else ""
    if name == "metadata.json":
        clean = caller.copy()
        clean[round(times[0] * rate) : round(times[1] * rate)] = 0
        _write_wav(place / "clean_input.wav", clean, rate)
    _write_json(place / name, _annotation(name, text, times))


def _annotation(name: str, text: str, times: list[float]) -> Json:
    match name:
        case "metadata.json":
            return {"context_text": "", "current_turn_text": text, "timestamps": times}
        case "interrupt.json":
            return [{"context": "", "interrupt": text, "timestamp": times}]
        case "turn_taking.json":  # its evaluation takes the first as the end of the caller's turn
            return [{"text": text, "timestamp": [times[1], times[1]]}]
    return [{"text": text, "timestamp": times}]


def _fits(event: CallerEvent, session: Session) -> bool:
    return 0 <= event.t_on <= event.t_off <= session.recording.duration_s


def _write_json(path: Path, value: Json) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_wav(path: Path, samples: Samples, rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples.clip(-1, 1) * 32767).round().astype("<i2").tobytes())


# --- of a run -------------------------------------------------------------------------------------


def _scored(results: FloorResults) -> Iterator[SessionResult]:
    return (s for s in results.sessions if s.state is State.SCORED)


def _events_of(results: FloorResults, session: SessionResult) -> list[EventResult]:
    ours = (e for e in results.events if e.session == session.id)
    return [e for e in ours if 0 <= e.start_s <= e.end_s <= session.duration_s]


def _span(event: EventResult) -> Span:
    return Span(event.start_s, event.end_s)


def _pairs(spans: Iterable[Span]) -> list[list[float]]:
    return [[s.start_s, s.end_s] for s in spans]
