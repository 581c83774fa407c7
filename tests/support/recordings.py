"""Recordings with known edges: tones where somebody speaks, and a trace to go with them."""

import json
import wave

import numpy as np

RATE = 16_000


def sounding(spans, duration_s, level_db=-20.0, noise_db=None):
    """A 300 Hz tone at `level_db` (RMS, dBFS) inside the spans, optional white noise everywhere."""
    count = round(duration_s * RATE)
    samples = np.zeros(count, np.float32)
    tone = np.sqrt(2) * np.sin(2 * np.pi * 300 * np.arange(count) / RATE) * 10 ** (level_db / 20)
    for start_s, end_s in spans:
        inside = slice(round(start_s * RATE), round(end_s * RATE))
        samples[inside] = tone[inside]
    if noise_db is not None:
        noise = np.random.default_rng(7).standard_normal(count)
        samples += (noise * 10 ** (noise_db / 20)).astype(np.float32)
    return samples


def write_wav(path, channels, rate=RATE, bits=16):
    """Channels side by side, as 16-bit samples (or the low half of them)."""
    pairs = (np.stack(channels, axis=1).clip(-1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        file.writeframes(pairs.tobytes() if bits == 16 else pairs.astype(np.uint8).tobytes())


def write_call(folder, caller, agent, lines):
    """`call.wav` and `trace.jsonl` in `folder`."""
    write_wav(folder / "call.wav", [caller, agent])
    (folder / "trace.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def told(t, what, **fields):
    return {"t": t, "event": "told", "what": what, **fields}


def asked(t, what, reply, **fields):
    return {"t": t, "event": "asked", "what": what, "reply": reply, **fields}


def line(t, event, **fields):
    return {"t": t, "event": event, **fields}


def spoken(segment, start_s, end_s, words, hang_over_s=0.2):
    """What a trace has about a stretch of the caller's speech."""
    over_s = end_s + hang_over_s
    return [
        told(start_s + 0.1, "SpeechStarted", segment=segment),
        told(over_s, "SpeechEnded", segment=segment),
        line(over_s, "speech", segment=segment, start_s=start_s, end_s=end_s),
        told(over_s + 0.1, "Transcript", segment=segment, stable=words, unstable="", final=True),
    ]


def answered(reply, words, decided_s, audible_s, over_s, said, heard=None):
    """What a trace has about a reply; `heard` when it was cut there."""
    cut = heard is not None
    ended = (
        [told(over_s, "ReplyDone", reply=reply)]
        if not cut
        else [asked(over_s, "CancelReply", reply)]
    )
    return [
        asked(decided_s - 0.3, "PrepareReply", reply, text=words),
        line(decided_s - 0.2, "first_token", reply=reply),
        line(decided_s - 0.1, "first_audio", reply=reply),
        line(decided_s - 0.1, "said", reply=reply, text=said),
        asked(decided_s, "ReleaseReply", reply),
        told(audible_s, "ReplyAudible", reply=reply),
        *ended,
        line(
            over_s,
            "heard",
            reply=reply,
            text=said if heard is None else heard,
            cut=heard is not None,
        ),
    ]


def in_order(*groups):
    """The lines of a trace by time, those of the same time as given."""
    return sorted((entry for group in groups for entry in group), key=lambda entry: entry["t"])
