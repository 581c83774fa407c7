"""Chinese and Japanese: what is heard one after the other, and how it is put together again."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from pipelines.unspaced import joined, parts

TEXTS = st.text("ab 明日のー、。「」(3５\n한가", max_size=40)


@given(TEXTS)
def test_parts_joined_by_spaces_are_the_words_as_they_were(text):
    assert joined(" ".join(part.text for part in parts(text))) == " ".join(text.split())


@given(TEXTS)
def test_a_part_knows_where_it_stands(text):
    for part in parts(text):
        assert joined(part.text) == text[part.start : part.end]


@mark.parametrize(
    ("text", "found"),
    [
        ("to be sure", ["to", "be", "sure"]),
        ("안녕 하세요", ["안녕", "하세요"]),
        ("明日の夜７時です。", ["明", "日", "の", "夜", "７", "時", "で", "す。"]),
        ("夜7時に「コーヒー」を", ["夜7時", "に", "「コー", "ヒー」", "を"]),
        ("ちょっと 待って", ["ちょっ", "と", "待っ", "て"]),
    ],
)
def test_signs_are_parts_and_words_with_spaces_stay_whole(text, found):
    assert [joined(part.text) for part in parts(text)] == found


def test_what_was_heard_of_a_word_is_its_beginning():
    heard = [part.text for part in parts("明日の夜")][:2]
    assert joined(" ".join(heard)) == "明日"
