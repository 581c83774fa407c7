"""Settings from tables; every fault is a sentence with the key, what was found, what is allowed."""

import re
from dataclasses import dataclass, field
from enum import Enum

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.errors import ConfigError
from agent.core.settings import describe, read, value_of
from agent.core.turns import TurnConfig

WHERE = "shop.toml: [voice]"


class Mood(Enum):
    """How it sounds."""

    CALM = "calm"
    BRISK = "brisk"


@dataclass(frozen=True, slots=True)
class Part:
    """A part inside."""

    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Voice:
    """One of each kind of setting."""

    name: str
    is_loud: bool = False
    count: int = 1
    speed: float = 1.0
    mood: Mood = Mood.CALM
    words: tuple[str, ...] = ()
    weights: dict[str, float] = field(default_factory=dict)
    path: str | None = None
    part: Part = field(default_factory=Part)

    def __post_init__(self):
        """Raises ValueError for speeds that no voice has."""
        if self.speed <= 0:
            raise ValueError(f"speed: expected more than 0, found {self.speed}")


def refusal(table, cls=Voice, where=WHERE):
    """What is said about a table that is wrong."""
    with raises(ConfigError) as refused:
        read(cls, table, where)
    return str(refused.value)


def test_a_table_with_one_of_each_kind_is_read():
    table = {
        "name": "ada",
        "is_loud": True,
        "count": 3,
        "speed": 2,
        "mood": "brisk",
        "words": ["a", "b"],
        "weights": {"a": 1, "b": 0.5},
        "path": "voice.bin",
        "part": {"gain_db": -3},
    }
    voice = read(Voice, table, WHERE)
    assert voice == Voice(
        "ada", True, 3, 2.0, Mood.BRISK, ("a", "b"), {"a": 1.0, "b": 0.5}, "voice.bin", Part(-3.0)
    )
    assert type(voice.speed) is float


def test_what_is_left_out_has_its_default():
    assert read(Voice, {"name": "ada"}, WHERE) == Voice("ada")


def test_a_list_may_be_a_tuple_already():
    assert read(Voice, {"name": "ada", "words": ("a",)}, WHERE).words == ("a",)


@mark.parametrize("table", [3, "text", ["a"], None])
def test_what_is_no_table_is_refused(table):
    assert refusal(table) == f"{WHERE}: expected a table, found {table!r}"


def test_a_misspelt_key_is_refused_with_the_nearest_one():
    said = refusal({"name": "ada", "sped": 2.0})
    assert said.startswith(f"{WHERE}: unknown key sped; did you mean speed?")
    assert said.endswith("Allowed: " + ", ".join(sorted(Voice.__dataclass_fields__)))


def test_a_key_unlike_any_other_is_refused_with_all_of_them():
    said = refusal({"name": "ada", "zzz": 1})
    assert said.startswith(f"{WHERE}: unknown key zzz. Allowed: count, ")
    assert "did you mean" not in said


def test_a_table_that_takes_no_keys_says_so():
    @dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    assert refusal({"a": 1}, Nothing) == f"{WHERE}: unknown key a. Allowed: none"


def test_a_missing_key_is_named_with_what_it_is():
    assert refusal({}) == f"{WHERE}: name is missing; it is text"


@mark.parametrize(
    ("key", "value", "wanted", "found"),
    [
        ("name", 3, "text", "3"),
        ("name", {"a": 1}, "text", "a table"),
        ("is_loud", 1, "true or false", "1"),
        ("is_loud", "yes", "true or false", "'yes'"),
        ("count", True, "a whole number", "true"),
        ("count", 1.5, "a whole number", "1.5"),
        ("speed", False, "a number", "false"),
        ("speed", "fast", "a number", "'fast'"),
        ("mood", "angry", "one of calm, brisk", "'angry'"),
        ("words", "a b", "a list, each text", "'a b'"),
        ("weights", 3, "a table", "3"),
        ("path", 3, "text", "3"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_key_wanted_and_found(key, value, wanted, found):
    said = refusal({"name": "ada", key: value})
    assert said == f"{WHERE} {key}: expected {wanted}, found {found}"


def test_a_wrong_item_of_a_list_is_named_by_its_place():
    said = refusal({"name": "ada", "words": ["a", 3]})
    assert said == f"{WHERE} words[1]: expected text, found 3"


def test_a_wrong_item_of_a_table_is_named_by_its_key():
    said = refusal({"name": "ada", "weights": {"a": "much"}})
    assert said == f"{WHERE} weights.a: expected a number, found 'much'"


def test_a_wrong_key_of_a_table_inside_is_named_with_both():
    said = refusal({"name": "ada", "part": {"gain": 1.0}})
    assert said.startswith(f"{WHERE} part: unknown key gain; did you mean gain_db?")


def test_a_value_inside_that_is_no_table_is_refused():
    said = refusal({"name": "ada", "part": "loud"})
    assert said == f"{WHERE} part: expected a table, found 'loud'"


def test_what_a_dataclass_refuses_itself_is_said_with_its_place():
    said = refusal({"name": "ada", "speed": -1})
    assert said == f"{WHERE}: speed: expected more than 0, found -1.0"


def test_numbers_that_are_none_do_not_pass_for_durations():
    assert "silence_s: expected 0 to 3600" in refusal({"silence_s": float("nan")}, TurnConfig)


@mark.parametrize(
    ("kind", "words"),
    [
        (str, "text"),
        (float | None, "a number"),
        (int | str, "a whole number or text"),
        (tuple[float, ...], "a list, each a number"),
        (Mood, "one of calm, brisk"),
        (Part, "a table"),
        (dict[str, float], "a table"),
    ],
)
def test_a_kind_of_setting_has_words(kind, words):
    assert describe(kind) == words


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(sorted(Voice.__dataclass_fields__)) | st.text(max_size=8)


@given(st.dictionaries(KEYS, JUNK, max_size=4))
def test_whatever_a_table_holds_it_is_read_or_refused_in_words(table):
    try:
        voice = read(Voice, table, WHERE)
    except ConfigError as refused:
        assert str(refused).startswith(WHERE)
        assert re.search(r"expected|unknown key|missing", str(refused))
    else:
        assert set(table) <= set(Voice.__dataclass_fields__)
        assert isinstance(voice.speed, float)


@given(st.integers())
def test_a_whole_number_is_a_number(number):
    assert value_of(float, number, WHERE) == float(number)
