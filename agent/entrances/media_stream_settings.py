"""The table [media_stream]: which telephone providers may call, and how they show who they are."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from agent.admission import is_loopback
from agent.core.errors import ConfigError
from audio_io.media_stream.dialects import DIALECTS
from audio_io.media_stream.socket import StreamLimits
from audio_io.wire import RATES

_WITH_PARAMETERS = ("twilio", "signalwire", "plivo", "jambonz", "vonage")


@dataclass(frozen=True, slots=True)
class MediaStreamSettings:
    """The table [media_stream].

    Attributes:
        public_url: where the providers reach this server, such as https://phone.example.org; what
            they sign begins with it, and it is never taken from what a client says.
        providers: who may call: twilio, signalwire, telnyx, plivo, exotel, jambonz, vonage,
            audio_fork, audio_stream.
        secrets: of each provider, one or several while one takes the place of the other: the auth
            token that Twilio or Plivo signs with; for the others a token, or "user:password".
            "$NAME" is the value of an environment variable.
        callers: numbers that may call, as the provider writes them; empty: all.
        parameters: what every call is told of itself, under `about`.
        tickets: a stream must come from an answer of ours, within a minute and once: a signature
            that somebody has overheard opens no second one. For providers that hand parameters
            back: twilio, signalwire, plivo, jambonz, vonage.
        rate: of the sound, in Hz, where we are the ones to choose: jambonz, Vonage, Plivo.
        limits: how much a provider may ask of a call.
    """

    public_url: str = ""
    providers: tuple[str, ...] = ()
    secrets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    callers: tuple[str, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    tickets: bool = False
    rate: int = 8000
    limits: StreamLimits = field(default_factory=StreamLimits)

    def __post_init__(self) -> None:
        """Refuse what would leave the door open, or cannot work."""
        for provider in (*self.providers, *self.secrets):
            if provider not in DIALECTS:
                allowed = ", ".join(DIALECTS)
                raise ValueError(f"providers: expected some of {allowed}, found {provider[:40]!r}")
        for provider in self.providers:
            if not any(self.secrets.get(provider, ())):
                raise ValueError(
                    f"secrets.{provider}: expected what {provider} shows or signs with, found "
                    "nothing; whoever knows the address could call"
                )
        mute = [name for name in self.providers if name not in _WITH_PARAMETERS]
        if self.tickets and mute:
            allowed = ", ".join(_WITH_PARAMETERS)
            raise ValueError(f"tickets: expected only {allowed} in providers, found {mute[0]}")
        if self.rate not in RATES:
            raise ValueError(f"rate: expected one of {RATES}, found {self.rate}")
        if self.providers:
            _check_url(self.public_url)

    @property
    def stream_base(self) -> str:
        """`public_url` for WebSockets."""
        return "ws" + self.base.removeprefix("http")

    @property
    def base(self) -> str:
        """`public_url` without a slash at its end."""
        return self.public_url.rstrip("/")


def secrets_of(
    settings: MediaStreamSettings, environment: Mapping[str, str] = os.environ
) -> dict[str, tuple[str, ...]]:
    """The secrets of each provider, those from the environment put in.

    Raises:
        ConfigError: a variable is not set.
    """
    return {
        provider: tuple(_secret(value, environment) for value in values)
        for provider, values in settings.secrets.items()
    }


def _secret(value: str, environment: Mapping[str, str]) -> str:
    if not value.startswith("$"):
        return value
    found = environment.get(value[1:], "")
    if not found:
        raise ConfigError(f"[media_stream] secrets: expected ${value[1:]} to be set, found nothing")
    return found


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    )
    if not secure or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(
            f"public_url: expected where providers reach this server, such as "
            f"https://phone.example.org, found {url[:80]!r}"
        )
