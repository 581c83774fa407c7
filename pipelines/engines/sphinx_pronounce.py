"""How words are said, in the phones of PocketSphinx's English model."""

import ctypes
from collections.abc import Iterable
from typing import Any

from agent.core.errors import EngineFailed

_EXTRA = {
    "mm-hmm": ("M HH AH M", "AH M HH AH M"),
    "mm": ("M", "AH M"),
    "mhm": ("M HH AH M",),
    "uh-huh": ("AA HH AA", "AH HH AH N"),
    "uh-uh": ("AH AH", "AA AA"),
    "erm": ("ER M", "AH M"),
    "nah": ("N AA",),
    "yeah": ("Y EH", "Y AE AH"),
}
"""Backchannels: those the dictionary lacks, and other ways to say those it has."""

# espeak-ng's IPA, longest first where one begins another, to the phones of the dictionary.
# Source: the Carnegie Mellon dictionary's list of phones with its example words.
_PHONES = {
    "aɪɚ": "AY ER", "aɪə": "AY ER", "aʊɚ": "AW ER", "ɑːɹ": "AA R", "ɔːɹ": "AO R", "oːɹ": "AO R",
    "tʃ": "CH", "dʒ": "JH", "aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW",
    "ɔɪ": "OY", "ɑː": "AA", "ɔː": "AO", "oː": "AO", "uː": "UW", "iː": "IY", "ɜː": "ER",
    "iə": "IY AH", "əl": "AH L", "n̩": "AH N", "ɹ": "R", "r": "R", "ɾ": "T", "ʔ": "T", "θ": "TH",
    "ð": "DH", "ʃ": "SH", "ʒ": "ZH", "ŋ": "NG", "ɡ": "G", "j": "Y", "h": "HH", "x": "K",
    "æ": "AE", "a": "AA", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "ə": "AH", "ɐ": "AH", "ʌ": "AH",
    "ɛ": "EH", "e": "EY", "ɪ": "IH", "ᵻ": "IH", "i": "IY", "ʊ": "UH", "u": "UW", "o": "OW",
    "ɚ": "ER", "ɜ": "ER", "b": "B", "d": "D", "f": "F", "k": "K", "l": "L", "m": "M", "n": "N",
    "p": "P", "s": "S", "t": "T", "v": "V", "w": "W", "z": "Z",
}  # fmt: skip


class Pronouncer:
    """The dictionary of one decoder, and what has to be added to it."""

    def __init__(self, decoder: Any) -> None:
        """Add the backchannels to a `pocketsphinx.Decoder`'s dictionary."""
        self._decoder = decoder
        self._known: dict[str, tuple[str, ...]] = {}
        for word, ways in _EXTRA.items():
            self._add(word, ways)

    def phones(self, text: str) -> list[str]:
        """The phones of a text, in the first way to say each word; letters of unknown words."""
        return [phone for word in text.split() for phone in self._of(word)]

    def learn(self, words: Iterable[str]) -> None:
        """Add what the dictionary lacks, as espeak-ng would say it.

        Raises:
            EngineFailed: a word for which neither knows a sound.
        """
        for word in words:
            if self._decoder.lookup_word(word) is None:
                self._add(word, (spelled(word),))

    def _add(self, word: str, ways: Iterable[str]) -> None:
        count = 0
        while self._decoder.lookup_word(_numbered(word, count)) is not None:
            count += 1
        for place, way in enumerate(ways, count):
            self._decoder.add_word(_numbered(word, place), way, False)

    def _of(self, word: str) -> tuple[str, ...]:
        if word not in self._known:
            found = self._decoder.lookup_word(word)
            self._known[word] = tuple(found.split() if found else word.upper())
        return self._known[word]


def _numbered(word: str, place: int) -> str:
    return f"{word}({place + 1})" if place else word


def spelled(word: str) -> str:
    """How espeak-ng says a word, in the dictionary's phones.

    Raises:
        EngineFailed: espeak-ng is not there, or says nothing for it.
    """
    found = " ".join(_phones(_ipa(word)))
    if not found:
        raise EngineFailed(
            "pocketsphinx",
            f"the grammar's word {word!r} is not in the dictionary and cannot be pronounced; "
            "write it as it is said, in small letters",
        )
    return found


def _phones(ipa: str) -> Iterable[str]:
    rest = "".join(c for c in ipa if c not in "ˈˌ")
    while rest:
        symbol = next((s for s in _PHONES if rest.startswith(s)), rest[0])
        if symbol in _PHONES:
            yield _PHONES[symbol]
        rest = rest[len(symbol) :]


def _ipa(word: str) -> str:
    """IPA by espeak-ng; empty without it. Its own library in its own process: nobody to disturb."""
    try:
        import espeakng_loader  # noqa: PLC0415  # may be missing

        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except (ImportError, OSError):
        return ""
    library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0x8000)
    library.espeak_SetVoiceByName(b"en-us")
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    text = ctypes.create_string_buffer(word.encode())
    place = ctypes.c_void_p(ctypes.addressof(text))
    found = library.espeak_TextToPhonemes(ctypes.byref(place), 1, 0x02)  # UTF-8 in, IPA out
    return found.decode() if found else ""
