"""What is written and what is said for it: numbers, dates, money, tags."""

import hypothesis.strategies as st
from hypothesis import given
from pytest import mark

from pipelines.engines.voice_markup import Manner, Markup, plain, rest, spans
from pipelines.engines.voice_numbers import cardinal, ordinal, year
from pipelines.engines.voice_text import Passage, passages, passages_of, starts
from pipelines.engines.voice_words import Word, words

SAID = {
    "We open at 9.": "We open at nine.",
    "1,234 of 1000000": "one thousand two hundred and thirty-four of one million",
    "-5.25 and 0.5": "minus five point two five and zero point five",
    "the 21st, 2nd and 100th": "the twenty-first, second and one hundredth",
    "1/2 and 3/4": "one half and three quarters",
    "2-3 days": "two to three days",
    "#5, no. 7": "number five, number seven",
    "code 00712, order 12345678": (
        "code zero zero seven one two, order one two three four five six seven eight"
    ),
    "in 1995, since 2026, the 1990s": (
        "in nineteen ninety-five, since twenty twenty-six, the nineteen nineties"
    ),
    "on 3 April 2026.": "on the third of April, twenty twenty-six.",
    "April 3rd, or Sept. 14": "April third, or September fourteenth",
    "2026-04-03": "April third, twenty twenty-six",
    "4/3/2026": "April third, twenty twenty-six",
    "31/12/2026": "December thirty-first, twenty twenty-six",
    "at 7:30 p.m. or 19:05": "at seven thirty p m or nineteen oh five",
    "7:00, 14:00, 7pm.": "seven o'clock, fourteen hundred, seven p m.",
    "$3.50, £1.01, €20.": ("three dollars and fifty cents, one pound and one penny, twenty euros."),
    "$0.99 and $1": "ninety-nine cents and one dollar",
    "$1.2 million, £5k": "one point two million dollars, five thousand pounds",
    "50% off": "fifty percent off",
    "5 km, 1 kg, 20°C": "five kilometres, one kilogram, twenty degrees Celsius",
    "100 km/h, 6 ft": "one hundred kilometres per hour, six feet",
    "+44 20 7946 0958": "plus four four, two zero, seven nine four six, zero nine five eight",
    "(555) 123-4567": "five five five, one two three, four five six seven",
    "jane.doe@example.com": "jane dot doe at example dot com",
    "https://www.example.com/a1/.": "w w w dot example dot com slash a one.",
    "Dr. Who vs. e.g. Mr. X": "Doctor Who versus for example Mister X",
    "you & me @ home": "you and me at home",
    "a < b": "a less than b",
    "May I come?": "May I come?",
    "B12 and R2D2": "B12 and R2D2",
    "1/2/3/4": "1/2/3/4",
    "13/13/2026": "13/13/2026",
}


@mark.parametrize(("written", "spoken"), SAID.items())
def test_written_english_is_said_in_words(written, spoken):
    assert " ".join(word.spoken for word in words(written, "en-us")) == spoken


def test_a_date_with_slashes_is_read_as_the_language_reads_it():
    assert words("4/3/2026", "en-gb")[0].spoken == "the fourth of March, twenty twenty-six"


def test_other_languages_keep_their_numbers_for_their_own_phonemiser():
    assert words("Il est 3 h", "fr") == [Word("Il", "Il"), *(Word(w, w) for w in "est 3 h".split())]


@given(st.text("ab1 2.,:/-–$%@+#&<>'°mk()\n", max_size=60))
def test_nothing_that_was_written_is_lost_or_moved(text):
    assert " ".join(word.written for word in words(text)).split() == text.split()


@mark.parametrize(
    ("number", "said"),
    [
        (0, "zero"),
        (115, "one hundred and fifteen"),
        (1001, "one thousand and one"),
        (1_000_200, "one million two hundred"),
        (-7, "minus seven"),
        (10**15, "one zero zero zero zero zero zero zero zero zero zero zero zero zero zero zero"),
    ],
)
def test_numbers_are_said_as_in_english(number, said):
    assert cardinal(number) == said


def test_ordinals_and_years_have_their_own_forms():
    assert [ordinal(n) for n in (1, 12, 20, 53)] == ["first", "twelfth", "twentieth", "fifty-third"]
    assert [year(n) for n in (1066, 1900, 1905, 2000, 2007, 2026)] == [
        "one thousand and sixty-six",
        "nineteen hundred",
        "nineteen oh five",
        "two thousand",
        "two thousand and seven",
        "twenty twenty-six",
    ]


# --- tags -----------------------------------------------------------------------------------------

BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>'

TAGGED = {
    '<sub alias="World Wide Web">W3</sub>, yes': ("W3, yes", "World Wide Web, yes"),
    '<say-as interpret-as="characters">AB1</say-as>': ("AB1", "A B one"),
    '<say-as interpret-as="digits">12</say-as>': ("12", "one two"),
    '<say-as interpret-as="ordinal">3</say-as>': ("3", "third"),
    '<say-as interpret-as="telephone">12 34</say-as>': ("12 34", "one two, three four"),
    '<say-as interpret-as="date" format="dmy">4-3-2026</say-as>': (
        "4-3-2026",
        "the fourth of March, twenty twenty-six",
    ),
    '<say-as interpret-as="mood">glad</say-as>': ("glad", "glad"),
    "<speak><p>One <mystery a='1'>2</mystery>.</p></speak>": ("One 2.", "One two."),
    "AT&amp;T &#65; &lt;": ("AT&T A <", "AT&T A less than"),
    f"{BOMB}so &c; it": ("so &c; it", "so &c; it"),
    "a<!-- never\nsaid -->b<?php no ?>c": ("abc", "abc"),
    "<![CDATA[x & y]]>": ("x & y", "x and y"),
    "if a < b and c > d": ("if a < b and c > d", "if a less than b and c more than d"),
    "</prosody>end": ("end", "end"),
    "<prosody rate=fast>go": ("go", "go"),
    "<b and c>": ("<b and c>", "<b and c>"),
    "<emphasis>wor</emphasis>ld": ("world", "world"),
    "- on **3 April** at <emphasis>*9*</emphasis>, [here](https://a.b/c)": (
        "- on **3 April** at *9*, [here](https://a.b/c)",
        "on the third of April at nine, here",
    ),
    "---": ("---", ""),
}


