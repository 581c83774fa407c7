"""Markdown is left out of the sound, and what only looks like it is not."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from pipelines.engines.voice_marks import unmarked, with_marks
from pipelines.engines.voice_words import Word, words


def said(text):
    return " ".join(word.spoken for word in unmarked(text) if word.spoken)


MARKED = {
    "We have **three** tables.": "We have three tables.",
    "**Pizza:** ***ten*** __euros__": "Pizza: ten euros",
    "un**believ**able": "unbelievable",
    "我们有**三**张，**3**张": "我们有三张，3张",
    "*smiles* Hello (*really*)": "smiles Hello (really)",
    "*We open at nine.": "We open at nine.",
    "And close at five.*": "And close at five.",
    "_really_ nice _snake_case_": "really nice snake_case",
    "~~no~~ yes": "no yes",
    "Press `start` or ``stop``": "Press start or stop",
    "# Title": "Title",
    "### **Opening hours**": "Opening hours",
    "* Pizza\n* 3 euros\n- **Pasta**\n+ Soup\n• Salad": "Pizza 3 euros Pasta Soup Salad",
    "1. **One**": "1. One",
    "> he said": "he said",
    "```python\nprint(1)\n```": "print(1)",
    "---": "",
    "***": "",
    "* * *": "",
    "|---|:--|": "",
    "[our menu](https://example.com/menu)": "our menu",
    "see [a](b.html), and menu](/a_(b)_c).": "see a, and menu.",
    "![a photo](x.png)": "a photo",
    "**https://x.org/_a_/b_c**": "https://x.org/_a_/b_c",
}


@mark.parametrize(("text", "spoken"), MARKED.items())
def test_marks_are_not_said(text, spoken):
    assert said(text) == spoken


@mark.parametrize(
    "text",
    [
        "2 * 3 is 2*3 or 2 *3",
        "2**3, x**2 and 2**n",
        "snake_case, _x and a lone _ or _",
        "C# and F#, #5, no # at all",
        "5 - 3 is 2",
        "- 3 degrees",
        "> 3 people",
        "f(x)*g(y) and a[i](j)",
        "it costs 5 euros*, or 6*",
        "~5 ~ 6",
        "don`t",
        "press * or #",
        "Rated *****",
        "____ is a gap",
        "[pause] (laughs) [1]",
        "https://x.org/_a_/__b__",
        "I am 5 < 6 | 7",
    ],
)
def test_what_only_looks_like_a_mark_stays(text):
    assert said(text) == text


ANY = st.text("ab3 *_~`#[](.:/|->\n!", max_size=60)


@given(ANY)
def test_what_is_written_stays_and_what_is_said_is_a_part_of_it(text):
    found = unmarked(text)
    assert [word.written for word in found] == text.split()
    for word in found:
        left = iter(word.written)
        assert all(letter in left for letter in word.spoken)


@given(ANY)
def test_words_read_from_it_are_written_with_their_marks(text):
    marked = unmarked(text)
    read = words(" ".join(word.spoken for word in marked if word.spoken))
    found = with_marks(marked, read)
    assert " ".join(word.written for word in found).split() == text.split()
    assert [w.spoken for w in found if w.spoken] == [w.spoken for w in read if w.spoken]


def test_marks_go_with_the_word_after_them_and_the_last_are_alone():
    marked = unmarked("# **3 April**\n---")
    first, *rest = with_marks(marked, words("3 April"))
    assert first == Word("# **3 April**", "the third of April")
    assert rest == [Word("---", "")]
    assert with_marks(unmarked("---"), []) == [Word("---", "")]


@mark.parametrize("part", ["*", "**", "_a ", "`", "[", "](", "](a(", "](.", "www.*", "- ", "---|"])
def test_a_hundred_thousand_marks_are_read_in_one_go(part):
    text = part * (100_000 // len(part))
    assert [word.written for word in unmarked(text)] == text.split()
