"""Which sequence a prompt takes over: where the least is forgotten, and what is old goes first."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.engines.llama_memory import Sequences, common

HEAD = list(range(100))
"""The instructions, which all calls begin with."""


def written(sequences, prompt, reply=()):
    """Take a place, compute prompt and reply in it, give it back; what was taken."""
    taken = sequences.take(prompt)
    taken.kept.tokens = [*prompt, *reply]
    sequences.give_back(taken.kept)
    return taken


def words(seed, count=50):
    return [1_000 * seed + i for i in range(count)]


def test_the_first_prompt_knows_nothing():
    taken = Sequences(2).take([1, 2, 3])
    assert taken.known == 0


def test_a_prompt_that_goes_on_knows_all_before():
    sequences = Sequences(2)
    written(sequences, HEAD, words(1))
    assert written(sequences, HEAD + words(1) + words(2)).known == 150


def test_the_last_token_is_computed_again():
    sequences = Sequences(1)
    written(sequences, HEAD)
    assert sequences.take(HEAD).known == 99


def test_a_busy_sequence_is_not_taken_but_can_be_copied():
    sequences = Sequences(2)
    first = sequences.take(HEAD)
    first.kept.tokens = list(HEAD)
    second = sequences.take(HEAD + words(1))
    assert second.kept is not first.kept
    assert (second.source, second.known) == (first.kept.number, 100)


def test_a_reply_prepared_again_and_again_does_not_cost_another_call_its_memory():
    sequences = Sequences(2)
    other = written(sequences, HEAD + words(1, 200))
    for guess in range(2, 6):
        assert written(sequences, HEAD + words(guess, 5)).kept is not other.kept
    assert sequences.take(HEAD + words(1, 200) + words(9)).known == 300


def test_a_call_that_ended_long_ago_makes_room():
    """However long it was, nobody needs it any more."""
    sequences = Sequences(2)
    old = written(sequences, HEAD + words(1, 500))
    history, taken = HEAD, []
    for turn in range(2, 60):
        history = history + words(turn, 20)
        taken.append(written(sequences, history + words(-turn, 20)).kept)
        taken.append(written(sequences, [-t for t in history]).kept)
    assert old.kept in taken


@given(st.lists(st.integers(0, 2), max_size=20), st.lists(st.integers(0, 2), max_size=20))
def test_common_is_what_counting_finds(one, other):
    pairs = list(zip(one, other, strict=False))
    expected = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
    assert common(one, other) == expected
