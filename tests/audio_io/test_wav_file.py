"""Any usable WAV is read; what is written is valid at any moment."""

import os
import signal
import struct
import subprocess
import sys
import wave

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark, raises

from agent.core.audio import AudioFrame
from agent.core.errors import ConfigError
from audio_io.wav_file import Side, StereoWriter, read_wav

TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(1600) / 16000)


def wav(body, *, tag=1, channels=1, rate=16000, bits=16, size=None, extra=b""):
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits) + extra
    size = len(body) if size is None else size
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", size) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def encoded(samples, bits):
    if bits == 8:
        return (samples * 127 + 128).round().astype(np.uint8).tobytes()
    if bits == 24:
        wide = (samples * (2**23 - 1)).round().astype("<i4")
        return b"".join(int(v).to_bytes(3, "little", signed=True) for v in wide)
    return (samples * (2 ** (bits - 1) - 1)).round().astype(f"<i{bits // 8}").tobytes()


@mark.parametrize(("bits", "error"), [(8, 1e-2), (16, 1e-4), (24, 1e-6), (32, 1e-6)])
def test_pcm_of_every_width_is_read(tmp_path, bits, error):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(encoded(TONE, bits), bits=bits))
    found = read_wav(path)
    assert (found.rate, found.notice) == (16000, "")
    assert found.samples == approx(TONE, abs=error)


def test_float_samples_are_read_and_clipped(tmp_path):
    path = tmp_path / "a.wav"
    body = np.array([0.25, 2.0, -3.0, np.nan], "<f4").tobytes()
    path.write_bytes(wav(body, tag=3, bits=32))
    assert read_wav(path).samples.tolist() == [0.25, 1.0, -1.0, 0.0]


def test_stereo_is_mixed(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(np.array([[16384, 0], [0, -16384]], "<i2").tobytes(), channels=2))
    assert read_wav(path).samples == approx([0.25, -0.25])


def test_the_extensible_format_is_read_as_what_it_extends(tmp_path):
    path = tmp_path / "a.wav"
    extra = struct.pack("<HHIH", 22, 16, 4, 1) + b"\x00" * 14
    path.write_bytes(wav(encoded(TONE, 16), tag=0xFFFE, extra=extra))
    assert read_wav(path).samples == approx(TONE, abs=1e-4)


def test_chunks_before_the_sound_are_skipped(tmp_path):
    path = tmp_path / "a.wav"
    plain = wav(encoded(TONE, 16))
    path.write_bytes(plain[:12] + b"LIST" + struct.pack("<I", 3) + b"abc\x00" + plain[12:])
    assert len(read_wav(path).samples) == 1600


def test_another_rate_is_made_on_request(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(encoded(TONE, 16)))
    assert len(read_wav(path).at(8000)) == 800


@mark.parametrize("declared", [5000, 0xFFFFFFFF])
def test_a_file_cut_short_is_used_and_says_so(tmp_path, declared):
    path = tmp_path / "cut.wav"
    path.write_bytes(wav(encoded(TONE, 16) + b"\x01", size=declared))
    found = read_wav(path)
    assert len(found.samples) == 1600
    assert f"header says {declared} bytes of sound, found 3201; using the 0.10 s" in found.notice


@mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "expected a WAV file, which begins with RIFF and WAVE, found an empty file"),
        (b"ID3\x03 music", "begins with RIFF and WAVE, found b'ID3"),
        (wav(b""), r"found 0 samples \(its header says 0 bytes\); record it again"),
        (wav(b"\x01", size=2), r"found 0 samples \(its header says 2 bytes\)"),
        (wav(b"\0" * 8)[:36], "expected a data chunk, found none"),
        (wav(b"\0" * 8)[:12], "expected a fmt chunk, found none"),
        (wav(b"\0" * 8)[:30], "expected a fmt chunk of 16 bytes, found 10"),
        (wav(b"\0" * 8, tag=7, bits=8), "32-bit float, mono or stereo, found format 7 of 8 bits"),
        (wav(b"\0" * 12, channels=6), "found format 1 of 16 bits with 6 channels"),
        (wav(b"\0" * 12, channels=0), "with 0 channels"),
        (wav(b"\0" * 8, rate=1), "a rate of 4000 to 192000 Hz, found 1"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(tmp_path, content, sentence):
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with raises(ConfigError, match=sentence):
        read_wav(path)


def test_a_missing_file_is_named(tmp_path):
    with raises(ConfigError, match=r"no\.wav: expected a WAV file.*No such file.*check the path"):
        read_wav(tmp_path / "no.wav")


@given(st.binary(max_size=80), st.integers(0, 60))
def test_no_bytes_whatever_break_the_reader(tmp_path_factory, junk, at):
    path = tmp_path_factory.getbasetemp() / "junk.wav"
    whole = wav(b"\0" * 8)
    path.write_bytes(whole[:at] + junk + whole[at:])
    try:
        assert len(read_wav(path).samples) > 0
    except ConfigError as refusal:
        assert "expected" in str(refusal)


def frame(start, values, rate=8000):
    return AudioFrame(np.array(values, np.float32), rate, start)


def channels(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        data = file.readframes(file.getnframes())
    return np.frombuffer(data, "<i2").reshape(-1, 2).T / 32768


def test_each_side_is_written_at_its_own_position(tmp_path):
    with StereoWriter(tmp_path / "r.wav", 8000) as writer:
        writer.append(Side.CALLER, frame(0, [0.5] * 4))
        writer.append(Side.AGENT, frame(2, [0.25] * 4))
    caller, agent = channels(tmp_path / "r.wav")
    assert caller.tolist() == [0.5] * 4 + [0.0] * 2
    assert agent.tolist() == [0.0] * 2 + [0.25] * 4
    assert writer.lost == 0


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(0, 3000)), max_size=30))
def test_what_both_sides_say_in_turn_is_all_there(tmp_path_factory, turns):
    path = tmp_path_factory.getbasetemp() / "turns.wav"
    expected = {side: [] for side in Side}
    with StereoWriter(path, 8000, window_s=60) as writer:
        for number, (side, count) in enumerate(turns):
            level = (number % 100 + 1) / 128
            writer.append(side, frame(len(expected[side]), [level] * count))
            expected[side] += [level] * count
    found = channels(path)
    for side in Side:
        ended = len(expected[side])
        assert found[side][:ended].tolist() == expected[side]
        assert not found[side][ended:].any()


def test_a_side_that_stays_silent_is_padded_as_time_passes(tmp_path):
    writer = StereoWriter(tmp_path / "r.wav", 8000, window_s=0.5)
    for start in range(0, 80_000, 160):
        writer.append(Side.CALLER, frame(start, [0.5] * 160))
    caller, agent = channels(tmp_path / "r.wav")
    assert len(caller) == 80_000 - 4000
    assert caller.all()
    assert not agent.any()
    writer.close()


def test_what_comes_later_than_the_window_is_lost_and_counted(tmp_path):
    with StereoWriter(tmp_path / "r.wav", 8000, window_s=0.5) as writer:
        writer.append(Side.CALLER, frame(0, [0.5] * 8000))
        writer.append(Side.AGENT, frame(3900, [0.25] * 200))
    assert writer.lost == 100
    assert channels(tmp_path / "r.wav")[Side.AGENT].nonzero()[0].tolist() == [*range(4000, 4100)]


def test_a_long_gap_becomes_silence(tmp_path):
    with StereoWriter(tmp_path / "r.wav", 8000) as writer:
        writer.append(Side.AGENT, frame(800_000, [0.5]))
    assert channels(tmp_path / "r.wav")[Side.AGENT].nonzero()[0].tolist() == [800_000]


def test_a_closed_recording_takes_nothing_and_closes_again(tmp_path):
    writer = StereoWriter(tmp_path / "r.wav", 8000)
    writer.close()
    writer.append(Side.AGENT, frame(0, [0.5] * 100_000))
    writer.close()
    assert channels(tmp_path / "r.wav").size == 0


def test_a_frame_of_another_rate_is_refused(tmp_path):
    with (
        StereoWriter(tmp_path / "r.wav", 8000) as writer,
        raises(ValueError, match="expected 8000 Hz, found 16000 Hz"),
    ):
        writer.append(Side.AGENT, frame(0, [0.5], rate=16000))


def test_a_recording_that_cannot_be_made_says_why(tmp_path):
    with raises(ConfigError, match="expected to write a recording, found Is a directory"):
        StereoWriter(tmp_path, 8000)


RECORDER = """
import sys
from pathlib import Path
import numpy as np
from agent.core.audio import AudioFrame
from audio_io.wav_file import Side, StereoWriter
writer = StereoWriter(Path(sys.argv[1]), 8000)
for start in range(0, 10**9, 160):
    writer.append(Side.CALLER, AudioFrame(np.full(160, 0.5, np.float32), 8000, start))
    writer.append(Side.AGENT, AudioFrame(np.full(160, 0.25, np.float32), 8000, start))
    print(start + 160, flush=True)
"""


def test_a_recording_is_valid_after_its_process_was_killed(tmp_path):
    path = tmp_path / "killed.wav"
    with subprocess.Popen(
        [sys.executable, "-c", RECORDER, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        told = 0
        while told < 20_000:
            told = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
    caller, agent = channels(path)
    assert len(caller) >= 20_000 - 800
    assert (set(caller), set(agent)) == ({0.5}, {0.25})
