"""Opus by libopus itself: copies of lost packets and concealment, which FFmpeg's wrapper lacks.

Source: RFC 6716 (the codec), RFC 7587 (its RTP payload), libopus 1.6 `opus.h` (request numbers).
"""

import ctypes
import ctypes.util
import functools
import importlib.util
from pathlib import Path

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import DeviceError, ProtocolError

CLOCK_RATE = 48_000
"""RTP timestamps of Opus tick at this rate whatever the sound's, in Hz (RFC 7587, 4.1)."""

RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
"""Rates that Opus encodes and decodes at by itself, in Hz."""

_LONGEST_S = 0.12  # of a packet
_PACKET_BYTES = 1275
_VOIP, _VOICE = 2048, 3001
_SET_BITRATE, _SET_COMPLEXITY, _SET_FEC = 4002, 4010, 4012
_SET_LOSS_PERCENT, _SET_DTX, _SET_SIGNAL = 4014, 4016, 4024
_COMPLEXITY = 5  # of 10; above it, half as much work again for nothing one hears in speech


class OpusDecoder:
    """Mono sound out of one stream's packets, whatever they hold."""

    def __init__(self, rate: int) -> None:
        """At `rate` Hz, one of RATES.

        Raises:
            DeviceError: there is no libopus.
        """
        self._library = library()
        self._rate = rate
        self._room = round(_LONGEST_S * rate)
        error = ctypes.c_int()
        create = self._library.opus_decoder_create
        self._state = ctypes.c_void_p(create(rate, 1, ctypes.byref(error)))
        _check(error.value, f"a decoder of {rate} Hz")

    def __del__(self) -> None:
        """Give its memory back."""
        if state := self.__dict__.pop("_state", None):
            self._library.opus_decoder_destroy(state)

    @property
    def rate(self) -> int:
        """Samples per second of what it makes, in Hz."""
        return self._rate

    def decode(self, payload: bytes) -> Samples:
        """The sound of a packet, float32 [n].

        Raises:
            ProtocolError: it is no Opus.
        """
        samples = self._decode(payload, self._room)
        if samples is None:
            raise ProtocolError(f"expected a packet of Opus, found {len(payload)} bytes of else")
        return samples

    def conceal(self, count: int) -> Samples:
        """Sound for `count` samples that were lost, float32 [count]."""
        whole = -(-count * 400 // self._rate) * self._rate // 400  # steps of 2.5 ms
        samples = self._decode(None, whole)
        return np.zeros(count, np.float32) if samples is None else samples[:count]

    def recover(self, copy: bytes, count: int) -> Samples | None:
        """The `count` samples before the packet `copy`, where it holds them."""
        has_copy = self._library.opus_packet_has_lbrr(copy, len(copy)) == 1
        return self._decode(copy, count, copied=1) if has_copy else None

    def _decode(self, payload: bytes | None, count: int, copied: int = 0) -> Samples | None:
        out = np.empty(count, np.float32)
        pointer = out.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        size = len(payload or b"")
        decode = self._library.opus_decode_float
        made: int = decode(self._state, payload, size, pointer, count, copied)
        return out[:made] if made > 0 else None


class OpusEncoder:
    """Mono speech into packets that hold a copy of the one before."""

    def __init__(self, rate: int, bitrate: int = 32_000, loss: float = 0.05) -> None:
        """Of sound of `rate` Hz, one of RATES, at `bitrate` bits a second.

        Silence is sent too: without it a browser's buffer and our ledger of what was heard would
        have to guess how long a pause was.

        Raises:
            DeviceError: there is no libopus.
        """
        self._library = library()
        self._rate = rate
        error = ctypes.c_int()
        create = self._library.opus_encoder_create
        self._state = ctypes.c_void_p(create(rate, 1, _VOIP, ctypes.byref(error)))
        _check(error.value, f"an encoder of {rate} Hz")
        wishes = ((_SET_BITRATE, bitrate), (_SET_COMPLEXITY, _COMPLEXITY), (_SET_FEC, 1))
        for request, value in (*wishes, (_SET_DTX, 0), (_SET_SIGNAL, _VOICE)):
            self._ask(request, value)
        self.expect_loss(loss)

    def __del__(self) -> None:
        """Give its memory back."""
        if state := self.__dict__.pop("_state", None):
            self._library.opus_encoder_destroy(state)

    @property
    def rate(self) -> int:
        """Samples per second of what it takes, in Hz."""
        return self._rate

    def expect_loss(self, share: float) -> None:
        """How many of the packets are lost, 0–1: the more, the better the copies."""
        self._ask(_SET_LOSS_PERCENT, round(100 * min(max(share, 0.0), 1.0)))

    def encode(self, samples: Samples) -> bytes:
        """A packet of float32 [n]; n must last 2.5, 5, 10, 20, 40 or 60 ms."""
        sound = np.ascontiguousarray(samples, np.float32)
        out = ctypes.create_string_buffer(_PACKET_BYTES)
        pointer = sound.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        encode = self._library.opus_encode_float
        made: int = encode(self._state, pointer, len(sound), out, _PACKET_BYTES)
        _check(made, f"a packet of {len(sound)} samples of {self._rate} Hz")
        return out.raw[:made]

    def _ask(self, request: int, value: int) -> None:
        _check(self._library.opus_encoder_ctl(self._state, request, value), f"request {request}")


def packet_samples(payload: bytes) -> int:
    """Length of a packet's sound in ticks of 48 kHz, by its first bytes; 0 where it is broken.

    Source: RFC 6716, section 3.1.
    """
    if not payload:
        return 0
    config, code = payload[0] >> 3, payload[0] & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    counted = payload[1] & 0x3F if len(payload) > 1 else 0
    ticks = frame * (1, 2, 2, counted)[code]
    return ticks if ticks <= _LONGEST_S * CLOCK_RATE else 0


@functools.cache  # each loading leaves classes behind that only the collector of cycles takes
def library() -> ctypes.CDLL:
    """Libopus, loaded once; the one that comes with the package av, or else the system's.

    Raises:
        DeviceError: there is none, or an old one.
    """
    found = _bundled() or ctypes.util.find_library("opus")
    if found is None:
        raise DeviceError("expected libopus, found none; install parley[webrtc]")
    loaded = ctypes.CDLL(found)
    for create in (loaded.opus_decoder_create, loaded.opus_encoder_create):
        create.restype = ctypes.c_void_p
    loaded.opus_encoder_ctl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    try:
        loaded.opus_packet_has_lbrr.restype = ctypes.c_int
    except AttributeError as fault:
        raise DeviceError(
            f"expected libopus 1.5 or newer, found {found}, which is older; "
            "install the package av from a wheel, which brings its own"
        ) from fault
    return loaded


def _bundled() -> str | None:
    spec = importlib.util.find_spec("av")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]).parent / "av.libs"
    return next((str(path) for path in sorted(folder.glob("libopus-*.so*"))), None)


def _check(code: int, what: str) -> None:
    if code < 0:
        raise DeviceError(f"libopus: expected to make {what}, found its error {code}")
