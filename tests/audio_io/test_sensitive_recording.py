"""What must reach no disk does not, in both formats, and time goes on."""

import asyncio

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx, mark, raises

from agent.commands.recorded import open_kept
from agent.core.audio import AudioFrame
from agent.core.calls import Note
from agent.core.errors import ConfigError
from agent.core.settings import read
from agent.recording_settings import Format, RecordingSettings
from agent.virtual_loop import run_virtual
from audio_io.opus_file import OpusWriter
from audio_io.recording import recorded
from audio_io.recording_rows import Rows
from audio_io.wav_file import Side, StereoWriter, read_wav
from tests.audio_io.test_recording import CountingCall, hold
from tests.support.tools import package

RATE = 16_000


def opened(path):
    """Both sides of an Ogg file at RATE, float32 [2, n]."""
    import av

    with av.open(str(path)) as file:
        (stream,) = file.streams
        resampler = av.AudioResampler("flt", "stereo", RATE)
        frames = [f for packet in file.decode(stream) for f in resampler.resample(packet)]
        frames += resampler.resample(None)
    return np.concatenate([f.to_ndarray().reshape(-1, 2) for f in frames]).T


def tone(hz, seconds=1.0, rate=RATE):
    at = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hz * at)).astype(np.float32)


def put(recording, caller, agent, agent_at=0):
    """Both sides as a call brings them, in pieces of 20 ms."""
    for at in range(0, len(caller), 320):
        recording.append(Side.CALLER, AudioFrame(caller[at : at + 320], RATE, at))
        part = agent[max(0, at - agent_at) : max(0, at - agent_at) + 320]
        if at >= agent_at and len(part):
            recording.append(Side.AGENT, AudioFrame(part, RATE, at))


# --- sensitive ----------------------------------------------------------------------------------


async def card(call):
    """The agent says something all the time; between 0.3 and 0.6 s nothing may be kept."""

    async def say():
        for _ in range(50):
            level = np.full(call.frame_samples, 0.5, np.float32)
            await call.play(AudioFrame(level, call.play_rate, 0))

    async with asyncio.TaskGroup() as group:
        group.create_task(say())
        await asyncio.sleep(0.3)
        call.tell(Note("sensitive", {"on": True}))
        await asyncio.sleep(0.3)
        call.tell(Note("sensitive", {"on": False}))
        await asyncio.sleep(0.5)


def test_while_it_is_sensitive_both_sides_are_silent_and_time_goes_on(tmp_path):
    _, (caller, agent) = hold(tmp_path / "r.wav", card)
    assert len(caller) / RATE == approx(1.0, abs=0.01)
    silent = slice(round(0.32 * RATE), round(0.56 * RATE))
    before, after = slice(0, round(0.26 * RATE)), slice(round(0.64 * RATE), round(0.98 * RATE))
    for side in (caller, agent):
        assert not side[silent].any()
        assert side[before][RATE // 20 :].all()
        assert side[after].all()
    assert caller[round(0.9 * RATE)] == approx(46 / 128, abs=1 / 128)  # in its own place


def test_the_far_side_is_told_as_well(tmp_path):
    calls = []

    async def scene():
        with StereoWriter(tmp_path / "r.wav", RATE) as recording:
            call = CountingCall(RATE, RATE)
            calls.append(call)
            recorded(call, recording).tell(Note("sensitive", {"on": True}))

    run_virtual(scene())
    assert list(calls[0].circuit.notes) == [Note("sensitive", {"on": True})]


# --- Opus ---------------------------------------------------------------------------------------


def test_an_opus_recording_has_both_sides_in_their_places(tmp_path):
    package("av")
    path = tmp_path / "call.ogg"
    with OpusWriter(path, RATE) as recording:
        put(recording, tone(400, 2.0), tone(700), RATE // 2)
    caller, agent = opened(path)
    assert len(caller) / RATE == approx(2.0, abs=0.05)
    loud = np.flatnonzero(np.abs(agent) > 0.15)
    assert loud[0] / RATE == approx(0.5, abs=0.03)
    assert loud[-1] / RATE == approx(1.5, abs=0.03)
    for side, hz in ((caller, 400), (agent, 700)):
        spectrum = np.abs(np.fft.rfft(side[RATE // 2 : RATE // 2 + RATE // 2]))
        assert np.argmax(spectrum) * 2 == approx(hz, abs=4)
    assert path.stat().st_size < 2 * RATE * 4 / 4


def test_an_opus_recording_that_breaks_off_can_be_played_up_to_there(tmp_path):
    package("av")
    path = tmp_path / "call.ogg"
    recording = OpusWriter(path, RATE)
    put(recording, tone(400, 3.0), tone(700, 3.0))
    copy = tmp_path / "copy.ogg"
    copy.write_bytes(path.read_bytes())
    assert opened(copy).shape[1] / RATE > 2.5
    recording.close()
    recording.close()
    recording.append(Side.CALLER, AudioFrame(tone(400), RATE, 0))
    assert recording.lost == 0


def test_an_opus_recording_takes_one_rate_and_needs_a_place(tmp_path):
    package("av")
    with OpusWriter(tmp_path / "call.ogg", RATE) as recording:
        with raises(ValueError, match="expected 16000 Hz, found 8000 Hz"):
            recording.append(Side.CALLER, AudioFrame(tone(400), 8000, 0))
        assert recording.rate == RATE
    with raises(ConfigError, match="expected to write a recording"):
        OpusWriter(tmp_path / "no" / "call.ogg", RATE)


def test_without_pyav_there_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with raises(ConfigError, match="expected the package av"):
        OpusWriter(tmp_path / "call.ogg", RATE)


# --- both sides on one time line ------------------------------------------------------------------


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(list(Side)), st.integers(1, 900)), max_size=30))
def test_rows_come_out_as_a_wav_has_them(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("rows") / "r.wav"
    rows, ends, parts = Rows(1000), [0, 0], []
    with StereoWriter(path, 8000) as writer, StereoWriter(path.with_suffix(".2"), 8000):
        rows = Rows(8000)
        for side, count in steps:
            samples = (np.arange(ends[side], ends[side] + count * 10) % 97 / 128).astype("f4")
            frame = AudioFrame(samples, 8000, ends[side])
            writer.append(side, frame)
            parts.append(rows.put(side, frame))
            ends[side] = frame.end
        parts.append(rows.rest())
        assert rows.lost == writer.lost
    made = np.concatenate(parts)
    assert len(made) == max(ends)
    if len(made):
        assert np.abs(read_wav(path).samples - made.mean(axis=1)).max() < 1e-3


# --- the settings ---------------------------------------------------------------------------------


@mark.parametrize(
    ("table", "name"),
    [({}, "call.wav"), ({"format": "opus"}, "call.ogg"), ({"on": False}, None)],
)
def test_a_server_keeps_recordings_as_it_is_told(tmp_path, table, name):
    package("av")
    kept = read(RecordingSettings, table, "x.toml: [recording]")
    with open_kept(tmp_path / "call", kept) as recording:
        assert (recording is None) == (name is None)
    found = [path.name for path in (tmp_path / "call").glob("*")]
    assert found == ([name] if name else [])


def test_another_format_is_refused():
    with raises(ConfigError, match="expected one of wav, opus"):
        read(RecordingSettings, {"format": "mp3"}, "x.toml: [recording]")
    assert RecordingSettings().format is Format.WAV
