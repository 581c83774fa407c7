"""The notation of phrases, and finding one in words."""

from pytest import mark, raises

from pipelines.cascade.flow.match import phrase, search
from pipelines.cascade.flow.pattern import expand, needs, parse, slots
from pipelines.cascade.flow.values import Reading


def found(text, said):
    """The best match's words, or None."""

    def read(slot, tokens, at):
        if tokens[at].isdigit():
            yield Reading(int(tokens[at]), at + 1, clear=True)

    tokens = said.split()
    best = max(search(phrase(parse(text)), tokens, read), key=lambda f: f.score, default=None)
    return best and " ".join(tokens[i] for i in best.used)


@mark.parametrize(
    ("text", "rows"),
    [
        ("a b", ["a b"]),
        ("a [b] c", ["a c", "a b c"]),
        ("(a | b c) d", ["a d", "b c d"]),
        ("a | b", ["a", "b"]),
        ("[a [b]] c", ["c", "a c", "a b c"]),
        ("for {people}", ["for two", "for three"]),
        ("[i'd like] a", ["a", "i'd like a"]),
    ],
)
def test_a_phrase_stands_for_its_rows(text, rows):
    assert list(expand(parse(text), {"people": ("two", "three")}, 10)) == rows


def test_rows_are_cut_at_the_limit():
    assert len(list(expand(parse("(a | b) (a | b) (a | b)"), {}, 5))) == 5


@mark.parametrize(
    ("text", "fault"),
    [
        ("a [b", "not closed"),
        ("(a | b", "not closed"),
        ("(a]", "not closed"),
        ("a b]", "nothing opened"),
        ("a | ", "empty part"),
        ("", "empty part"),
        ("()", "empty part"),
        ("[a] [b]", "no word that must be said"),
        ("[a] | b", "no word that must be said"),
        ("please", "no word that must be said"),
        ("a { b", "not a word"),
    ],
)
def test_a_broken_phrase_is_refused_in_words(text, fault):
    with raises(ValueError, match=fault):
        parse(text)


def test_needs_are_the_words_that_no_row_is_without():
    assert needs(parse("when (are you | do you) [be] open [please]")) == {"when", "you", "open"}
    assert slots(parse("[a {x}] ({y} | b)")) == {"x", "y"}


@mark.parametrize(
    ("text", "said", "words"),
    [
        ("opening hours", "what are your opening hours", "opening hours"),
        ("opening hours", "opening the hours", "opening hours"),
        ("opening hours", "opening a b hours", "opening hours"),
        ("opening hours", "opening a b c hours", None),
        ("opening hours", "hours opening", None),
        ("[your] opening hours", "your opening hours", "your opening hours"),
        ("(are | do) you [really] open", "do you open", "do you open"),
        ("i'd like", "i would like", "i would like"),
        ("please wait", "wait", "wait"),
        ("for {n} people", "table for 4 nice people", "for 4 people"),
        ("for {n}", "for nobody", None),
    ],
)
def test_a_phrase_is_found_among_foreign_words(text, said, words):
    assert found(text, said) == words


def test_a_foreign_word_costs_less_than_a_word_found():
    (skipping,) = search(phrase(parse("a b")), ["a", "x", "b"], lambda *_: iter(()))
    (single,) = search(phrase(parse("a")), ["a", "x", "b"], lambda *_: iter(()))
    assert skipping.score > single.score
