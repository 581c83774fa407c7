"""Who took a call that we placed: people who say hello, machines that talk and beep, and tones."""

import numpy as np
from pytest import mark, raises

from pipelines.cascade.voicemail import Far, Voicemail, VoicemailSettings

RATE = 8000
RNG = np.random.default_rng(7)


def quiet(seconds):
    return (1e-4 * RNG.standard_normal(round(seconds * RATE))).astype(np.float32)


def tone(seconds, *hz, level=0.2):
    t = np.arange(round(seconds * RATE)) / RATE
    return sum(level * np.sin(2 * np.pi * f * t) for f in hz).astype(np.float32)


def voice(seconds, pitch_hz=120.0):
    """Voiced sound: many harmonics, with the rise and fall of syllables."""
    t = np.arange(round(seconds * RATE)) / RATE
    glide = pitch_hz * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * t))
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    sound = sum(np.sin(n * phase) / n for n in range(1, 12))
    return (0.1 * sound * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)


def verdicts(*parts, frame_s=0.02, rate=RATE, settings=VoicemailSettings()):  # noqa: B008
    """Each verdict and when it came, in seconds."""
    made, sound = Voicemail(settings, rate), np.concatenate(parts)
    count, found = round(frame_s * rate), []
    for start in range(0, len(sound), count):
        far = made.take(sound[start : start + count])
        if far is not None:
            found.append((far, round((start + count) / rate, 2)))
    return found


def test_a_person_says_hello_and_then_listens():
    assert verdicts(quiet(0.5), voice(0.8), quiet(3.0)) == [(Far.PERSON, 2.12)]


def test_an_office_that_greets_at_length_is_a_person():
    greeting = [voice(1.5), quiet(0.3), voice(1.5), quiet(0.2), voice(1.2)]
    ((far, _),) = verdicts(quiet(0.3), *greeting, quiet(2.0))
    assert far is Far.PERSON


def test_who_talks_on_and_on_is_a_machine_and_its_beep_says_that_it_records():
    greeting = [part for _ in range(6) for part in (voice(1.2), quiet(0.3))]
    found = verdicts(quiet(0.3), *greeting, tone(0.4, 1000), quiet(1.0))
    assert [far for far, _ in found] == [Far.MACHINE, Far.RECORDS]
    assert 5.2 <= found[0][1] <= 5.6
    assert 9.6 <= found[1][1] <= 9.9  # within a moment of the end of the beep


def test_a_machine_without_a_beep_records_when_it_falls_silent():
    greeting = [part for _ in range(5) for part in (voice(1.2), quiet(0.3))]
    found = verdicts(*greeting, quiet(3.0))
    assert [far for far, _ in found] == [Far.MACHINE, Far.RECORDS]
    assert 9.0 <= found[1][1] <= 9.4


def test_a_short_greeting_with_a_beep_is_a_machine_after_all():
    found = verdicts(voice(2.0), quiet(1.0), tone(0.5, 1400), quiet(0.5))
    assert [far for far, _ in found] == [Far.PERSON, Far.RECORDS]


@mark.parametrize("hz", [600, 850, 1000, 1400, 2000])
@mark.parametrize("length_s", [0.25, 0.5, 1.0])
def test_beeps_of_all_kinds_are_heard(hz, length_s):
    assert verdicts(quiet(0.2), tone(length_s, hz), quiet(0.2))[-1][0] is Far.RECORDS


@mark.parametrize(
    "sound",
    [
        tone(1.0, 425),  # ringing or busy
        tone(1.0, 440, 480),
        tone(1.0, 697, 1209),  # a key
        tone(0.1, 1000),  # a click
        voice(1.0, 230.0),
        quiet(1.0),
    ],
)
def test_other_tones_and_voices_are_no_beep(sound):
    assert Far.RECORDS not in [far for far, _ in verdicts(quiet(0.2), sound, quiet(0.5))]


def test_nothing_is_decided_while_nobody_speaks():
    assert verdicts(quiet(20.0)) == []


def test_after_the_watch_nothing_is_decided_any_more():
    settings = VoicemailSettings(watch_s=3.0, machine_s=2.5)
    assert verdicts(quiet(4.0), tone(0.5, 1000), quiet(1.0), settings=settings) == []


@mark.parametrize("frame_s", [0.01, 0.02, 0.03, 0.1])
def test_the_verdict_does_not_depend_on_how_the_sound_is_cut(frame_s):
    sound = (voice(6.0), quiet(0.3), tone(0.4, 1000), quiet(0.5))
    assert [far for far, _ in verdicts(*sound, frame_s=frame_s)] == [Far.MACHINE, Far.RECORDS]


@mark.parametrize(
    ("settings", "words"),
    [
        ({"person_pause_s": 0.0}, "person_pause_s"),
        ({"quiet_s": 0.5}, "quiet_s"),
        ({"machine_s": 50.0}, "machine_s: expected 0 to watch_s, found 50"),
    ],
)
def test_lengths_that_cannot_hold_are_refused(settings, words):
    with raises(ValueError, match=words):
        VoicemailSettings(**settings)