def read(text, before=None):
    return passages(text, before or Markup(), "en-us")[0]


@mark.parametrize(("text", "forms"), TAGGED.items())
def test_tags_change_how_it_is_said_and_are_never_said(text, forms):
    found = read(text)
    assert " ".join(p.written for p in found if p.words) == forms[0]
    assert " ".join(p.spoken for p in found if p.words) == forms[1]


@mark.parametrize(
    ("tag", "pause_s"),
    [
        ('<break time="500ms"/>', 0.5),
        ("<break time='1.5s'></break>", 1.5),
        ("<break time=2s/>", 2.0),
        ('<break time="900s"/>', 5.0),
        ('<break time="soon"/>', 0.0),
        ('<break strength="weak"/>', 0.2),
        ("<break/>", 0.4),
    ],
)
def test_a_break_is_a_silence(tag, pause_s):
    assert [p.pause_s for p in read(f"Hello {tag} there")] == [0, pause_s, 0]


def test_prosody_reaches_into_the_next_clause_and_ends_with_its_tag():
    first, after = passages('<prosody rate="slow" volume="+3dB">One.', Markup(), "en-us")
    second, after = passages("Two.</prosody> Three.", after, "en-us")
    manners = [p.manner for p in (*first, *second)]
    assert manners == [Manner(0.8, 3.0), Manner(0.8, 3.0), Manner()]
    assert after == Markup()


def test_nested_speeds_multiply_within_what_an_engine_can_do():
    (passage,) = read("<prosody rate='x-slow'><prosody rate='50%'>hm</prosody></prosody>")
    assert passage.manner.pace == 0.5


def test_a_language_goes_to_the_engine_and_its_numbers_are_left_alone():
    (french, english) = read('<lang xml:lang="fr">3 heures</lang> is 3')
    assert (french.manner.language, french.spoken) == ("fr", "3 heures")
    assert english.spoken == "is three"


def test_a_tag_cut_by_the_end_of_a_clause_is_read_with_the_next():
    first, after = passages('See <sub alias="Doctor.', Markup(), "en-us")
    second, _ = passages('Smith">DS</sub>.', after, "en-us")
    assert [p.spoken for p in (*first, *second)] == ["See", "Doctor. Smith."]


def test_an_engine_that_knows_no_tags_is_given_plain_text():
    first, after = plain("<prosody rate='slow'>Well,  then &amp;", Markup())
    second, after = plain("so</prosody> on<break/>.", after)
    assert (first, second, after) == ("Well,  then &", "so on.", Markup())


def test_a_tag_that_never_ends_is_text_after_all():
    _, after = spans('<break time="1s', Markup())
    assert [p.written for p in passages_of(rest(after), "en-us")] == ['<break time="1s']


def test_ten_thousand_open_tags_are_read_and_most_of_them_ignored():
    found, after = passages("<prosody rate='99%'>" * 10_000 + "hello", Markup(), "en-us")
    assert [p.spoken for p in found] == ["hello"]
    assert len(after.open) == 32


@given(st.text("<>/ab=\"'&;![-] \n", max_size=80))
def test_no_text_breaks_the_reader(text):
    found, after = passages(text, Markup(), "en-us")
    assert sum(len(p.written) for p in found) <= len(text)
    assert len(after.pending) <= len(text)


def test_a_text_longer_than_any_clause_is_left_as_it_is():
    long = "1" * 5000  # more digits than Python turns into a number
    assert words(long) == [Word(long, long)]
    assert words("1" * 999)[0].spoken.split() == ["one"] * 999


@mark.parametrize(
    "part", ["<!--", "<![CDATA[", "<a b=c ", "<a b='", "&", "a.", "1,", "+1 ", "www."]
)
def test_a_hundred_thousand_characters_of_nonsense_are_read_in_one_go(part):
    text = part * (100_000 // len(part))
    found, after = passages(text, Markup(), "en-us")
    assert sum(len(p.written) for p in found) + len(after.pending) <= len(text)


# --- where words lie ------------------------------------------------------------------------------


def test_a_word_has_the_time_of_what_is_said_for_it():
    price = Passage((Word("pay", "pay"), Word("$3.50", "three dollars fifty"), Word("now", "now")))
    assert [(w.character, w.sample) for w in starts(price, 2800)] == [(0, 0), (4, 400), (10, 2400)]


def test_words_said_as_one_share_its_time():
    day = Passage((Word("3 April 2026", "x" * 25),))
    assert [w.sample for w in starts(day, 1300)] == [0, 200, 800]


def test_the_engines_own_times_are_taken_where_it_knows_every_word():
    passage = Passage((Word("is", "is"), Word("$3", "three dollars"), Word("ok", "ok")))
    assert [w.sample for w in starts(passage, 100, (5, 10, 50, 90))] == [5, 10, 90]
    assert starts(passage, 100, (5, 10)) == starts(passage, 100)
