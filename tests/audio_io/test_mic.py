"""Microphone and loudspeaker, with a stand-in for sounddevice whose thread is the test."""

import asyncio
import builtins
import sys
from types import SimpleNamespace

import numpy as np
from pytest import approx, mark, raises

from agent.core.audio import AudioFrame, join
from agent.core.calls import Clock, Note
from agent.core.errors import CallClosed, DeviceError
from agent.virtual_loop import run_virtual
from audio_io.mic import open_microphone


class FakePortAudioError(Exception):
    """As PortAudio's: a message and a code."""


class FakeStream:
    def __init__(self, **options):
        self.options, self.time, self.calls = options, 0.0, []

    def start(self):
        self.calls.append("start")

    def abort(self):
        self.calls.append("abort")

    def close(self):
        self.calls.append("close")


class FakeSoundDevice:
    """Two devices, which do what the test says they do."""

    PortAudioError = FakePortAudioError

    def __init__(self, *, devices=None, rates=(16000,), fails=None, start_fails=None):
        both = [
            {"index": 0, "name": "Mic", "max_input_channels": 1, "max_output_channels": 0},
            {"index": 1, "name": "Speaker", "max_input_channels": 0, "max_output_channels": 2},
        ]
        self.devices = both if devices is None else devices
        self.rates, self.fails, self.start_fails = rates, fails, start_fails
        self.streams = []

    def query_devices(self, device=None, kind=None):
        if kind is None:
            return self.devices
        for found in self.devices:
            if found[f"max_{kind}_channels"] and device in {None, found["index"], found["name"]}:
                return found
        if device is None:
            raise FakePortAudioError("Error querying device -1")
        raise ValueError(f"No {kind} device matching {device!r}")

    def _check(self, *, samplerate, **_):
        if self.fails:
            raise FakePortAudioError(*self.fails)
        if samplerate not in self.rates:
            raise FakePortAudioError("Invalid sample rate", -9997)

    check_input_settings = check_output_settings = _check

    def _stream(self, **options):
        stream = FakeStream(**options)
        if self.start_fails:
            stream.start = self._fail
        self.streams.append(stream)
        return stream

    def _fail(self):
        raise FakePortAudioError(*self.start_fails)

    InputStream = OutputStream = _stream

    def speaks(self, samples):
        """The microphone's thread brings a block."""
        self.streams[0].options["callback"](samples.reshape(-1, 1), len(samples), None, None)

    def wants(self, count, heard_at_s=0.0):
        """The loudspeaker's thread wants a block, to be heard at this time of the stream's."""
        block = np.full((count, 1), np.nan, np.float32)
        times = SimpleNamespace(outputBufferDacTime=heard_at_s)
        self.streams[1].options["callback"](block, count, times, None)
        return block[:, 0].tolist()


def frame(level=0.5):
    return AudioFrame(np.full(320, level, np.float32), 16000, 0)


def ramp(count):
    return np.arange(count, dtype=np.float32) / count


def test_the_devices_are_opened_for_short_blocks_of_mono_float():
    device = FakeSoundDevice()
    call = open_microphone(module=device)
    options = device.streams[1].options
    assert (options["blocksize"], options["channels"], options["samplerate"]) == (160, 1, 16000)
    assert [stream.calls for stream in device.streams] == [["start"], ["start"]]
    assert (call.rate, call.play_rate, call.frame_samples) == (16000, 16000, 320)
    assert call.traits.clock is Clock.THEIRS


def test_what_the_microphone_hears_comes_in_frames_of_20_ms():
    async def scene():
        device = FakeSoundDevice()
        call, frames = open_microphone(module=device), []
        source = ramp(1000)
        for at in range(0, 1000, 100):
            device.speaks(source[at : at + 100])
        async for item in call.frames():
            frames.append(item)  # the call is closed from within
            if len(frames) == 3:
                await call.close()
        return source, frames

    source, frames = run_virtual(scene())
    assert np.array_equal(join(frames).samples, source[:960])


def test_sound_nobody_read_in_time_is_dropped_and_counted():
    async def scene():
        device = FakeSoundDevice()
        call = open_microphone(module=device)
        for _ in range(250):
            device.speaks(np.zeros(160, np.float32))
        return call.input.dropped

    assert run_virtual(scene()) == 50 * 160


def test_the_loudspeaker_gets_what_is_played_and_silence_otherwise():
    async def scene():
        device = FakeSoundDevice()
        call = open_microphone(module=device)
        await call.play(frame())
        return device.wants(160), device.wants(200), call.output.missing

    first, second, missing = run_virtual(scene())
    assert first == [0.5] * 160
    assert second == [0.5] * 160 + [0.0] * 40
    assert missing == 40


def test_play_waits_while_more_than_40_ms_wait_for_the_device():
    async def scene():
        device, done = FakeSoundDevice(), []
        call = open_microphone(module=device)

        async def play():
            for number in range(4):
                await call.play(frame())
                done.append(number)

        async with asyncio.TaskGroup() as group:
            group.create_task(play())
            await asyncio.sleep(0.1)
            seen = [len(done), len(call.output)]
            device.wants(320)
            await asyncio.sleep(0.1)
            seen += [len(done), len(call.output)]
            device.wants(320)
        return seen

    assert run_virtual(scene()) == [2, 960, 3, 960]


def test_played_is_what_has_left_the_loudspeaker():
    async def scene():
        device, seen = FakeSoundDevice(), []
        call = open_microphone(module=device)
        seen.append(call.played())
        await call.play(frame())
        device.wants(320, heard_at_s=1.0)
        for device.streams[1].time in (0.9, 1.0, 1.01, 1.02, 5.0):
            seen.append(call.played())
        device.wants(320, heard_at_s=6.0)
        seen.append(call.played())
        return seen

    assert run_virtual(scene()) == [0, 0, 0, 160, 320, 320, 320]


