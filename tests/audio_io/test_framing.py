"""Frames come out exact, whatever the chunks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.audio import join
from audio_io.framing import Reframer, frame_samples

CHUNKS = st.lists(st.integers(0, 1000), max_size=20)


def ramp(count):
    return np.arange(count, dtype=np.float32)


@given(CHUNKS, st.integers(1, 400))
def test_frames_do_not_depend_on_the_chunks_they_came_in(chunks, size):
    source, reframer, at, frames = ramp(sum(chunks)), Reframer(size, 16000), 0, []
    for count in chunks:
        frames += reframer.push(source[at : at + count])
        at += count
    assert all(len(frame.samples) == size for frame in frames)
    assert [frame.start for frame in frames] == [size * i for i in range(len(frames))]
    assert reframer.pending == len(source) - size * len(frames) < size
    if frames:
        assert np.array_equal(join(frames).samples, source[: size * len(frames)])


def test_a_frame_comes_out_as_soon_as_its_last_sample_is_in():
    reframer = Reframer(320, 16000)
    assert reframer.push(ramp(319)) == []
    assert len(reframer.push(ramp(1))) == 1


def test_the_rest_comes_out_padded_with_silence():
    reframer = Reframer(4, 8000)
    reframer.push(np.ones(6, np.float32))
    last = reframer.finish()
    assert last.samples.tolist() == [1, 1, 0, 0]
    assert last.start == 4
    assert reframer.finish() is None


def test_clearing_forgets_the_rest_and_keeps_the_position():
    reframer = Reframer(4, 8000)
    reframer.push(ramp(6))
    reframer.clear()
    (frame,) = reframer.push(np.full(4, 9, np.float32))
    assert frame.start == 4
    assert frame.samples.tolist() == [9, 9, 9, 9]


def test_a_frame_keeps_its_samples_when_the_chunk_is_overwritten():
    chunk, reframer = ramp(320), Reframer(320, 16000)
    (frame,) = reframer.push(chunk)
    chunk[:] = -1
    assert np.array_equal(frame.samples, ramp(320))


@mark.parametrize(("rate", "count"), [(8000, 160), (16000, 320), (22050, 441), (48000, 960)])
def test_a_frame_is_20_ms(rate, count):
    assert frame_samples(rate) == count


def test_a_frame_of_nothing_is_refused():
    with raises(ValueError, match="at least 1, found 0"):
        Reframer(0, 16000)
