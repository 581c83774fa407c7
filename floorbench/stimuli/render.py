"""Renders the stimuli that lie in `wav/`, with flite: `python -m floorbench.stimuli.render`.

The words make sense to a restaurant's telephone desk, as in configs/offline.toml. A bar in a text
is a place where the caller may pause: `|` inside the sentence, which is cut at the end of the word,
`||` between sentences that are spoken one by one.
"""

import hashlib
import json
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
LICENCE = "rendered by us with flite, BSD"
AUDIBLE = 200  # of 32767: flite's own pauses are digitally silent, soft consonants are above it
MARGIN_S = 0.02  # kept around the audible part
DRAWL = 2.0  # how much slower than flite's own pace the lists of phones are: mm-hm takes its time

Pcm = NDArray[np.int16]

# Kind (as in library.Role), voice, text; phones in brackets after a word say how it is said.
TEXTS = """
long      rms    what are your opening hours
long      slt    where are you located
long      kal16  what is your address
long      awb    are you open on friday
long      slt    when do you close
long      rms    how do i get to the restaurant
long      kal16  are you open on sunday
long      slt    tell me the address
question  rms    i'd like a table for four on friday
question  slt    can i book a table for two at seven o'clock
question  kal16  could i have a table, please
question  awb    how late are you open
question  rms    hello, i'd like to make a reservation for six people, on saturday evening
open      rms    i'd like a table for | four on friday
open      slt    what are your | opening hours
open      kal16  can i have a table on | saturday at eight
open      awb    i want to book a | table for two
open      rms    when are you open on | sunday
closed    slt    i'd like a table. || for four people, on friday
closed    rms    hello. || where are you located
closed    kal16  are you open on sunday. || in the evening, i mean
closed    awb    i want to make a booking. || for six
closed    slt    when do you close. || on saturday
digits    rms    oh two oh. || seven nine four. || six one one
digits    slt    four four. || one six three. || nine six oh
digits    kal16  it's five five. || eight oh. || two seven
filler    rms    um [ah m]
filler    slt    uh [ah ah ah ah]
filler    kal16  um [ah ah m m m]
backchannel rms  mm-hm [m hh m m]
backchannel slt  uh-huh [ah hh ah]
backchannel slt  mm-hm [m hh m]
backchannel rms  yeah
backchannel kal16 yeah
backchannel slt  right
backchannel awb  right
backchannel rms  okay
backchannel slt  okay
backchannel kal16 i see
answer    rms    yeah
answer    slt    okay
answer    kal16  yes
agreement rms    no no, i see
agreement slt    oh wait, that's great
agreement kal16  right, no problem
interruption rms   wait, where are you
interruption slt   sorry, hold on, what is your address
interruption kal16 no, i want to book a table for two
interruption awb   stop, i need a table for four
interruption slt   excuse me, when do you close
interruption rms   no no, stop, what are your opening hours
stop      rms    stop
stop      slt    stop
stop      kal16  wait
side      awb    no, leave it there, i am on the phone
side      slt    have you seen my keys
side      rms    could you turn that down a little
story     rms    we were at your place last year
story     slt    and the food was wonderful, really
story     rms    now my brother is coming over from canada
story     slt    and he has never been to this part of the town
"""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of the table."""

    kind: str
    voice: str
    text: str


def texts() -> Iterator[Text]:
    """The table."""
    for line in TEXTS.strip().splitlines():
        kind, voice, text = line.split(maxsplit=2)
        yield Text(kind, voice, text)


def flite(text: str, voice: str, wav: Path) -> list[tuple[str, float]]:
    """Speak into a file; the phones and when each ends, in seconds."""
    words, _, phones = text.strip("]").partition("[")
    how = ["--setf", f"duration_stretch={DRAWL}", "-p", phones] if phones else ["-t", words]
    command = ["flite", "-voice", voice, "-psdur", *how, "-o", str(wav)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pairs = (item.rsplit(":", 1) for item in printed.split())
    return [(phone, float(end)) for phone, end in pairs]


def spoken(text: str, voice: str) -> tuple[Pcm, list[float]]:
    """A text and the places in it, in seconds, where it may pause."""
    sentences = [sentence(part.strip(), voice) for part in text.split("||")]
    cuts, at = [], 0
    for samples, inner in sentences:
        cuts += [at / RATE] * (at > 0) + [at / RATE + cut for cut in inner]
        at += len(samples)
    return np.concatenate([samples for samples, _ in sentences]), [round(c, 4) for c in cuts]


def sentence(text: str, voice: str) -> tuple[Pcm, list[float]]:
    """One sentence without the silence around it, and its own places to pause, in seconds."""
    with TemporaryDirectory() as folder:
        wav = Path(folder) / "a.wav"
        ends = flite(text.replace("|", ""), voice, wav)
        before, bar, _ = text.partition("|")
        prefix = flite(before, voice, Path(folder) / "b.wav") if bar else []
        with wave.open(str(wav), "rb") as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > AUDIBLE)
    start = max(0, int(loud[0]) - round(MARGIN_S * RATE))
    end = int(loud[-1]) + 1 + round(MARGIN_S * RATE)
    ends_s = [end_s for phone, end_s in ends if phone != "pau"]
    said = sum(phone != "pau" for phone, _ in prefix)
    return samples[start:end], [ends_s[said - 1] - start / RATE] if bar else []


def render(folder: Path) -> None:
    """Write every WAV of the table into `folder/wav`, and `folder/manifest.jsonl`."""
    lines = []
    paths: dict[tuple[str, str], str] = {}  # the same words of the same voice are one file
    for text in texts():
        samples, cuts_s = spoken(text.text, text.voice)
        said = " ".join(text.text.replace("|", "").split())
        path = paths.setdefault((text.voice, said), f"wav/{len(paths):02d}_{text.voice}.wav")
        with wave.open(str(folder / path), "wb") as file:
            file.setparams((1, 2, RATE, len(samples), "NONE", ""))
            file.writeframes(samples.astype("<i2").tobytes())
        lines.append({
            "path": path, "kind": text.kind, "voice": f"flite {text.voice}",
            "text": said.partition(" [")[0], "cuts_s": cuts_s,
            "duration_s": round(len(samples) / RATE, 3),
            "sha256": hashlib.sha256((folder / path).read_bytes()).hexdigest(),
            "licence": LICENCE,
        })  # fmt: skip
    manifest = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "manifest.jsonl").write_text(manifest, encoding="utf-8")


if __name__ == "__main__":
    render(Path(__file__).parent)
