"""espeak-ng's C library through ctypes, as far as speaking into memory needs it.

Source: speak_lib.h of espeak-ng 1.52, for the structures, the numbers and the meaning of events.
"""

import ctypes
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import EngineFailed, EngineUnavailable

NAME = "espeak"

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: espeak_Synth returns when all is spoken
_BUFFER_MS = 20  # asked for; the library hands out up to 60 ms at a time
_DONT_EXIT = 0x8000  # without it the library ends the process when its data is missing
_UTF8 = 1
_AT_CHARACTER = 1
_RATE, _PITCH = 1, 3  # espeakRATE in words per minute, espeakPITCH 0..100
_EVENT_END, _EVENT_WORD = 0, 1
_FULL_SCALE = np.float32(32768)

# The library keeps the voice, its parameters and the callback once per process, so one lock per
# process guards every stretch between setting them and the end of the synthesis.
_library_in_use = threading.Lock()


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class Voice:
    """How to speak: an espeak voice, words per minute, and pitch 0..100."""

    name: str
    words_per_minute: int
    pitch: int


@dataclass(frozen=True, slots=True)
class WordStart:
    """A word begins: at which character of the text, and at which sample of the sound."""

    character: int
    sample: int


class Library:
    """The loaded library. Used from one thread at a time; a lock sees to that."""

    def __init__(self, library: Any, rate: int) -> None:
        self._library = library
        self.rate = rate

    @classmethod
    def load(cls) -> "Library":
        """Open espeakng-loader's library with its own voice data.

        Raises:
            EngineUnavailable: the package is missing, or its data cannot be read.
        """
        try:
            import espeakng_loader  # noqa: PLC0415  # may be missing

            library = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path()
        except (ImportError, OSError, RuntimeError) as fault:
            raise EngineUnavailable(
                NAME, f"espeak-ng cannot be opened ({fault}). Run: pip install 'parley[offline]'"
            ) from fault
        with _library_in_use:
            rate = library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data.encode(), _DONT_EXIT)
        if rate <= 0:
            raise EngineUnavailable(
                NAME, f"expected voice data in {data}, found none that can be read"
            )
        return cls(library, rate)

    def check(self, voice: Voice) -> None:
        """See that the voice exists.

        Raises:
            EngineUnavailable: it does not.
        """
        with _library_in_use:
            self._use(voice)

    def speak(
        self, text: str, voice: Voice, abandoned: threading.Event
    ) -> tuple[Samples, list[WordStart]]:
        """The sound of a text, float32 [n], and where its words start. About 0.6 ms per second.

        Args:
            text: any text; control characters are spoken as spaces.
            voice: how to speak.
            abandoned: looked at every 60 ms of sound; ends the work with what there is by then.

        Raises:
            EngineFailed: the library reported an error.
        """
        pieces: list[Samples] = []
        starts: list[WordStart] = []

        def take(wave: Any, count: int, events: Any) -> int:
            if wave and count > 0:
                pieces.append(
                    np.ctypeslib.as_array(wave, (count,)).astype(np.float32) / _FULL_SCALE
                )
            place = 0
            while events[place].type != _EVENT_END:
                if events[place].type == _EVENT_WORD:
                    starts.append(WordStart(events[place].text_position - 1, events[place].sample))
                place += 1
            return int(abandoned.is_set())

        self._run(text, voice, _Callback(take))
        sound = np.concatenate(pieces, dtype=np.float32) if pieces else np.zeros(0, np.float32)
        return sound, starts

    def _run(self, text: str, voice: Voice, callback: Any) -> None:
        printable = "".join(c if c.isprintable() else " " for c in text)
        raw = printable.encode("utf-8", "replace")
        with _library_in_use:
            self._use(voice)
            self._library.espeak_SetSynthCallback(callback)
            status = self._library.espeak_Synth(
                raw, ctypes.c_size_t(len(raw) + 1), 0, _AT_CHARACTER, 0, _UTF8, None, None
            )
        if status != 0:
            raise EngineFailed(NAME, f"espeak_Synth: expected status 0, found {status}")

    def _use(self, voice: Voice) -> None:
        """Set the voice and its parameters; 20 µs once the voice list has been read."""
        name = voice.name.encode()
        if self._library.espeak_SetVoiceByName(name) != 0:
            language = _Voice(languages=name)
            if self._library.espeak_SetVoiceByProperties(ctypes.byref(language)) != 0:
                raise EngineUnavailable(
                    NAME,
                    f"expected a voice of espeak-ng such as en-gb, en-us or en-us+f3, "
                    f"found {voice.name!r}",
                )
        self._library.espeak_SetParameter(_RATE, voice.words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
