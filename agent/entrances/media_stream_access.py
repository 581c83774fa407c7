"""Whether a request comes from the telephone provider it says it comes from. Pure."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from agent.admission import Refusal, is_token

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as it shows who asks.

    Attributes:
        url: what was asked for, with our public address in place of what the client says.
        headers: by lower-case name.
        form: the fields of a posted form.
        posted: it is a POST.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Pairs = ()
    posted: bool = False


def no_access(provider: str, asked: Asked, secrets: tuple[str, ...]) -> Refusal | None:
    """Why this one may not come in, or None."""
    if provider == "twilio":
        known = any(_is_twilio(asked, secret) for secret in secrets)
        return None if known else Refusal(403, "expected a signature of Twilio's, found none")
    if provider == "plivo":
        known = any(_is_plivo(asked, secret) for secret in secrets)
        return None if known else Refusal(403, "expected a signature of Plivo's, found none")
    if any(is_token(shown, secrets) for shown in _shown(asked)):
        return None
    return Refusal(401, "expected a token of this server, found none that fits")


# --- signatures -----------------------------------------------------------------------------------


def twilio_signature(url: str, form: Pairs, secret: str) -> str:
    """Source: Twilio, "Webhooks security": HMAC-SHA1 of the address and the sorted fields."""
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.digest(secret.encode(), signed.encode(), hashlib.sha1)).decode()


def plivo_signature(asked: Asked, nonce: str, secret: str) -> str:
    """Source: Plivo, "Signature validation", V3: HMAC-SHA256 of the address, the sorted fields and
    a nonce."""
    parts = urlsplit(asked.url)
    query = "&".join(f"{k}={v}" for k, v in sorted(parse_qsl(parts.query, keep_blank_values=True)))
    signed = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    signed += f"?{query}" if query or asked.form else ""
    signed += "." if query and asked.form else ""
    signed += "".join(name + value for name, value in sorted(asked.form))
    message = f"{signed}.{nonce}".encode()
    return base64.b64encode(hmac.digest(secret.encode(), message, hashlib.sha256)).decode()


def _is_twilio(asked: Asked, secret: str) -> bool:
    shown = asked.headers.get("x-twilio-signature", "")
    form = asked.form if asked.posted else ()
    fits = [_same(shown, twilio_signature(url, form, secret)) for url in _spellings(asked.url)]
    return any(fits)


def _is_plivo(asked: Asked, secret: str) -> bool:
    shown = asked.headers.get("x-plivo-signature-v3", "").split(",")
    nonce = asked.headers.get("x-plivo-signature-v3-nonce", "")
    expected = plivo_signature(asked, nonce, secret)
    fits = [_same(one.strip(), expected) for one in shown]
    return bool(nonce) and any(fits)


def _spellings(url: str) -> Iterator[str]:
    """An address with and without its default port, and a slash at its end: which one was signed
    depends on what stands between the provider and us."""
    parts = urlsplit(url)
    port = {"https": 443, "wss": 443, "http": 80, "ws": 80}.get(parts.scheme)
    hosts = {parts.netloc, parts.netloc.removesuffix(f":{port}")}
    hosts |= {f"{host}:{port}" for host in hosts if ":" not in host.rpartition("]")[2]}
    for host in sorted(hosts):
        for path in (parts.path.rstrip("/"), parts.path.rstrip("/") + "/"):
            yield urlunsplit((parts.scheme, host, path, parts.query, ""))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


# --- tokens ---------------------------------------------------------------------------------------


def _shown(asked: Asked) -> Iterator[str]:
    """Every token in a request; with a user name as "user:password", and the password alone."""
    scheme, _, value = asked.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield value.strip()
    elif scheme.lower() == "basic":
        pair = _basic(value)
        yield pair
        yield pair.partition(":")[2]
    yield asked.headers.get("x-telnyx-streaming-auth-token", "")
    yield dict(parse_qsl(urlsplit(asked.url).query)).get("token", "")


def _basic(value: str) -> str:
    try:
        return base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
