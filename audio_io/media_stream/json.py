"""Media streams whose sound travels in JSON as base64: Twilio and its kin, each a table. Pure.

Source of every table: the provider's own reference, named beside it. No provider was reached.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from agent.core.errors import ProtocolError
from audio_io.media_stream.wire import (
    Begun,
    Coding,
    Dialect,
    Gaps,
    Heard,
    Ignored,
    Marked,
    Message,
    Sound,
    Stopped,
    UnknownSound,
    base64_of,
    inner,
    key_of,
    payload,
    table_of,
    text,
    texts,
    whole,
)


@dataclass(frozen=True, slots=True)
class _Words:
    """What a provider calls things.

    Attributes:
        stream: the name of the stream, in every message.
        ids: what it tells of the call: our word and theirs.
        form: the table that describes the sound.
        rate: its rate in there.
        parameters: the table of parameters set for the call.
        codings: by the names it has for them; a single one is meant whatever it says.
        played: the event that returns a mark.
    """

    stream: str
    ids: Mapping[str, str]
    form: str
    rate: str
    parameters: str
    codings: Mapping[str, Coding]
    played: str = "mark"


def _read(words: _Words, message: Message) -> tuple[str, Heard]:
    table = table_of(message)
    stream = table.get(words.stream)
    return stream if isinstance(stream, str) else "", _heard(words, table)


def _heard(words: _Words, table: Mapping[str, object]) -> Heard:
    match table.get("event"):
        case "media":
            return _sound(inner(table, "media"))
        case "start":
            return _begun(words, table, inner(table, "start"))
        case "dtmf":
            return key_of(inner(table, "dtmf").get("digit"))
        case "stop":
            return Stopped()
        case event if event == words.played:
            return Marked(text(inner(table, "mark") if event == "mark" else table, "name"))
        case str():
            return Ignored()
        case event:
            raise ProtocolError(f"event: expected text, found {type(event).__name__}")


def _sound(media: Mapping[str, object]) -> Heard:
    if media.get("track") not in (None, "inbound", "inbound_track"):
        return Ignored()  # our own sound, which some providers send back on a track of its own
    return Sound(payload(media.get("payload")), whole(media, "chunk"), whole(media, "timestamp"))


def _begun(words: _Words, table: Mapping[str, object], start: Mapping[str, object]) -> Begun:
    named = start.get(words.stream, table.get(words.stream))
    form = start.get(words.form)
    form = form if isinstance(form, Mapping) else {}
    own = {ours: value for ours, theirs in words.ids.items() if (value := start.get(theirs))}
    parameters = start.get(words.parameters, table.get(words.parameters))
    if isinstance(parameters, str):
        parameters = _parameters(parameters)
    return Begun(
        text({words.stream: named}, words.stream),
        _coding(words, form),
        whole(form, words.rate) or 8000,
        texts(parameters) | texts(own),
    )


def _parameters(found: str) -> object:
    """Parameters that come as JSON in a string."""
    try:
        return table_of(found)
    except ProtocolError:
        return {}


def _coding(words: _Words, form: Mapping[str, object]) -> Coding:
    if len(words.codings) == 1:
        return next(iter(words.codings.values()))
    if whole(form, "channels") not in {None, 1}:
        raise UnknownSound("start: expected sound of one channel, found more")
    found = words.codings.get(str(form.get("encoding")))
    if found is None:
        allowed = ", ".join(words.codings)
        raise UnknownSound(f"start: expected sound as {allowed}, found another encoding")
    return found


# --- what we say --------------------------------------------------------------------------------


def _said(event: str, **fields: object) -> str:
    return json.dumps({"event": event, **fields}, separators=(",", ":"))


def _named(key: str, begun: Begun) -> dict[str, object]:
    return {key: begun.stream} if key else {}


def _sound_of(key: str, begun: Begun, data: bytes) -> str:
    return _said("media", **_named(key, begun), media={"payload": base64_of(data)})


def _mark_of(key: str, begun: Begun, name: str) -> str:
    return _said("mark", **_named(key, begun), mark={"name": name})


def _clear_of(key: str, begun: Begun) -> tuple[str, ...]:
    return (_said("clear", **_named(key, begun)),)


def _plivo_sound(begun: Begun, data: bytes) -> str:
    kind = "audio/x-mulaw" if begun.coding is Coding.MULAW else "audio/x-l16"
    media = {"contentType": kind, "sampleRate": begun.rate, "payload": base64_of(data)}
    return _said("playAudio", media=media)


def _plivo_mark(begun: Begun, name: str) -> str:
    return _said("checkpoint", streamId=begun.stream, name=name)


def _plivo_clear(begun: Begun) -> tuple[str, ...]:
    return (_said("clearAudio", streamId=begun.stream),)


def _plivo_digits(_: Begun, digits: str) -> str:
    return _said("sendDTMF", dtmf=digits)


# --- the dialects -------------------------------------------------------------------------------

_TWILIO_WORDS = _Words(
    stream="streamSid",
    ids={"call": "callSid", "account": "accountSid"},
    form="mediaFormat",
    rate="sampleRate",
    parameters="customParameters",
    codings={"audio/x-mulaw": Coding.MULAW, "audio/x-l16": Coding.LINEAR},
)
_TELNYX_WORDS = _Words(
    stream="stream_id",
    ids={"call": "call_control_id", "account": "user_id", "from": "from", "to": "to"},
    form="media_format",
    rate="sample_rate",
    parameters="custom_parameters",
    codings={"PCMU": Coding.MULAW, "PCMA": Coding.ALAW},
)
_PLIVO_WORDS = _Words(
    stream="streamId",
    ids={"call": "callId", "account": "accountId", "from": "from", "to": "to"},
    form="mediaFormat",
    rate="sampleRate",
    parameters="extra_headers",
    codings={"audio/x-mulaw": Coding.MULAW, "audio/x-l16": Coding.LINEAR},
    played="playedStream",
)
_EXOTEL_WORDS = _Words(
    stream="stream_sid",
    ids={"call": "call_sid", "account": "account_sid", "from": "from", "to": "to"},
    form="media_format",
    rate="sample_rate",
    parameters="custom_parameters",
    codings={"slin": Coding.LINEAR},
)

TWILIO = Dialect(
    "twilio",
    partial(_read, _TWILIO_WORDS),
    partial(_sound_of, "streamSid"),
    partial(_mark_of, "streamSid"),
    partial(_clear_of, "streamSid"),
    marks_on_flush=True,
    gaps=Gaps.TIME,
    goes_on=True,
)
"""Source: Twilio, "Media Streams: WebSocket messages"."""

SIGNALWIRE = replace(TWILIO, name="signalwire")
"""Source: SignalWire, "cXML: Stream", which says that the messages are Twilio's."""

TELNYX = Dialect(
    "telnyx",
    partial(_read, _TELNYX_WORDS),
    partial(_sound_of, ""),
    partial(_mark_of, ""),
    partial(_clear_of, ""),
    gaps=Gaps.CHUNK,
)
"""Source: Telnyx, "Stream call media over WebSocket" (AsyncAPI): the order of media is not
guaranteed. It does not say whether the marks of what is cleared come back; and the stream names
the call otherwise than the requests for documents, so that none can say where it is to go."""

PLIVO = Dialect(
    "plivo",
    partial(_read, _PLIVO_WORDS),
    _plivo_sound,
    _plivo_mark,
    _plivo_clear,
    _plivo_digits,
    gaps=Gaps.CHUNK,
    goes_on=True,
)
"""Source: Plivo, "Audio streaming: stream events"."""

EXOTEL = Dialect(
    "exotel",
    partial(_read, _EXOTEL_WORDS),
    partial(_sound_of, "stream_sid"),
    partial(_mark_of, "stream_sid"),
    partial(_clear_of, "stream_sid"),
    gaps=Gaps.TIME,
    least_bytes=3200,
)
"""Source: Exotel, "Voicebot applet": messages of 3.2 to 100 kB, in multiples of 320 bytes."""
