"""The table [webrtc]: calls from browsers."""

from dataclasses import dataclass, field

from audio_io.opus import RATES
from audio_io.receive.jitter import JitterSettings
from audio_io.receive.presence import PresenceLimits


@dataclass(frozen=True, slots=True)
class WebRtcSettings:
    """How browsers reach us, and how sound travels.

    Attributes:
        stun: servers that tell a browser its address, such as stun:stun.example.org:3478.
        turn: servers that pass everything on where nothing else gets through, such as
            turn:turn.example.org:3478?transport=udp.
        username: for the TURN servers.
        credential: for the TURN servers; every caller gets to see it.
        server_uses_them: the server asks them for an address of its own too: it has none that
            callers can reach.
        rate: of the caller's sound, in Hz: what Opus decodes to.
        play_rate: of the agent's sound, in Hz: what Opus is made from.
        bitrate: of the agent's sound, in bits a second.
        ear_s: from our sending to the caller's ear, until the client says how long it is.
        input_s: sound waiting for a pipeline that is behind; older sound is dropped.
        output_frames: frames of 20 ms handed over and not sent yet.
        notes: waiting for a client whose data channel is not open; newer ones are dropped.
        presence: how long to wait for a caller.
        jitter: how long to wait for packets.
    """

    stun: tuple[str, ...] = ()
    turn: tuple[str, ...] = ()
    username: str = ""
    credential: str = ""
    server_uses_them: bool = False
    rate: int = 16_000
    play_rate: int = 24_000
    bitrate: int = 32_000
    ear_s: float = 0.06
    input_s: float = 2.0
    output_frames: int = 2
    notes: int = 64
    presence: PresenceLimits = field(default_factory=PresenceLimits)
    jitter: JitterSettings = field(default_factory=JitterSettings)

    def __post_init__(self) -> None:
        """Refuse what Opus or a browser would."""
        for name, rate in (("rate", self.rate), ("play_rate", self.play_rate)):
            if rate not in RATES:
                allowed = ", ".join(map(str, RATES))
                raise ValueError(f"{name}: expected one of {allowed} Hz, found {rate}")
        for url in (*self.stun, *self.turn):
            if url.split(":", 1)[0] not in {"stun", "stuns", "turn", "turns"}:
                raise ValueError(f"expected stun:HOST or turn:HOST, found {url!r}")
        if not 1 <= self.output_frames <= 3:
            raise ValueError(f"output_frames: expected 1 to 3, found {self.output_frames}")

    @property
    def ice_servers(self) -> list[dict[str, object]]:
        """As a browser's RTCPeerConnection takes them."""
        servers: list[dict[str, object]] = []
        if self.stun:
            servers.append({"urls": list(self.stun)})
        if self.turn:
            shown = {"username": self.username, "credential": self.credential}
            servers.append({"urls": list(self.turn), **shown})
        return servers
