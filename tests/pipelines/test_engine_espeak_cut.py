"""Where espeak's sound is cut, and how long it pauses."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark

from agent.core.audio import AudioFrame
from pipelines.engines.espeak_cut import cut, moved, pause_s, pieces, spoken, steps, trim, written
from pipelines.engines.espeak_native import WordStart
from pipelines.engines.voice_marks import unmarked

RATE = 1_000


def tone(count):
    return np.full(count, 0.5, np.float32)


def cut_text(text, sound, words, start=0):
    starts = [WordStart(*word) for word in words]
    return list(cut(text, AudioFrame(sound, RATE, start), starts))


def test_short_words_are_one_piece_each():
    found = cut_text("so it is", tone(300), [(0, 0), (3, 100), (6, 200)])
    assert [(s.text, s.frame.start, s.frame.end) for s in found] == [
        ("so", 0, 100),
        ("it", 100, 200),
        ("is", 200, 300),
    ]


def test_a_long_word_is_carried_by_the_last_of_its_pieces():
    found = cut_text("incomprehensible", tone(500), [(0, 0)])
    assert [s.text for s in found] == ["", "", "incomprehensible"]


def test_words_that_espeak_runs_together_share_their_pieces():
    found = cut_text("out of it", tone(300), [(0, 0), (7, 150)])
    assert [s.text for s in found] == ["out of", "it"]


def test_a_start_inside_a_word_is_no_word():
    found = cut_text("it 25 x", tone(400), [(0, 0), (3, 100), (4, 200), (6, 300)])
    assert [s.text for s in found if s.text] == ["it", "25", "x"]


def test_a_pause_after_a_word_carries_no_words():
    sound = np.concatenate([tone(100), np.zeros(100, np.float32), tone(100)])
    found = cut_text("yes, no", sound, [(0, 0), (5, 200)])
    assert [(s.text, len(s.frame.samples)) for s in found] == [("yes,", 105), ("", 95), ("no", 100)]


words = st.lists(st.text("abc'!", min_size=1, max_size=6), min_size=1, max_size=8)


@given(words, st.lists(st.integers(0, 900), max_size=8), st.integers(1, 1_000), st.integers(0, 50))
def test_whatever_espeak_reports_no_word_and_no_sample_is_lost(said, samples, count, start):
    text = " ".join(said)
    starts = [(n * 3 % len(text), min(s, count)) for n, s in enumerate(sorted(samples))]
    found = cut_text(text, tone(count), starts, start)
    assert " ".join(s.text for s in found if s.text) == text
    assert [s.frame.start for s in found] == [start, *(s.frame.end for s in found[:-1])]
    assert found[-1].frame.end == start + count
    assert max(s.frame.duration_s for s in found) <= 0.2


def test_silence_around_the_sound_is_taken_off_and_the_words_move_with_it():
    quiet = np.zeros(50, np.float32)
    sound, starts = trim(
        np.concatenate([quiet, tone(100), quiet]), [WordStart(0, 0), WordStart(4, 100)], RATE
    )
    assert len(sound) == 5 + 100 + 5
    assert starts == [WordStart(0, 0), WordStart(4, 55)]


def test_nothing_but_silence_leaves_nothing():
    sound, starts = trim(np.zeros(100, np.float32), [WordStart(0, 0)], RATE)
    assert len(sound) == 0
    assert starts == []


@mark.parametrize(
    ("text", "pause"),
    [
        ("Good morning.", 0.25),
        ("Really?", 0.25),
        ('He said "no."', 0.25),
        ("first,", 0.12),
        ("**first,**", 0.12),
        ("_Really?_", 0.25),
        ("「はい。」", 0.25),
        ("はい、", 0.12),
        ("ज़रूर।", 0.25),
        ("نعم؟", 0.25),
        ("and then", 0.0),
        ("", 0.0),
    ],
)
def test_a_pause_is_as_long_as_the_end_of_the_text_asks_for(text, pause):
    assert pause_s(text) == pause


def test_pieces_are_equal_and_at_most_a_fifth_of_a_second():
    found = list(pieces(AudioFrame(tone(500), RATE, 7), "x"))
    assert [len(s.frame.samples) for s in found] == approx([167, 167, 166], abs=1)
    assert [s.text for s in found] == ["", "", "x"]
    assert list(pieces(AudioFrame(tone(0), RATE, 7))) == []


@given(st.text("ab *\n", max_size=2_000))
def test_long_clauses_are_spoken_in_steps_without_losing_a_word(clause):
    found = list(steps(unmarked(clause)))
    assert " ".join(written(step) for step in found).split() == clause.split()
    assert all(len(spoken(step)) <= 300 or len(step) == 1 for step in found)


def test_a_word_begins_where_it_is_written_and_not_where_it_is_spoken():
    marked = unmarked("- We have **three** [tables](https://a.b)")
    assert spoken(marked) == "We have three tables"
    starts = [WordStart(0, 0), WordStart(3, 20), WordStart(8, 30), WordStart(14, 40)]
    text = written(marked)
    found = list(cut(text, AudioFrame(tone(60), RATE, 0), moved(marked, starts)))
    assert [s.text for s in found] == ["- We", "have", "**three**", "[tables](https://a.b)"]


words_or_marks = st.lists(st.sampled_from(["a", "**b**", "***", "---", "[c](d.e)"]), max_size=9)


@given(words_or_marks, st.lists(st.integers(0, 40), max_size=6))
def test_every_start_is_that_of_a_word_that_is_spoken(tokens, characters):
    marked = unmarked(" ".join(tokens))
    text = written(marked)
    for start in moved(marked, [WordStart(n, 0) for n in characters]):
        assert not text[start.character].isspace()
