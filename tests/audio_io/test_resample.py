"""Another rate: same sound, same place, no drift."""

import asyncio

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx, mark, raises

from agent.core.audio import AudioFrame, join, level_db
from agent.core.calls import CallTraits
from agent.core.events import Digit
from audio_io.resample import Resampler, at_rates, resampled

RATES = [(48000, 16000), (8000, 16000), (22050, 16000), (22050, 48000), (16000, 22050)]


def noise(count, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def tone(hertz, rate, seconds=1.0):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype("f4")


def in_chunks(resampler, samples, sizes):
    out, at = [], 0
    for size in sizes:
        out.append(resampler.push(samples[at : at + size]))
        at += size
    return np.concatenate([*out, resampler.push(samples[at:]), resampler.finish()])


@given(st.sampled_from(RATES), st.lists(st.integers(0, 2000), max_size=10))
def test_the_sound_does_not_depend_on_the_chunks_it_came_in(rates, sizes):
    samples = noise(5000)
    assert np.array_equal(in_chunks(Resampler(*rates), samples, sizes), resampled(samples, *rates))


@given(st.sampled_from(RATES), st.integers(0, 3000))
def test_what_came_out_does_not_depend_on_what_comes_later(rates, cut):
    early = Resampler(*rates).push(noise(3000)[:cut])
    whole = resampled(noise(3000), *rates)
    assert np.array_equal(early, whole[: len(early)])


@mark.parametrize("rates", RATES)
def test_a_click_stays_where_it_was(rates):
    click = np.zeros(rates[0], np.float32)
    click[rates[0] // 2] = 1.0
    assert np.argmax(resampled(click, *rates)) / rates[1] == approx(0.5, abs=1 / rates[1])


@mark.parametrize("rates", RATES)
def test_sound_is_held_back_for_at_most_3_ms(rates):
    resampler, fed, made = Resampler(*rates), 0, 0
    for _ in range(50):
        fed += rates[0] // 50
        made += len(resampler.push(noise(rates[0] // 50)))
        assert 0 <= fed / rates[0] - made / rates[1] <= resampler.delay_s + 1 / rates[1]
    assert resampler.delay_s <= 0.0031


@settings(max_examples=20)
@given(st.sampled_from(RATES), st.integers(0, 100_000))
def test_the_number_of_samples_is_exact(rates, count):
    made = len(resampled(np.zeros(count, np.float32), *rates))
    assert made == -(-count * rates[1] // rates[0])


@mark.parametrize("rates", RATES)
def test_speech_passes_unchanged(rates):
    made = resampled(tone(1000, rates[0]), *rates)
    expected = tone(1000, rates[1])
    middle = slice(len(made) // 4, len(made) * 3 // 4)
    assert level_db(made[middle] - expected[middle]) < -70


@mark.parametrize(("hertz", "rates"), [(8500, (48000, 16000)), (5000, (16000, 8000))])
def test_what_the_lower_rate_cannot_carry_is_gone(hertz, rates):
    made = resampled(tone(hertz, rates[0]), *rates)
    assert level_db(made[len(made) // 4 : len(made) * 3 // 4]) < -70


def test_equal_rates_pass_the_very_samples_through():
    samples = noise(100)
    assert Resampler(16000, 16000).push(samples) is samples
    assert Resampler(16000, 16000).delay_s == 0


def test_an_hour_of_frames_does_not_drift():
    resampler, made, frame = Resampler(22050, 16000), 0, np.zeros(22050, np.float32)
    for second in range(1, 3601):
        made += len(resampler.push(frame))
        assert 0 <= second - made / 16000 < 0.002


def test_after_a_reset_nothing_is_left_of_the_old_sound():
    resampler = Resampler(8000, 16000)
    resampler.push(noise(1000))
    resampler.reset()
    assert not resampler.push(np.zeros(1000, np.float32)).any()


def test_a_rate_of_nothing_is_refused():
    with raises(ValueError, match="rates above 0 Hz, found 0"):
        Resampler(0, 16000)


class FakeCall:
    """A call that yields what it is given and keeps what it is played."""

    traits = CallTraits()

    def __init__(self, rate, play_rate, items=()):
        self.rate, self.play_rate, self.items = rate, play_rate, items
        self.frame_samples = play_rate // 50
        self.got, self.flushed, self.done = [], 0, 0

    async def frames(self):
        for item in self.items:
            yield item

    async def play(self, frame):
        self.got.append(frame)

    def flush(self):
        self.flushed += 1
        self.done = sum(len(f.samples) for f in self.got)

    def played(self):
        return self.done


def collected(call):
    async def collect():
        return [item async for item in call.frames()]

    return asyncio.run(collect())


def played_through(call, samples):
    size = call.frame_samples

    async def play():
        for at in range(0, len(samples), size):
            await call.play(AudioFrame(samples[at : at + size], call.play_rate, at))

    asyncio.run(play())


def test_a_call_at_its_own_rates_is_itself():
    call = FakeCall(16000, 16000)
    assert at_rates(call, 16000, 16000) is call


def test_frames_arrive_at_the_pipeline_s_rate_without_gaps_and_digits_pass():
    source = noise(48000)
    frames = [AudioFrame(source[i : i + 960], 48000, i) for i in range(0, 48000, 960)]
    call = at_rates(FakeCall(48000, 48000, [*frames, Digit("7")]), 16000, 48000)
    items = collected(call)
    assert Digit("7") in items
    whole = join([item for item in items if isinstance(item, AudioFrame)])
    assert (whole.start, whole.rate) == (0, 16000)
    assert np.array_equal(whole.samples, resampled(source, 48000, 16000))


def test_a_pipeline_at_22050_hz_plays_frames_of_441_samples():
    inner = FakeCall(16000, 16000)
    call = at_rates(inner, 16000, 22050)
    assert (call.play_rate, call.frame_samples) == (22050, 441)
    source = noise(441 * 50)
    played_through(call, source)
    assert {len(f.samples) for f in inner.got} == {320}
    heard = join(inner.got).samples
    assert np.array_equal(heard, resampled(source, 22050, 16000)[: len(heard)])
    assert len(inner.got) >= 49


def test_played_is_told_at_the_pipeline_s_rate():
    inner = FakeCall(16000, 8000)
    call = at_rates(inner, 16000, 16000)
    played_through(call, noise(3200))
    inner.done = 800
    assert call.played() == 1600


def test_after_a_flush_all_that_was_taken_counts_as_played():
    inner = FakeCall(16000, 8000)
    call = at_rates(inner, 16000, 16000)
    played_through(call, noise(3200))
    call.flush()
    assert inner.flushed == 1
    assert call.played() == 3200
    played_through(call, noise(3200))
    assert call.played() == 3200
    inner.done += 400
    assert call.played() == 4000


def test_a_far_side_that_does_not_flush_is_followed_until_it_is_through():
    inner = FakeCall(16000, 8000)
    inner.flush = lambda: None
    call = at_rates(inner, 16000, 16000)
    played_through(call, noise(3200))
    call.flush()
    inner.done = 400
    assert call.played() == 800


def test_a_flush_during_a_frame_takes_the_rest_of_that_frame_too():
    inner = FakeCall(8000, 8000)
    inner.frame_samples = 40  # four of them in a frame of the pipeline's

    async def play(frame):
        inner.got.append(frame)
        if len(inner.got) == 5:
            call.flush()

    inner.play = play
    call = at_rates(inner, 8000, 16000)
    played_through(call, noise(640))
    assert len(inner.got) == 5
    assert call.played() >= 640


def test_nothing_of_the_old_sound_comes_after_a_flush():
    inner = FakeCall(16000, 8000)
    call = at_rates(inner, 16000, 16000)
    played_through(call, noise(3200))
    call.flush()
    inner.got.clear()
    played_through(call, np.zeros(3200, np.float32))
    assert not join(
        [AudioFrame(f.samples, 8000, i * 160) for i, f in enumerate(inner.got)]
    ).samples.any()