def test_a_flush_drops_what_the_device_has_not_taken():
    async def scene():
        device = FakeSoundDevice()
        call = open_microphone(module=device)
        await call.play(frame())
        await call.play(frame(0.1))
        device.wants(160, heard_at_s=0.0)
        call.flush()
        device.streams[1].time = 1.0
        return device.wants(3), call.played()

    assert run_virtual(scene()) == ([0, 0, 0], 640)


def test_a_flush_makes_room_at_once():
    async def scene():
        call = open_microphone(module=FakeSoundDevice())
        for _ in range(2):
            await call.play(frame())
        async with asyncio.TaskGroup() as group:
            group.create_task(call.play(frame()))
            await asyncio.sleep(0.001)
            call.flush()
        return asyncio.get_running_loop().time()

    assert run_virtual(scene()) == approx(0.001)


def test_closing_lets_go_of_both_devices_and_ends_the_call():
    async def scene():
        device = FakeSoundDevice()
        call = open_microphone(module=device)
        await call.play(frame())
        device.wants(320)
        await call.close()
        await call.close()
        call.tell(Note("caption"))
        frames = [item async for item in call.frames()]
        with raises(CallClosed, match="closed"):
            await call.play(frame())
        return device, frames, call.played()

    device, frames, played = run_virtual(scene())
    assert [stream.calls for stream in device.streams] == [["start", "abort", "close"]] * 2
    assert (frames, played) == ([], 320)


def test_a_microphone_that_stops_is_a_sentence():
    async def scene():
        device = FakeSoundDevice()
        call = open_microphone(module=device)
        device.speaks(ramp(100))
        async for _ in call.frames():
            pass

    with raises(DeviceError, match="microphone: expected sound to flow, found none for 2 s"):
        run_virtual(scene())


def test_a_loudspeaker_that_stops_is_a_sentence():
    async def scene():
        call = open_microphone(module=FakeSoundDevice())
        for _ in range(5):
            await call.play(frame())

    with raises(DeviceError, match="loudspeaker: expected sound to flow, found none for 2 s"):
        run_virtual(scene())


def test_a_frame_of_the_wrong_size_is_refused():
    async def scene():
        await open_microphone(module=FakeSoundDevice()).play(
            AudioFrame(np.zeros(9, np.float32), 16000, 0)
        )

    with raises(ValueError, match="expected 320 samples of 16000 Hz, found 9 of 16000 Hz"):
        run_virtual(scene())


def test_a_sound_card_without_16_khz_is_used_at_what_it_has():
    call = open_microphone(module=FakeSoundDevice(rates=(48000,)))
    assert (call.rate, call.frame_samples) == (48000, 960)


def test_devices_are_chosen_by_name_or_number():
    device = FakeSoundDevice()
    open_microphone("Mic", "1", module=device)
    assert [stream.options["device"] for stream in device.streams] == [0, 1]


@mark.parametrize(
    ("device", "sentence"),
    [
        (FakeSoundDevice(devices=[]), "microphone: expected a device, found none; connect one"),
        (FakeSoundDevice(rates=()), "microphone: expected a device for 16000, 48000, 44100 Hz"),
        (FakeSoundDevice(fails=("Device unavailable", -9985)), "found it busy; close the program"),
        (FakeSoundDevice(fails=("Invalid device", -9996)), "found it gone; connect it"),
        (FakeSoundDevice(fails=("Bad channels", -9998)), "mono float sound, found Bad channels"),
        (FakeSoundDevice(fails=("Odd",)), "mono float sound, found Odd"),
        (FakeSoundDevice(start_fails=("Unavailable", -9985)), "microphone: .* found it busy"),
    ],
)
def test_what_is_wrong_with_a_device_is_said_in_one_sentence(device, sentence):
    with raises(DeviceError, match=sentence):
        open_microphone(module=device)
    assert all("close" in stream.calls for stream in device.streams)


def test_a_device_of_another_name_is_refused_with_the_names_there_are():
    with raises(DeviceError, match=r"expected one of 0 \(Mic\), found Webcam; choose one"):
        open_microphone("Webcam", module=FakeSoundDevice())


def test_a_loudspeaker_that_cannot_be_opened_lets_go_of_the_microphone():
    device = FakeSoundDevice()

    def refuse(**_):
        raise FakePortAudioError("Unavailable", -9985)

    device.OutputStream = refuse
    with raises(DeviceError, match="loudspeaker: expected a free device, found it busy"):
        open_microphone(module=device)
    assert device.streams[0].calls == ["start", "abort", "close"]


@mark.parametrize(
    ("fault", "sentence"),
    [
        (ModuleNotFoundError("sounddevice"), r"found none; install parley\[mic\]"),
        (OSError("PortAudio library not found"), "expected the PortAudio library.*libportaudio2"),
    ],
)
def test_a_missing_package_or_library_says_what_to_install(monkeypatch, fault, sentence):
    usual = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "sounddevice":
            raise fault
        return usual(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with raises(DeviceError, match=sentence):
        open_microphone()


def test_times_of_a_stream_are_compared_on_its_own_clock():
    async def scene():
        device = FakeSoundDevice()
        call = open_microphone(module=device)
        await call.play(frame())
        device.streams[1].time = 1000.0
        device.wants(320, heard_at_s=1000.03)
        device.streams[1].time = 1000.04
        return call.played()

    assert run_virtual(scene()) == approx(160)
