"""Media streams whose sound is binary, 16-bit little-endian: jambonz, Vonage, FreeSWITCH. Pure.

Source of every table: the provider's own reference, named beside it. No provider was reached.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial

from agent.core.errors import ProtocolError
from audio_io.media_stream.wire import (
    Begun,
    Coding,
    Dialect,
    Heard,
    Ignored,
    Marked,
    Message,
    Sound,
    UnknownSound,
    base64_of,
    inner,
    key_of,
    table_of,
    text,
    texts,
    whole,
)

_FREESWITCH_RATE = 8000  # what the module is told on its command line it tells nobody


def _read(words: Callable[[Mapping[str, object]], Heard], message: Message) -> tuple[str, Heard]:
    """Binary is sound, and text is `words`; these streams have no names."""
    if isinstance(message, bytes):
        return "", Sound(message)
    return "", words(table_of(message))


def _as_it_is(_: Begun, data: bytes) -> bytes:
    return data


def _said(**fields: object) -> str:
    return json.dumps(fields, separators=(",", ":"))


# --- jambonz, and drachtio's module for FreeSWITCH -----------------------------------------------


def _jambonz(table: Mapping[str, object]) -> Heard:
    if table.get("event") == "dtmf":
        return key_of(table.get("dtmf"))
    if table.get("type") == "mark":
        return Marked(text(inner(table, "data"), "name"))
    if "event" in table or "type" in table:
        return Ignored()
    return _metadata(table)


def _metadata(table: Mapping[str, object]) -> Begun:
    ids = {"callSid": "call", "accountSid": "account"}
    about = {ids.get(key, key): value for key, value in texts(table).items()}
    return Begun("", Coding.LINEAR, whole(table, "sampleRate") or _FREESWITCH_RATE, about)


def _jambonz_mark(_: Begun, name: str) -> str:
    return _said(type="mark", data={"name": name})


def _jambonz_clear(_: Begun) -> tuple[str, ...]:
    return _said(type="killAudio"), _said(type="clearMarks")


# --- Vonage --------------------------------------------------------------------------------------


def _vonage(table: Mapping[str, object]) -> Heard:
    match table.get("event"):
        case "websocket:connected":
            return _connected(table)
        case "websocket:dtmf":
            return key_of(table.get("digit"))
        case "websocket:notify":
            return Marked(text(inner(table, "payload"), "mark"))
        case str():
            return Ignored()
        case event:
            raise ProtocolError(f"event: expected text, found {type(event).__name__}")


def _connected(table: Mapping[str, object]) -> Begun:
    kind, _, rate = text(table, "content-type").replace(" ", "").partition(";rate=")
    if kind.lower() != "audio/l16":
        raise UnknownSound("content-type: expected audio/l16, found another kind of sound")
    about = {k: v for k, v in texts(table).items() if k not in {"event", "content-type"}}
    return Begun("", Coding.LINEAR, whole({"rate": rate}, "rate") or 0, about)


def _vonage_mark(_: Begun, name: str) -> str:
    return _said(action="notify", payload={"mark": name})


def _vonage_clear(_: Begun) -> tuple[str, ...]:
    return (_said(action="clear"),)


# --- FreeSWITCH with mod_audio_stream ------------------------------------------------------------


def _stream_audio(begun: Begun, data: bytes) -> str:
    sound = {"audioDataType": "raw", "sampleRate": begun.rate, "audioData": base64_of(data)}
    return _said(type="streamAudio", data=sound)


# --- the dialects --------------------------------------------------------------------------------

JAMBONZ = Dialect(
    "jambonz",
    partial(_read, _jambonz),
    _as_it_is,
    _jambonz_mark,
    _jambonz_clear,
    hang_up=_said(type="disconnect"),
    marks_on_flush=True,
    subprotocol="audio.jambonz.org",
    goes_on=True,
)
"""Source: jambonz, "listen" verb, with bidirectionalAudio.streaming."""

VONAGE = Dialect("vonage", partial(_read, _vonage), _as_it_is, _vonage_mark, _vonage_clear)
"""Source: Vonage, "Voice API: WebSockets"."""

AUDIO_FORK = Dialect(
    "audio_fork",
    partial(_read, _jambonz),
    _as_it_is,
    _jambonz_mark,
    _jambonz_clear,
    hang_up=_said(type="disconnect"),
    marks_on_flush=True,
    implied=Begun("", Coding.LINEAR, _FREESWITCH_RATE),
    subprotocol="audio.drachtio.org",
)
"""Source: drachtio-freeswitch-modules, mod_audio_fork: README."""

AUDIO_STREAM = Dialect(
    "audio_stream",
    partial(_read, _jambonz),
    _stream_audio,
    implied=Begun("", Coding.LINEAR, _FREESWITCH_RATE),
)
"""Source: mod_audio_stream for FreeSWITCH: README. It takes nothing back and marks nothing."""
