"""From what somebody types to the target that is meant."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit
from uuid import UUID

from agent.config import shipped
from agent.core.errors import ConfigError
from audio_io.sip.extra import need_sip
from floorbench.session import RATE, Target
from floorbench.targets.audiosocket import AudioSocket
from floorbench.targets.link import ANSWER_S
from floorbench.targets.media_stream import MediaStream
from floorbench.targets.moshi import Moshi
from floorbench.targets.parley_ws import ParleyWs
from floorbench.targets.pcm_ws import PcmWs
from floorbench.targets.realtime import Realtime
from floorbench.targets.udp_link import UdpNetwork

if TYPE_CHECKING:
    from floorbench.targets.in_process import InProcess

ALLOWED = (
    "offline or agent.toml (this project, in process), ws://HOST:PORT/ws (parley), "
    "pcm+ws://HOST:PORT/PATH?rate=16000, realtime+wss://HOST/v1/realtime?model=NAME, "
    "twilio+ws://HOST:PORT/PATH, moshi+ws://HOST:PORT/api/chat, "
    "audiosocket://HOST:PORT?rate=8000, sip:USER@HOST:PORT?codec=PCMU, "
    "webrtc+http://HOST:PORT/api/offer?loss=0.05 (parley), "
    "rtvi+http://HOST:PORT/api/offer, realtime+https://HOST/v1/realtime/calls; "
    "wss and https for TLS"
)
_PLAIN_HOST = re.compile(r"[0-9A-Za-z_.-]+")  # names and IPv4
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")

OPENAI_KEY = "OPENAI_API_KEY"
"""Where OpenAI's own clients look. Sent to OpenAI alone: for other hosts, name a variable."""

Options = dict[str, str]


@contextmanager
def target(spec: str, overrides: Sequence[str] = ()) -> Iterator[Target]:
    """Who `spec` means, for as long as they are measured.

    Args:
        spec: a configuration of this project, or an address with its dialect.
        overrides: `section.key=value` each, for a configuration only.

    Raises:
        ConfigError: nobody; the message lists what is allowed.
    """
    spec = _slashed(spec)
    if "://" not in spec:
        with _in_process(spec, overrides) as agent:
            yield agent
        return
    if overrides:
        raise ConfigError(f"--target {_public(spec)}: --set changes a configuration, found none")
    yield _far(spec)


def _far(spec: str) -> Target:
    try:
        parts = urlsplit(spec)
        dialect, _, scheme = parts.scheme.rpartition("+")
        make = _DIALECTS.get((dialect, _WITHOUT_TLS.get(scheme, scheme)))
        if make is None or not parts.hostname:
            raise ConfigError(_unknown(spec))
        parts.port  # noqa: B018  # raises ValueError for one that is no number
        url = parts._replace(scheme=scheme, fragment="")
        return make(url, dict(parse_qsl(parts.query, keep_blank_values=True)))
    except ValueError as fault:
        raise ConfigError(f"--target {_public(spec)}: {fault}") from fault


def _in_process(spec: str, overrides: Sequence[str]) -> "InProcess":
    if not spec.endswith(".toml"):
        try:
            shipped(f"{spec}.toml")
        except ConfigError:
            raise ConfigError(_unknown(spec)) from None
    from floorbench.targets.in_process import InProcess  # noqa: PLC0415  # it brings every engine

    return InProcess(spec, overrides)


def _parley(url: SplitResult, options: Options) -> Target:
    return ParleyWs(_address(url, options))


def _pcm(url: SplitResult, options: Options) -> Target:
    rate, key_env = options.pop("rate", str(RATE)), options.pop("key_env", "")
    if not rate.isdecimal():
        raise ValueError(f"rate: expected a number of Hz, found {rate!r}")
    return PcmWs(_address(url, options), int(rate), key_env)


def _realtime(url: SplitResult, options: Options) -> Target:
    is_openai = (url.hostname or "").endswith(".openai.com")
    return Realtime(
        model=options.get("model", ""),
        voice=options.pop("voice", ""),
        turn_detection=options.pop("turn_detection", ""),
        instructions=options.pop("instructions", ""),
        key_env=options.pop("key_env", OPENAI_KEY if is_openai else ""),
        url=_address(url, options),
    )


