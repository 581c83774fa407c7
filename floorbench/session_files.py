"""Sessions on disk: a stereo WAV and `events.json` in a folder each. The format of any recording.

`events.json` is an object with `version`, `id`, `scenario`, `events` and, where we held the session
ourselves, `caller_lag_s`, `fault` and `left_out`. A bare list of events is read as well. An event
has the fields of `floorbench.session.CallerEvent`; `parts` are pairs of seconds. An agent in this
process leaves its `trace.jsonl` there too.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from agent.core.audio import AudioFrame, Samples
from agent.core.calls import Json
from agent.core.errors import ConfigError
from audio_io.wav_file import Side, StereoWriter
from floorbench.activity import Span
from floorbench.caller import Held
from floorbench.recording import read_recording
from floorbench.score.ignored import SILENCE
from floorbench.session import CallerEvent, Expect, Session

VERSION = 1
RECORDING = "session.wav"
EVENTS = "events.json"
MICROPHONE = "microphone.wav"
TRACE = "trace.jsonl"
SESSIONS = "sessions"

_ALLOWED = frozenset("id kind t_on t_off parts expect needs_agent_talking params".split())
LONGEST_S = 1e9
"""Thirty years: no time in a recording, and a float holds it to the microsecond."""
_BLOCK_S = 0.1


# --- writing --------------------------------------------------------------------------------------


def write_session(folder: Path, held: Held) -> None:
    """Keep one session in `folder`, which is made.

    `microphone.wav` (on the left) is written where what was sent is not the clean voice.

    Raises:
        ConfigError: it cannot be written.
    """
    session = held.session
    recording = session.recording
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_document(held), indent=1, ensure_ascii=False)
        (folder / EVENTS).write_text(text + "\n", encoding="utf-8")
        if held.trace:
            lines = [json.dumps(line, ensure_ascii=False, default=str) for line in held.trace]
            (folder / TRACE).write_text("\n".join([*lines, ""]), "utf-8", "backslashreplace")
    except OSError as fault:
        raise ConfigError(
            f"{folder}: expected to write a session there, found {fault.strerror}; "
            "choose another folder"
        ) from fault
    _write_wav(folder / RECORDING, recording.rate, (recording.caller, recording.agent))
    if held.microphone is not None:
        _write_wav(folder / MICROPHONE, recording.rate, (held.microphone,))


def _write_wav(path: Path, rate: int, channels: Sequence[Samples]) -> None:
    """Both sides go forward together, so that nothing falls out of the writer's window."""
    block = round(rate * _BLOCK_S)
    with StereoWriter(path, rate) as writer:
        for start in range(0, max(map(len, channels)), block):
            for side, samples in zip(Side, channels, strict=False):
                writer.append(side, AudioFrame(samples[start : start + block], rate, start))


def _document(held: Held) -> dict[str, Json]:
    session = held.session
    return {
        "version": VERSION,
        "id": session.id,
        "scenario": session.scenario,
        "caller_lag_s": round(session.caller_lag_s, 6),
        "fault": session.fault,
        "line_lost": round(held.line_lost, 4),
        "left_out": [{"step": item.step, "reason": item.reason} for item in held.left_out],
        "events": [_event_fields(event) for event in session.events],
    }


def _event_fields(event: CallerEvent) -> dict[str, Json]:
    return {
        "id": event.id,
        "kind": event.kind,
        "t_on": event.t_on,
        "t_off": event.t_off,
        "parts": [[part.start_s, part.end_s] for part in event.parts],
        "expect": event.expect.value,
        "needs_agent_talking": event.needs_agent_talking,
        "params": dict(event.params),
    }


# --- reading --------------------------------------------------------------------------------------


def read_sessions(out: Path) -> Iterator[Session]:
    """The sessions of a run, by name, one in memory at a time.

    Raises:
        ConfigError: there are none, or one cannot be read.
    """
    folders = sorted(path.parent for path in (out / SESSIONS).glob(f"*/{EVENTS}"))
    if not folders:
        raise ConfigError(
            f"{out}: expected a run with {SESSIONS}/ID/{EVENTS}, found none; "
            "give the folder that a run was written to"
        )
    for folder in folders:
        yield read_session(folder / RECORDING, folder / EVENTS)


