"""What the caller says is the same for the same seed, at one level, all of it accounted for."""

import hashlib
import json
from pathlib import Path

import numpy as np
from pytest import approx, mark, raises

import floorbench.stimuli
from agent.core.errors import ConfigError
from floorbench.activity import Span, active_db, levels_db
from floorbench.scenarios import planned
from floorbench.session import RATE
from floorbench.stimuli.library import Role, open_library, seeded
from floorbench.stimuli.noises import BURSTS, KEY_HZ, babble, burst, pink, room_response, tones
from floorbench.stimuli.signal import (
    at_level,
    faded,
    filtered,
    on_grid,
    padded,
    parts_of,
    sha256,
    shaped,
    stretched,
)
from tests.support.recordings import sounding
from tests.support.tools import recorded_speech

FOLDER = Path(floorbench.stimuli.__file__).parent
MOST_BYTES = 3_000_000
SEED_1 = "bc0539d2c504acb9aecf65e05fad4bbf2184765bea56f638618338fa26f72042"
"""Hash of the sounds of seed 1. Once it changes, older results no longer compare."""


def rows():
    return [json.loads(line) for line in (FOLDER / "manifest.jsonl").read_text().splitlines()]


def sounds(seed, **options):
    library = open_library()
    plans = (one.plan(library, seed) for one in planned(**options))
    return [step.sound for plan in plans for step in plan.steps]


# --- the same for the same seed -------------------------------------------------------------------


def test_the_stimuli_of_a_seed_are_known_by_their_hash():
    together = hashlib.sha256("".join(sha256(s) for s in sounds(1, limit=2)).encode()).hexdigest()
    assert together == SEED_1


def test_another_seed_has_other_stimuli():
    assert [sha256(s) for s in sounds(1, ids=["S1"], limit=1)] != [
        sha256(s) for s in sounds(2, ids=["S1"], limit=1)
    ]


def test_a_session_is_the_same_whatever_else_is_held():
    library = open_library()
    alone = planned(["S4"], limit=1)[0].plan(library, 7)
    among = [one.plan(library, 7) for one in planned(["S1", "S7", "S4"], limit=2)]
    (same,) = [plan for plan in among if plan.id == alone.id]
    assert [sha256(s.sound) for s in same.steps] == [sha256(s.sound) for s in alone.steps]


def test_every_stimulus_lies_on_the_grid_of_16_bit_samples():
    for sound in sounds(3, limit=1):
        assert np.array_equal(sound * 32768, np.rint(sound * 32768))
        assert np.max(np.abs(sound), initial=0.0) <= 1.0


# --- what comes with parley -----------------------------------------------------------------------