def _twilio(url: SplitResult, options: Options) -> Target:
    """The provider allows no query in the address: it becomes the stream's parameters."""
    return MediaStream(_address(url, {}), MappingProxyType(options))


def _moshi(url: SplitResult, options: Options) -> Target:
    return Moshi(_address(url, options))


def _audiosocket(url: SplitResult, options: Options) -> Target:
    if url.port is None:
        raise ValueError("expected a port, found none")
    rate, call = options.pop("rate", "8000"), options.pop("call", "")
    if not rate.isdecimal() or options:
        raise ValueError(f"expected rate=HZ and call=UUID at most, found {url.query[:60]!r}")
    return AudioSocket(url.hostname or "", url.port, int(rate), UUID(call) if call else None)


def _sip(url: SplitResult, options: Options) -> Target:
    need_sip()
    from floorbench.targets.sip import Sip  # noqa: PLC0415  # it brings aiosipua

    allowed = "expected sip:USER@HOST:PORT?codec=NAME&ring_s=SECONDS&allow=NETWORK at most"
    user, host = url.username or "", url.hostname or ""
    if not user or url.password is not None or url.path or not _PLAIN_HOST.fullmatch(host):
        raise ValueError(f"{allowed}, found something else")
    ring_s, codec = options.pop("ring_s", str(ANSWER_S)), options.pop("codec", "PCMU,PCMA")
    allow = tuple(filter(None, options.pop("allow", "").split(",")))
    if options or not _SECONDS.fullmatch(ring_s):
        raise ValueError(f"{allowed}, found {urlencode(options)[:60] or ring_s[:20]!r}")
    return Sip(user, host, url.port or 5060, tuple(codec.split(",")), float(ring_s), allow)


def _webrtc(dialect: str, url: SplitResult, options: Options) -> Target:
    from floorbench.targets.webrtc import Dialect, WebRtc  # noqa: PLC0415  # it brings aiortc

    is_openai = (url.hostname or "").endswith(".openai.com")
    key_env = options.pop("key_env", OPENAI_KEY if is_openai else "")
    network = _network(options)
    return WebRtc(_address(url, options), Dialect(dialect), key_env, network)


def _network(options: Options) -> UdpNetwork | None:
    """What is asked for with loss=, jitter_s=, delay_s= and seed=; None where nothing is."""
    seed = options.pop("seed", "1")
    if not seed.isdecimal():
        raise ValueError(f"seed: expected a number, found {seed[:20]!r}")
    loss, jitter_s, delay_s = (_share(name, options) for name in ("loss", "jitter_s", "delay_s"))
    network = UdpNetwork(loss, jitter_s=jitter_s, delay_s=delay_s, seed=int(seed))
    return network if loss or jitter_s or delay_s else None


def _share(name: str, options: Options) -> float:
    text = options.pop(name, "0")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise ValueError(f"{name}: expected 0 to 1, found {text[:20]!r}")
    return value


_WITHOUT_TLS: Mapping[str, str] = MappingProxyType({"wss": "ws", "https": "http"})
_DIALECTS: Mapping[tuple[str, str], Callable[[SplitResult, Options], Target]] = MappingProxyType(
    {
        ("", "ws"): _parley,
        ("pcm", "ws"): _pcm,
        ("realtime", "ws"): _realtime,
        ("twilio", "ws"): _twilio,
        ("moshi", "ws"): _moshi,
        ("", "audiosocket"): _audiosocket,
        ("", "sip"): _sip,
        ("webrtc", "http"): partial(_webrtc, "webrtc"),
        ("rtvi", "http"): partial(_webrtc, "rtvi"),
        ("realtime", "http"): partial(_webrtc, "realtime"),
    }
)
"""By dialect and scheme."""


def _slashed(spec: str) -> str:
    """A SIP address has no slashes; all others do."""
    is_bare = spec.startswith("sip:") and not spec.startswith("sip://")
    return spec.replace(":", "://", 1) if is_bare else spec


def _address(url: SplitResult, options: Options) -> str:
    return url._replace(query=urlencode(options)).geturl()


def _unknown(spec: str) -> str:
    return f"--target {_public(spec)}: expected one of: {ALLOWED}"


def _public(spec: str) -> str:
    """A spec without query and password, which may be secret."""
    before, colon, after = spec.partition("://")
    return before + colon + after.partition("?")[0].rpartition("@")[2]