def read_session(recording: Path, events: Path) -> Session:
    """One session, ours or somebody else's.

    Raises:
        ConfigError: the events cannot be read; the message names event and field.
        ParleyError: the recording is none.
    """
    document = _parsed(events)
    found = _events(document, events)
    if not recording.is_file():
        raise ConfigError(f"{recording}: expected a stereo WAV, found no file; check the path")
    return Session(
        str(document.get("id") or recording.stem),
        str(document.get("scenario") or "recording"),
        read_recording(recording),
        found,
        _number(document.get("caller_lag_s", 0.0), f"{events}: caller_lag_s"),
        str(document.get("fault") or ""),
    )


def read_events(path: Path) -> tuple[CallerEvent, ...]:
    """The events of a session, by time. Raises ConfigError; the message names event and field."""
    return _events(_parsed(path), path)


def _events(document: Mapping[str, object], path: Path) -> tuple[CallerEvent, ...]:
    listed = document.get("events")
    if not isinstance(listed, list):
        raise ConfigError(f"{path}: expected a list of events, found {_shown(listed)}")
    found = [_event(item, f"{path}: event {n}") for n, item in enumerate(listed, 1)]
    counts = Counter(event.id for event in found)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise ConfigError(f"{path}: expected each id once, found {', '.join(twice)} again")
    return tuple(sorted(found, key=lambda e: (e.t_on, e.id)))


def _parsed(events: Path) -> Mapping[str, object]:
    try:
        document = json.loads(events.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ConfigError(
            f"{events}: expected events, found none that can be read ({fault.strerror}); "
            "check the path"
        ) from fault
    except (ValueError, RecursionError) as fault:
        raise ConfigError(f"{events}: expected JSON: {fault}") from fault
    if isinstance(document, list):
        return {"events": document}
    if not isinstance(document, dict):
        raise ConfigError(f"{events}: expected an object or a list, found {_shown(document)}")
    version = document.get("version", VERSION)
    if version != VERSION:
        raise ConfigError(f"{events}: expected version {VERSION}, found {_shown(version)}")
    return document


def _event(item: object, where: str) -> CallerEvent:
    if not isinstance(item, dict):
        raise ConfigError(f"{where}: expected an object, found {_shown(item)}")
    if unknown := sorted(set(item) - _ALLOWED):
        raise ConfigError(
            f"{where}: unknown field {unknown[0]}; allowed: {', '.join(sorted(_ALLOWED))}"
        )
    expect = item.get("expect")
    if expect not in list(Expect):
        allowed = ", ".join(e.value for e in Expect)
        raise ConfigError(f"{where}: expect: expected one of {allowed}, found {_shown(expect)}")
    talking, params = item.get("needs_agent_talking", False), item.get("params", {})
    if not isinstance(talking, bool) or not isinstance(params, dict):
        raise ConfigError(f"{where}: expected needs_agent_talking true or false, params an object")
    on_s = _number(item.get("t_on"), f"{where}: t_on")
    off_s = _number(item.get("t_off"), f"{where}: t_off")
    if not isinstance(item.get("id"), str) or not isinstance(item.get("kind"), str):
        raise ConfigError(f"{where}: expected id and kind as text")
    silent = expect == Expect.HOLD or item["kind"] in SILENCE  # nothing is to be heard in it
    parts = _parts(item.get("parts", [] if silent else [[on_s, off_s]]), f"{where}: parts")
    return CallerEvent(
        item["id"], item["kind"], on_s, off_s, parts, Expect(expect), talking, params
    )


def _parts(value: object, where: str) -> tuple[Span, ...]:
    if not isinstance(value, list) or not all(isinstance(p, list) and len(p) == 2 for p in value):
        raise ConfigError(f"{where}: expected pairs of seconds, found {_shown(value)}")
    return tuple(Span(_number(on, where), _number(off, where)) for on, off in value)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LONGEST_S:
        raise ConfigError(f"{where}: expected a number of seconds, found {_shown(value)}")
    return float(value)


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)[:60]
