"""Renders the demo caller's sounds, listed in sounds.toml, with Flite's voice rms.

    python configs/demo/render.py

The same text always gives the same bytes. Where Flite is not installed (Debian: `flite`) nothing
is done: the rendered files are kept with the script. The voice is CMU's, under a BSD-style licence.
"""

import array
import shutil
import subprocess
import sys
import tempfile
import tomllib
import wave
from pathlib import Path

HERE = Path(__file__).parent
VOICE = "rms"
RATE = 16_000
MARGIN = RATE // 20  # 50 ms of quiet on either side, so that pauses are as long as the script says
QUIET = 200  # of 32,768: below the softest consonant, above the voice's noise


def main() -> int:
    """Render every sound, or say why not."""
    flite = shutil.which("flite")
    if flite is None:
        sys.stdout.write("flite is not installed (Debian: flite); the sounds stay as they are.\n")
        return 0
    sounds = tomllib.loads((HERE / "sounds.toml").read_text("utf-8"))
    for name, text in sounds.items():
        samples = trimmed(spoken(flite, text))
        write(HERE / name, samples)
        sys.stdout.write(f"{name}: {len(samples) / RATE:.2f} s\n")
    return 0


def spoken(flite: str, text: str) -> "array.array[int]":
    """What the voice makes of a text: 16 bit samples at 16 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "line.wav")
        subprocess.run([flite, "-voice", VOICE, "-t", text, "-o", str(path)], check=True)
        with wave.open(str(path), "rb") as file:
            found = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            if found != (RATE, 1, 2):
                raise SystemExit(f"flite: expected 16 kHz, mono, 16 bit, found {found}")
            return array.array("h", file.readframes(file.getnframes()))


def trimmed(samples: "array.array[int]") -> "array.array[int]":
    """Without the silence around it, but for the margin."""
    loud = [i for i, sample in enumerate(samples) if abs(sample) > QUIET]
    return samples[max(0, loud[0] - MARGIN) : loud[-1] + MARGIN]


def write(path: Path, samples: "array.array[int]") -> None:
    """A mono WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


if __name__ == "__main__":
    sys.exit(main())
