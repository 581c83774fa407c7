"""Text to clauses: nothing lost, nothing moved, and the pieces it came in make no difference."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from agent.virtual_loop import run_virtual
from pipelines.cascade.clauses import FIRST_WORDS, LATER_WORDS, MAX_WORDS, clauses, cut


def clauses_of(*pieces):
    """All clauses of a text that comes in these pieces."""

    async def written():
        for piece in pieces:
            yield piece

    async def main():
        return [clause async for clause in clauses(written())]

    return run_virtual(main())


def letters(text):
    return "".join(text.split())


WORDS = st.sampled_from(
    [
        "a",
        "table",
        "for",
        "four",
        "3.5",
        "Dr.",
        "p.m.",
        "No.",
        "5",
        "**We**",
        "well,",
        "Yes.",
        "no!",
        "so;",
        "-",
        "—",
        '"Hi."',
        "…",
        "明日の",
        "はい、",
        "です。」",
        "हूँ।",
        "نعم؟",
    ]
)
SPACES = st.sampled_from([" ", " ", " ", "  ", "\n", "\t ", ""])
TEXTS = st.lists(st.tuples(WORDS, SPACES), max_size=80).map(
    lambda pairs: "".join(word + space for word, space in pairs)
)


@st.composite
def split_texts(draw):
    """A text, and the same in pieces cut anywhere."""
    text = draw(TEXTS | st.text(alphabet='ab .,!?"\n—…の、。」', max_size=60))
    places = draw(st.lists(st.integers(0, len(text)), max_size=12).map(sorted))
    edges = [0, *places, len(text)]
    return text, [text[a:b] for a, b in pairwise(edges)]


@given(split_texts())
def test_no_letter_is_lost_and_all_keep_their_order(split):
    text, pieces = split
    assert letters("".join(clauses_of(*pieces))) == letters(text)


@given(split_texts())
def test_the_pieces_a_text_comes_in_make_no_difference(split):
    text, pieces = split
    assert clauses_of(*pieces) == clauses_of(text)


@given(TEXTS)
def test_letter_by_letter_is_the_same_as_at_once(text):
    assert clauses_of(*text) == clauses_of(text)


@given(split_texts())
def test_a_clause_is_never_empty_never_too_long_and_has_no_blanks_around_it(split):
    for clause in clauses_of(*split[1]):
        assert clause == clause.strip()
        assert 1 <= len(clause.split()) <= MAX_WORDS


def test_a_sentence_is_a_clause():
    assert clauses_of("Hello. How are you? Fine!") == ["Hello.", "How are you?", "Fine!"]


def test_the_first_clause_may_end_early_at_a_comma():
    text = "Good morning to you, what may I do for you all today, if anything, my friend?"
    assert clauses_of(text) == [
        "Good morning to you,",
        "what may I do for you all today,",
        "if anything, my friend?",
    ]
    assert (FIRST_WORDS, LATER_WORDS) == (4, 8)


def test_a_comma_after_too_few_words_ends_nothing():
    assert clauses_of("Well, yes, of course I can.") == ["Well, yes, of course I can."]


@mark.parametrize(("least", "start"), [(FIRST_WORDS, ""), (LATER_WORDS, "Well. ")])
def test_a_comma_needs_just_so_many_words_before_it(least, start):
    enough, few = " ".join("w" * least), " ".join("w" * (least - 1))
    done = clauses_of(start)
    assert clauses_of(f"{start}{enough}, and more") == [*done, f"{enough},", "and more"]
    assert clauses_of(f"{start}{few}, and more") == [*done, f"{few}, and more"]


def test_a_list_is_spoken_item_by_item():
    text = "We have:\n- Pizza\n- Pasta, too \r\n\n  * Soup\nWhat would you like?"
    items = ["- Pizza", "- Pasta, too", "* Soup"]
    assert clauses_of(text) == ["We have:", *items, "What would you like?"]


def test_marks_of_markdown_belong_to_the_sign_before_them():
    found = ["**Our hours every day:**", "nine to _five._", "*Really?*", "**Yes.**"]
    assert clauses_of(*" ".join(found)) == found


def test_a_line_is_spoken_as_soon_as_it_ends():
    assert cut("- Pizza\n", LATER_WORDS) == ("- Pizza", "")
    assert cut("\n\n- Pasta", LATER_WORDS) == ("", "- Pasta")


@mark.parametrize(
    "found",
    [
        ["はい、承知しました。", "明日の夜七時に二名様でご予約ですね。", "お名前をお願いします。"],
        ["好的，我帮您查一下。", "请问您贵姓？", "（王）。", "谢谢！"],
        ["「はい。」", "と言いました。"],
        ["営業時間は午前九時から、", "午後五時半までとなっておりますので、", "どうぞ。"],
    ],
)
def test_signs_of_chinese_and_japanese_end_a_clause_without_a_space(found):
    assert clauses_of(*"".join(found)) == found


@mark.parametrize(
    "found",
    [
        ["हाँ, ज़रूर।", "मैं अभी देखता हूँ।", "कल॥", "और"],
        ["سأتحقق من ذلك الآن،", "وسأعود إليك قريبا.", "هل أنت متأكد؟", "نعم"],
        ["جی ہاں۔", "ٹھیک ہے۔"],
    ],
)
def test_signs_of_hindi_arabic_and_urdu_end_a_clause(found):
    assert clauses_of(*" ".join(found)) == found


def test_japanese_without_signs_is_cut_where_thirty_words_would_be():
    assert [len(c) for c in clauses_of("の" * 130)] == [60, 60, 10]


@mark.parametrize(
    "found",
    [
        ["I booked you with Dr. Smith at 3 p.m. on Friday,", "in room No. 5."],
        ["Mr. and Mrs. Jones live at 12 St. James Ave. in the U.S. and pay approx. 10 euros."],
        ["We close at 3 p.m.", "Is that all right?"],
        ["The total is 1,234.50 euros,", "i.e. about $1,300.", "OK?"],
        ["Is it open?", "No.", "You may call.", "It opens on Dec. 5 (e.g. at No. 7)."],
        ["Pizza, pasta etc.", "We have it all, etc. and more."],
        ["It was 2024.", "It was good."],
    ],
)
def test_an_abbreviation_ends_a_sentence_only_where_one_ends(found):
    assert clauses_of(*" ".join(found)) == found


def test_the_number_of_an_item_is_said_with_it_and_a_line_ends_after_an_abbreviation():
    found = ["1. Pizza", "2. Pasta, or room 5.", "12. Soup, ask for Dr.", "Smith"]
    assert clauses_of(*"\n".join(found)) == found


def test_a_number_with_a_point_is_one_word():
    assert clauses_of("It is 3.5 miles.") == ["It is 3.5 miles."]
    assert clauses_of("It is 3.", "5 miles.") == ["It is 3.5 miles."]


def test_punctuation_at_the_end_of_a_piece_waits_for_what_follows():
    assert cut("It is 3.", 4) == ("", "It is 3.")
    assert cut("It is 3. ", 4) == ("It is 3.", "")


@mark.parametrize("end", [".", "!", "?", "…", "?!", '."', ".)", ".')"])
def test_every_end_of_a_sentence_with_its_quotes_stays_with_it(end):
    assert clauses_of(f"Hello there{end} Next") == [f"Hello there{end}", "Next"]


@mark.parametrize("mark_", [",", ";", ":", " –", " —"])
def test_every_kind_of_comma_may_end_a_clause(mark_):
    assert clauses_of(f"one two three four{mark_} five six") == [
        f"one two three four{mark_}",
        "five six",
    ]


def test_a_text_without_punctuation_is_cut_at_the_limit():
    words = [f"w{n}" for n in range(70)]
    assert [len(c.split()) for c in clauses_of(" ".join(words))] == [MAX_WORDS, MAX_WORDS, 10]


def test_punctuation_beyond_the_limit_makes_no_clause_longer():
    words = " ".join(f"w{n}" for n in range(40))
    assert [len(c.split()) for c in clauses_of(f"{words}, and more. The end")] == [30, 10, 2, 2]


@mark.parametrize("sign", ["!", ".", "…", "。", "।", "、", '."', "?!", ",", " .", ".\n"])
def test_a_hundred_thousand_signs_are_read_in_one_go(sign):
    text = sign * 100_000
    assert letters("".join(cut(text, FIRST_WORDS))) == letters(text)


@mark.parametrize("nothing", [(), ("",), (" ", "\n"), ("  ",)])
def test_no_text_is_no_clause(nothing):
    assert clauses_of(*nothing) == []


def test_a_clause_is_there_before_the_text_is():
    async def endless():
        yield "Hello. "
        yield "And"
        raise AssertionError("asked for more than the first clause needs")

    async def main():
        spoken = clauses(endless())
        first = await anext(spoken)
        await spoken.aclose()
        return first

    assert run_virtual(main()) == "Hello."