def test_every_file_is_the_one_in_the_manifest_and_has_a_licence():
    for row in rows():
        data = (FOLDER / row["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"], row["path"]
        assert row["licence"] == "rendered by us with flite, BSD"
    named = {row["path"] for row in rows()}
    assert {f"wav/{path.name}" for path in (FOLDER / "wav").iterdir()} == named


def test_the_files_are_small():
    assert sum(path.stat().st_size for path in (FOLDER / "wav").iterdir()) < MOST_BYTES


@mark.parametrize("role", [r for r in Role if r in {row["kind"] for row in rows()}])
def test_a_stimulus_has_the_level_of_speech_and_is_audible(role):
    library, rng = open_library(), seeded(1)
    for entry in library.entries[role]:
        stimulus = library.load(role, entry, rng)
        levels = levels_db(padded(stimulus.signal).astype(np.float32), RATE)
        assert active_db(levels) == approx(-23.0, abs=0.15), entry.path
        assert stimulus.parts
        assert all(0 < cut_s < len(stimulus.samples) / RATE for cut_s in stimulus.cuts_s)


def test_questions_last_as_long_as_a_turn_and_backchannels_do_not():
    library, rng = open_library(), seeded(1)
    for role, least_s, most_s in (
        (Role.QUESTION, 1.0, 6.0),
        (Role.LONG, 0.8, 6.0),
        (Role.BACKCHANNEL, 0.2, 0.85),
        (Role.INTERRUPTION, 0.9, 4.0),
    ):
        for entry in library.entries[role]:
            stimulus = library.load(role, entry, rng)
            assert least_s <= len(stimulus.samples) / RATE <= most_s, (role, entry.text)


# --- arithmetic -----------------------------------------------------------------------------------


def tone(hz, seconds, level=0.1):
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


def strongest_hz(signal):
    return np.argmax(np.abs(np.fft.rfft(signal))) * RATE / len(signal)


def test_a_stretched_sound_is_longer_and_lower():
    out = stretched(tone(400, 1.0), 1.25)
    assert (len(out), strongest_hz(out)) == (20_000, approx(320))
    assert np.max(np.abs(out)) == approx(0.1, rel=0.05)
    assert strongest_hz(stretched(tone(400, 1.0), 0.8)) == approx(500)


def test_an_active_level_does_not_count_the_silence():
    signal = np.concatenate((np.zeros(RATE), tone(300, 1.0), np.zeros(3 * RATE)))
    loud = at_level(signal, -23.0)[RATE : 2 * RATE]
    assert 20 * np.log10(np.sqrt(np.mean(loud**2))) == approx(-23.0, abs=0.05)
    assert not at_level(np.zeros(RATE)).any()


def test_the_parts_of_a_sound_are_where_it_is_audible():
    sound = on_grid(at_level(sounding([(0.1, 0.6), (1.0, 1.32)], 1.5).astype(float)))
    assert parts_of(sound) == (Span(0.1, 0.6), Span(1.0, 1.32))
    assert parts_of(np.zeros(RATE, np.float32)) == ()


def test_a_sound_without_silence_is_one_part():
    assert parts_of(on_grid(at_level(tone(300, 0.4)))) == (Span(0.0, 0.4),)


def test_a_filter_is_a_convolution():
    rng = seeded(1)
    signal, taps = rng.standard_normal(500), rng.standard_normal(40)
    assert filtered(signal, taps) == approx(np.convolve(signal, taps))


def test_a_curve_takes_away_what_lies_outside():
    both = tone(500, 1.0) + tone(5000, 1.0)
    out = shaped(both, np.array([0.0, 3000.0, 4000.0]), np.array([0.0, 0.0, -60.0]))
    spectrum = np.abs(np.fft.rfft(out))
    assert spectrum[5000] < spectrum[500] / 500


def test_a_fade_leaves_no_click_at_a_cut():
    out = faded(np.ones(RATE))
    assert (out[0], out[RATE // 2]) == (0.0, 1.0)
    assert out[-1] < 0.02


# --- noises ---------------------------------------------------------------------------------------


@mark.parametrize("kind", BURSTS)
def test_a_burst_is_over_soon_and_the_same_for_the_same_seed(kind):
    sound = on_grid(at_level(burst(kind, seeded(5))))
    assert 0.2 <= len(sound) / RATE <= 5.0
    assert parts_of(sound)
    assert sha256(sound) == sha256(on_grid(at_level(burst(kind, seeded(5)))))
    assert sha256(sound) != sha256(on_grid(at_level(burst(kind, seeded(6)))))


def test_pink_noise_falls_by_3_db_an_octave():
    power = np.abs(np.fft.rfft(pink(20.0, seeded(1)))) ** 2
    octave = [np.mean(power[20 * low : 40 * low]) for low in (200, 400, 800, 1600)]
    falls = 10 * np.log10(np.divide(octave[:-1], octave[1:]))
    assert falls == approx(np.full(3, 3.0), abs=0.4)


@mark.parametrize("rt60_s", [0.2, 0.5])
def test_a_room_has_decayed_by_30_db_after_half_its_time(rt60_s):
    taps = room_response(rt60_s, seeded(1))
    assert np.sum(taps**2) == approx(1.0)
    left = np.cumsum(taps[::-1] ** 2)[::-1]  # Schroeder's backward integral
    decay_db = 10 * np.log10(left[round(rt60_s / 2 * RATE)] / left[round(0.01 * RATE)])
    assert decay_db == approx(-30.0 * (1 - 0.02 / rt60_s), abs=2.0)


def test_a_key_has_its_two_tones():
    spectrum = np.abs(np.fft.rfft(tones(KEY_HZ["5"], 1.0)))
    assert sorted(np.argsort(spectrum)[-2:]) == [770, 1336]


def test_a_crowd_is_everybody_at_once():
    out = babble([tone(300, 0.5), tone(700, 0.3)], 2.0, seeded(1))
    spectrum = np.abs(np.fft.rfft(out))
    assert len(out) == 2 * RATE
    assert spectrum[600] > 100 * spectrum[1000] < spectrum[1400]


# --- a folder of recordings -----------------------------------------------------------------------


def write(folder, *lines):
    (folder / "manifest.jsonl").write_text("\n".join(lines))
    return folder


def test_recordings_take_the_place_of_what_was_rendered(tmp_path):
    own = (FOLDER / rows()[0]["path"]).read_bytes()
    (tmp_path / "a.wav").write_bytes(own)
    kinds = [("speech", 2.0), ("speech", 9.0), ("disfluent", 5.0), ("noise", 3.0), ("dtmf", 0.1)]
    folder = write(
        tmp_path,
        *(json.dumps({"path": "a.wav", "kind": k, "duration_s": d}) for k, d in kinds),
    )
    library = open_library(folder)
    counts = {role.value: len(library.entries[role]) for role in library.entries}
    assert {r: counts[r] for r in ("question", "story", "natural", "bed")} == {
        "question": 1,
        "story": 2,
        "natural": 1,
        "bed": 1,
    }
    assert library.has(Role.BACKCHANNEL)
    assert not library.has(Role.ROOM)
    assert "1 recordings; the rest rendered" in library.source


@mark.parametrize(
    ("line", "words"),
    [
        ("{", ["manifest.jsonl line 1", "expected JSON"]),
        ("[1]", ["line 1", "expected an object"]),
        ('{"path": "no.wav", "kind": "speech", "duration_s": 2}', ["no.wav", "found none"]),
        ('{"path": "a.wav", "kind": "speech", "duration_s": 2}', ["a.wav", "expected a WAV"]),
        ('{"path": "a.wav", "kind": "speech"}', ["line 1", "expected duration_s"]),
        (
            '{"path": "a.wav", "kind": "speech", "duration_s": 2, "sha256": "00"}',
            ["a.wav", "sha256", "fetch"],
        ),
    ],
)
def test_a_bad_manifest_is_told_in_a_sentence(tmp_path, line, words):
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with raises(ConfigError) as fault:
        open_library(write(tmp_path, line))
    for word in words:
        assert word in str(fault.value)


def test_a_folder_without_a_manifest_is_told_in_a_sentence(tmp_path):
    with raises(ConfigError, match=r"expected a manifest of recordings"):
        open_library(tmp_path)


def test_recorded_people_serve_in_every_scenario():
    library = open_library(recorded_speech())
    for role in (Role.QUESTION, Role.NATURAL, Role.DIGIT, Role.ROOM, Role.BED, Role.SIDE):
        assert library.has(role), role
    for one in planned(limit=5):
        for step in one.plan(library, 1).steps:
            for event in step.marks:
                assert event.kind == "silence" or event.parts, (one.scenario.id, event)
