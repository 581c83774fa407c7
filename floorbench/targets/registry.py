"""From what somebody types to the target that is meant."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from agent.config import shipped
from agent.core.errors import ConfigError
from floorbench.session import RATE, Target
from floorbench.targets.media_stream import MediaStream
from floorbench.targets.moshi import Moshi
from floorbench.targets.parley_ws import ParleyWs
from floorbench.targets.pcm_ws import PcmWs
from floorbench.targets.realtime import Realtime

if TYPE_CHECKING:
    from floorbench.targets.in_process import InProcess

ALLOWED = (
    "offline or agent.toml (this project, in process), ws://HOST:PORT/ws (parley), "
    "pcm+ws://HOST:PORT/PATH?rate=16000, realtime+wss://HOST/v1/realtime?model=NAME, "
    "twilio+ws://HOST:PORT/PATH, moshi+ws://HOST:PORT/api/chat; wss:// for TLS"
)
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
        if scheme not in ("ws", "wss") or not parts.hostname or dialect not in _DIALECTS:
            raise ConfigError(_unknown(spec))
        parts.port  # noqa: B018  # raises ValueError for one that is no number
        url = parts._replace(scheme=scheme, fragment="")
        return _DIALECTS[dialect](url, dict(parse_qsl(parts.query, keep_blank_values=True)))
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


_DIALECTS: Mapping[str, Callable[[SplitResult, Options], Target]] = MappingProxyType(
    {"": _parley, "pcm": _pcm, "realtime": _realtime, "twilio": _twilio, "moshi": _moshi}
)


def _address(url: SplitResult, options: Options) -> str:
    return url._replace(query=urlencode(options)).geturl()


def _unknown(spec: str) -> str:
    return f"--target {_public(spec)}: expected one of: {ALLOWED}"


def _public(spec: str) -> str:
    """A spec without query and password, which may be secret."""
    before, colon, after = spec.partition("://")
    return before + colon + after.partition("?")[0].rpartition("@")[2]
