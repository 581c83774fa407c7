"""Word errors: what counts, and how many there are."""

import json
import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark, raises

from agent.core.audio import AudioFrame
from agent.core.protocols import Expectation
from agent.virtual_loop import run_virtual
from floorbench.wer import (
    WordErrors,
    measured,
    normal,
    recordings,
    speech,
    understood,
    word_errors,
)
from pipelines.engines.scripted import (
    EnergyDetector,
    EnergySettings,
    ScriptedRecognizer,
    ScriptedRecognizerSettings,
    ScriptedWords,
)
from tests.support.recordings import RATE, sounding, write_wav


@mark.parametrize(
    ("text", "words"),
    [
        ("Well, it's Tuesday.", ["well", "it's", "tuesday"]),
        ("um I er mean uh-huh", ["i", "mean", "uh-huh"]),
        ("[laughter] twenty-five | <noise>", ["twenty-five"]),
        ("it’s room 12", ["it's", "room", "12"]),
        ("'er", ["er"][:0]),
        ("", []),
    ],
)
def test_only_words_count_and_hesitations_do_not(text, words):
    assert normal(text) == words


@mark.parametrize(
    ("said", "recognised", "errors"),
    [
        ("a b c", "a b c", WordErrors(3)),
        ("a b c", "a x c", WordErrors(3, replaced=1)),
        ("a b c", "a c", WordErrors(3, left_out=1)),
        ("a b c", "a b b c", WordErrors(3, put_in=1)),
        ("a b c", "", WordErrors(3, left_out=3)),
        ("", "a b", WordErrors(0, put_in=2)),
        ("the cat sat", "cat sat down", WordErrors(3, left_out=1, put_in=1)),
    ],
)
def test_errors_are_told_apart(said, recognised, errors):
    assert word_errors(said.split(), recognised.split()) == errors


rows = st.lists(st.sampled_from("abc"), max_size=7)


@given(rows, rows)
def test_errors_explain_the_difference_in_length_and_are_never_more_than_the_words(said, found):
    errors = word_errors(said, found)
    assert errors.words == len(said)
    assert len(said) - errors.left_out + errors.put_in == len(found)
    assert errors.errors <= max(len(said), len(found))
    assert (errors.errors == 0) is (said == found)


@given(rows, rows, rows)
def test_errors_by_way_of_a_third_text_are_not_fewer(first, second, third):
    def count(a, b):
        return word_errors(a, b).errors

    assert count(first, third) <= count(first, second) + count(second, third)


def test_rates_of_several_texts_weigh_their_words():
    together = WordErrors(8, replaced=1) + WordErrors(2, put_in=1)
    assert together == WordErrors(10, replaced=1, put_in=1)
    assert together.rate == approx(0.2)


def test_a_rate_without_words_is_a_fault():
    with raises(ZeroDivisionError):
        _ = WordErrors().rate


def test_recordings_without_text_and_of_other_kinds_are_left_out(tmp_path):
    write_wav(tmp_path / "one.wav", [sounding([(0, 0.5)], 1.0)])
    lines = [
        {"path": "one.wav", "kind": "short", "text": "Yes, please."},
        {"path": "one.wav", "kind": "noise", "text": None},
        {"path": "one.wav", "kind": "short", "text": "[cough] um"},
        {"path": "one.wav", "kind": "long", "text": "no"},
    ]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = list(recordings(tmp_path, ["short"], RATE))
    assert [(r.kind, r.text, len(r.samples)) for r in found] == [("short", "yes please", RATE)]
    assert len(list(recordings(tmp_path, [], RATE))) == 2


DETECTOR = EnergyDetector.load(EnergySettings())


@mark.parametrize(("gap_s", "count"), [(0.1, 2), (1.0, 1)])
def test_only_pauses_longer_than_the_gap_part_speech(gap_s, count):
    found = list(speech(DETECTOR, sounding([(1, 1.5), (2, 2.5)], 4), gap_s))
    assert len(found) == count
    assert found[0].start == approx(0.7 * RATE, abs=640)
    assert found[-1].end == approx(2.6 * RATE, abs=640)


def test_stretches_of_speech_never_overlap():
    found = list(speech(DETECTOR, sounding([(0.1, 0.5), (0.7, 1.0), (1.2, 1.9)], 2), 0.1))
    assert len(found) == 3
    assert all(a.end <= b.start for a, b in pairwise(found))


def test_silence_holds_no_speech():
    assert list(speech(DETECTOR, np.zeros(RATE, np.float32), 0.1)) == []


def recognizer(*words):
    said = tuple(ScriptedWords(n, n + 0.5, word) for n, word in enumerate(words))
    return ScriptedRecognizer.load(ScriptedRecognizerSettings(said, final_delay_s=0.2))


def test_what_is_understood_of_the_stretches_is_joined():
    parts = [AudioFrame(np.zeros(RATE, np.float32), RATE, start * RATE) for start in (0, 2)]
    found = run_virtual(understood(recognizer("yes", "sir", "no"), parts, Expectation()))
    assert found.text == "yes no"
    assert len(found.final_s) == 2


def test_a_set_is_measured_and_shown_as_one_line(tmp_path):
    write_wav(tmp_path / "one.wav", [sounding([(0, 0.5), (1, 1.5)], 2.0)])
    lines = [{"path": "one.wav", "kind": "short", "text": t} for t in ("yes sir", "no sir")]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = list(recordings(tmp_path, [], RATE))
    row = run_virtual(measured(recognizer("yes", "sir"), DETECTOR, found))
    assert row.count == 2
    assert row.free.rate == approx(0.25)
    assert row.refused == 0
    assert row.accepted == 1  # "no sir" was taken for "yes sir", which its rivals hold
    assert row.line().startswith("| short | 2 | 4 | 25% | 25% | 25% | 0% | 50% |")
    assert all(map(math.isfinite, row.final_s))
