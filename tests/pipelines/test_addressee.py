"""Who is speaking, on the voices that the benchmark renders and on noises made from numbers."""

import numpy as np
from pytest import approx, fixture, mark

from floorbench.stimuli.library import Role, open_library, seeded
from floorbench.stimuli.noises import burst, pink, room_response, tones
from floorbench.stimuli.signal import at_level, filtered, on_grid, shaped
from pipelines.cascade.addressee.addressee import MEMORY, Addressee
from pipelines.cascade.addressee.noise import steadiness
from pipelines.cascade.addressee.rows import BANDS, RATE, STEP, decibels, rows_of
from pipelines.cascade.addressee.sketch import sketch

LEVEL_DB = -23.0
QUIET = np.zeros(RATE)
IGNORED = 0.2
SPOKEN_S = 0.1  # of a stretch, when it begins


@fixture(scope="module")
def voices():
    library = open_library()
    return [library.load(Role.LONG, e, seeded(1)).signal for e in library.entries[Role.LONG]]


def cut(voice):
    """From its first sound on, up to 1.2 s: one stretch without a pause before it."""
    loud = np.flatnonzero(np.abs(voice) > 0.02)[0]
    return voice[loud : loud + round(1.2 * RATE)]


def far(voice, below_db):
    """From across a room: quieter, duller, with a strong echo."""
    dull = shaped(voice, np.array([0.0, 1000, 4000, 8000]), np.array([0.0, 0, -8, -8]))
    room = room_response(0.6, seeded(3))
    room[1:] *= 2.0
    return at_level(filtered(dull, room)[: len(voice)], LEVEL_DB - below_db)


def heard(profile, voice, bed=QUIET, steps=None):
    """The stretch and its probabilities, spoken into a bed of noise."""
    sound = np.concatenate((np.zeros(RATE), voice))
    sound = on_grid(sound + np.resize(bed, len(sound)))
    at = RATE + round(SPOKEN_S * RATE)
    judge, found = Addressee(), []
    stretch = judge.begin(profile, sound[at - RATE : at])
    for start in range(at, len(sound) - STEP + 1, STEP)[:steps]:
        stretch, probability, reason = judge.step(stretch, sound[start : start + STEP], 0.9)
        found.append((probability, reason))
    return stretch, found


def known(voices, bed=QUIET):
    profile = Addressee().open()
    for voice in voices:
        profile = Addressee().learn(profile, heard(profile, cut(voice), bed)[0])
    return profile


def least(found):
    return min(probability for probability, _ in found)


@mark.parametrize("under_db", [0, 15, 30])
def test_a_first_caller_is_never_ignored_for_being_quiet(voices, under_db):
    _, found = heard(Addressee().open(), at_level(cut(voices[0]), LEVEL_DB - under_db))
    assert least(found) > 0.9


@mark.parametrize("change_db", [-5, 0, 5])
def test_a_known_caller_may_be_quieter_or_louder(voices, change_db):
    profile = known(voices[:2])
    for voice in voices[2:]:
        _, found = heard(profile, at_level(cut(voice), LEVEL_DB + change_db))
        assert least(found) > IGNORED


@mark.parametrize("snr_db", [20, 10, 5])
def test_noise_does_not_make_the_caller_somebody_else(voices, snr_db):
    bed = at_level(pink(4.0, seeded(2)), LEVEL_DB - snr_db)
    profile = known(voices[:2], bed)
    assert all(least(heard(profile, cut(voice), bed)[1]) > IGNORED for voice in voices[2:])


def test_a_voice_from_across_the_room_is_not_the_caller(voices):
    profile = known(voices[:2])
    for voice in voices[2:]:
        _, found = heard(profile, far(cut(voice), 16.0))
        assert found[-1][0] < IGNORED


def test_the_reason_says_what_speaks_against_the_caller(voices):
    profile = known(voices[:2])
    assert "dB below this caller" in heard(profile, far(cut(voices[2]), 16.0))[1][-1][1]
    assert heard(profile, cut(voices[2]))[1][-1][1] == "nothing against it"


