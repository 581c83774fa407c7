"""What providers are told to do with a call: open a stream to us, then ask again. Pure.

Source of every document: the provider's own reference. No provider was reached.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape, quoteattr

from agent.core.calls import Json, Transfer

XML, JSON = "application/xml", "application/json"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a provider needs to know to stream a call to us.

    Attributes:
        stream: our WebSocket's address.
        after: where it asks what to do once the stream has ended.
        secret: what it shall show when it opens the stream.
        rate: of the sound, in Hz.
        parameters: what it shall hand back at the start of the stream.
    """

    stream: str
    after: str
    secret: str
    rate: int
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Documents:
    """What one provider is told.

    Attributes:
        kind: the content type.
        invite: open a stream.
        reject: take no call.
        after: once the stream has ended, connect the call to somebody, or hang up.
        call: the field of its requests that names the call.
        caller: the field that holds the caller's number.
    """

    kind: str
    invite: Callable[[Invitation], str]
    reject: str
    after: Callable[[Transfer | None], str]
    call: str
    caller: str


def _attributes(**values: str) -> str:
    return "".join(f" {key}={quoteattr(value)}" for key, value in values.items())


def _response(inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Response>{inside}</Response>\n'


def _parameters(invitation: Invitation) -> str:
    pairs = invitation.parameters.items()
    return "".join(f"<Parameter{_attributes(name=k, value=v)}/>" for k, v in pairs)


# --- Twilio's XML and its kin --------------------------------------------------------------------


def _twilio(invitation: Invitation) -> str:
    stream = f"<Stream{_attributes(url=invitation.stream)}>{_parameters(invitation)}</Stream>"
    return _response(f"<Connect{_attributes(action=invitation.after)}>{stream}</Connect>")


def _signalwire(invitation: Invitation) -> str:
    attributes = _attributes(url=invitation.stream, authBearerToken=invitation.secret)
    stream = f"<Stream{attributes}>{_parameters(invitation)}</Stream>"
    return _response(f"<Connect{_attributes(action=invitation.after)}>{stream}</Connect>")


def _telnyx(invitation: Invitation) -> str:
    token = quote(invitation.secret, safe="")
    attributes = _attributes(
        url=f"{invitation.stream}?token={token}",  # its XML has no word for a token or parameters
        track="inbound_track",
        codec="PCMU",
        bidirectionalMode="rtp",
        bidirectionalCodec="PCMU",
    )
    return _response(f"<Connect><Stream{attributes}/></Connect><Hangup/>")


def _plivo(invitation: Invitation) -> str:
    linear = f"audio/x-l16;rate={invitation.rate}"
    words = {key: value for key, value in invitation.parameters.items() if (key + value).isalnum()}
    attributes = _attributes(
        bidirectional="true",
        keepCallAlive="true",
        contentType=linear if invitation.rate == 16_000 else "audio/x-mulaw;rate=8000",
        extraHeaders=",".join(f"{key}={value}" for key, value in words.items()),
    )
    stream = f"<Stream{attributes}>{escape(invitation.stream)}</Stream>"
    return _response(f"{stream}<Redirect>{escape(invitation.after)}</Redirect>")


def _dial(order: Transfer | None, sip: str, whisper: str = "") -> str:
    """Ring somebody; they are told what stands at `whisper` before they hear the caller."""
    if order is None:
        return _response("<Hangup/>")
    name = sip if order.to.startswith("sip:") else "Number"
    told = _attributes(url=whisper) if whisper and order.summary else ""
    return _response(f"<Dial><{name}{told}>{escape(order.to)}</{name}></Dial>")


def _twilio_after(order: Transfer | None) -> str:
    return _dial(order, "Sip", "whisper")  # an address beside that of this document


def _telnyx_after(order: Transfer | None) -> str:
    return _dial(order, "Sip")


def _plivo_after(order: Transfer | None) -> str:
    return _dial(order, "User")


def whispered(summary: str) -> str:
    """What whoever takes a call is told of it, alone; empty: nothing."""
    return _response(f"<Say>{escape(summary)}</Say>" if summary else "")


WHISPER_TO = MappingProxyType({"twilio": "ParentCallSid", "signalwire": "ParentCallSid"})
"""Providers that ask what to whisper, and the field that names the call it is about."""


# --- JSON ----------------------------------------------------------------------------------------


def _jambonz(invitation: Invitation) -> str:
    user, _, password = invitation.secret.rpartition(":")
    verb: dict[str, Json] = {
        "verb": "listen",
        "url": invitation.stream,
        "actionHook": invitation.after,
        "mixType": "mono",
        "passDtmf": True,
        "sampleRate": invitation.rate,
        "bidirectionalAudio": {"enabled": True, "streaming": True, "sampleRate": invitation.rate},
        "wsAuth": {"username": user or "parley", "password": password},
        "metadata": dict(invitation.parameters),
    }
    return json.dumps([verb])


def _jambonz_after(order: Transfer | None) -> str:
    if order is None:
        return json.dumps([{"verb": "hangup"}])
    sip = order.to.startswith("sip:")
    target = {"type": "sip", "sipUri": order.to} if sip else {"type": "phone", "number": order.to}
    return json.dumps([{"verb": "dial", "target": [target]}])


def _vonage(invitation: Invitation) -> str:
    endpoint: dict[str, Json] = {
        "type": "websocket",
        "uri": invitation.stream,
        "content-type": f"audio/l16;rate={invitation.rate}",
        "headers": dict(invitation.parameters),
        "authorization": {"type": "custom", "value": f"Bearer {invitation.secret}"},
    }
    return json.dumps([{"action": "connect", "endpoint": [endpoint]}])


def _exotel(invitation: Invitation) -> str:
    parts = urlsplit(invitation.stream)
    user, _, password = invitation.secret.rpartition(":")
    shown = f"{user or 'parley'}:{password}@{parts.netloc}"  # it takes Basic in the address only
    return json.dumps({"url": parts._replace(netloc=shown).geturl()})


def _nothing(_: Transfer | None) -> str:
    return "[]"


_REJECTED = _response("<Reject/>")

DOCUMENTS = MappingProxyType(
    {
        "twilio": Documents(XML, _twilio, _REJECTED, _twilio_after, "CallSid", "From"),
        "signalwire": Documents(XML, _signalwire, _REJECTED, _twilio_after, "CallSid", "From"),
        "telnyx": Documents(XML, _telnyx, _REJECTED, _telnyx_after, "CallSid", "From"),
        "plivo": Documents(XML, _plivo, _response("<Hangup/>"), _plivo_after, "CallUUID", "From"),
        "exotel": Documents(JSON, _exotel, "{}", _nothing, "CallSid", "CallFrom"),
        "vonage": Documents(JSON, _vonage, "[]", _nothing, "uuid", "from"),
        "jambonz": Documents(
            JSON, _jambonz, json.dumps([{"verb": "hangup"}]), _jambonz_after, "call_sid", "from"
        ),
    }
)
"""By provider; FreeSWITCH asks nobody, its dial plan opens the stream."""