def after(profile, last, voice):
    """The probability at the end of a stretch that goes on from another, or from none."""
    sound = on_grid(np.concatenate((np.zeros(RATE), voice)))
    at = RATE + round(SPOKEN_S * RATE)
    judge = Addressee()
    stretch = judge.begin(profile, sound[at - RATE : at], last)
    for start in range(at, len(sound) - STEP + 1, STEP):
        stretch, probability, _ = judge.step(stretch, sound[start : start + STEP], 0.9)
    return probability


def test_the_quiet_end_of_the_callers_own_sentence_is_theirs(voices):
    profile = known(voices[:2])
    own, _ = heard(profile, cut(voices[2]))
    quiet = at_level(cut(voices[3]), LEVEL_DB - 14)[: RATE // 2]
    assert after(profile, own, quiet) > 0.9
    assert after(profile, None, quiet) < IGNORED


def test_what_a_bystander_goes_on_to_say_is_a_bystanders_from_its_first_sound(voices):
    profile = known(voices[:2])
    theirs, _ = heard(profile, far(cut(voices[2]), 16.0))
    more = far(cut(voices[3]), 16.0)[: RATE // 4]
    assert after(profile, theirs, more) < IGNORED < after(profile, None, more)


@mark.parametrize(
    "sound", [burst("horn", seeded(5)), tones((440,), 1.0)], ids=["horn", "dial tone"]
)
def test_a_tone_is_nobody_even_before_anybody_is_known(sound):
    _, found = heard(Addressee().open(), at_level(sound, LEVEL_DB))
    assert found[-1] == (approx(0.0, abs=IGNORED), "a steady tone")


def test_speech_is_no_tone(voices):
    for voice in voices:
        rows = rows_of(on_grid(voice))
        assert max(steadiness(rows[at : at + 16]) for at in range(0, len(rows) - 16, 4)) == 0.0


def test_the_profile_follows_a_caller_who_moves_away(voices):
    profile = known(voices)
    before_db = profile.own.level_db
    for voice in voices * 2:
        quieter = heard(profile, at_level(cut(voice), LEVEL_DB - 4))[0]
        profile = Addressee().learn(profile, quieter)
    assert -5.0 < profile.own.level_db - before_db < -2.5


def test_a_short_word_teaches_nothing(voices):
    judge = Addressee()
    stretch, _ = heard(judge.open(), cut(voices[0]), steps=5)
    assert judge.learn(judge.open(), stretch).own is None


def test_a_stretch_is_a_value_with_a_limit(voices):
    judge, voice = Addressee(), np.resize(cut(voices[0]), 6 * RATE)
    stretch, found = heard(judge.open(), voice)
    assert len(stretch.rows) == MEMORY
    again, found_again = heard(judge.open(), voice)
    assert found == found_again
    assert np.array_equal(stretch.rows, again.rows)


@mark.parametrize("count", [0, 100, 1000, 1536, 5000])
def test_a_call_may_begin_with_speech(count):
    judge = Addressee()
    stretch = judge.begin(judge.open(), np.zeros(count, np.float32))
    stretch, probability, _ = judge.step(stretch, np.zeros(STEP, np.float32), 0.0)
    assert len(stretch.rows) == 4
    assert probability > 0.9


def test_the_bands_hold_the_power_between_150_and_7500_hz():
    noise = (0.1 * seeded(1).standard_normal(RATE)).astype(np.float32)
    power = rows_of(noise)[:, BANDS].sum(axis=1).mean()
    assert float(decibels(power)) == approx(-20 + 10 * np.log10(7350 / 8000), abs=0.3)


def test_the_background_is_taken_off_the_level(voices):
    voice = np.concatenate((cut(voices[0]), np.zeros(RATE)))
    bed = at_level(pink(2.5, seeded(4)), LEVEL_DB - 5)[: len(voice)]
    floor = rows_of(on_grid(bed)).mean(axis=0)
    clean = sketch(rows_of(on_grid(voice)), np.zeros(18)).level_db
    assert sketch(rows_of(on_grid(voice + bed)), floor).level_db == approx(clean, abs=1.5)
