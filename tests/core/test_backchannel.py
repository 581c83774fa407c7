"""Words over the agent: how much they say for wanting the floor."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from agent.core.backchannel import AGREEMENTS, BACKCHANNELS, SMALL_WORDS, STOP_WORDS, wants_floor

WORDS = st.lists(
    st.sampled_from([*sorted(BACKCHANNELS)[:6], *sorted(STOP_WORDS)[:6], "monday", "noon", "four"]),
    max_size=6,
).map(" ".join)


@mark.parametrize("text", ["yeah", "uh-huh", "oh okay", "i see", "got it thanks"])
def test_a_sign_of_listening_speaks_against_it_and_more_so_when_it_is_certain(text):
    assert wants_floor(text, final=True) < wants_floor(text, final=False) < 0


@mark.parametrize("text", ["no no i see", "yeah no problem", "oh no", "right of course"])
def test_an_agreement_with_a_no_in_it_is_a_sign_of_listening(text):
    assert wants_floor(text, final=True) < -2


@mark.parametrize(
    "text", ["oh wait that's great", "no no that's fine", "sounds good", "yeah that's true"]
)
def test_an_assessment_of_what_was_said_is_a_sign_of_listening(text):
    assert wants_floor(text, final=True) < -2


def test_one_misheard_word_does_not_undo_it():
    assert -2 < wants_floor("the lake that's great", final=True) < 0


@mark.parametrize("text", ["that's great but stop", "no that's wrong", "my son wants that's great"])
def test_an_assessment_with_more_than_little_words_about_it_is_not(text):
    assert wants_floor(text, final=True) >= 1


@mark.parametrize("text", ["huh", "aha", "er", "please", "thank you"])
def test_a_hesitation_or_politeness_alone_wants_nothing(text):
    assert wants_floor(text, final=True) < -2


def test_no_words_yet_say_nothing():
    assert wants_floor("", final=False) == 0


def test_sound_that_turns_out_to_have_no_words_speaks_against_it():
    assert wants_floor("", final=True) < 0


@mark.parametrize("text", ["and and", "but i'm", "yeah how", "him"])
def test_small_words_are_what_a_murmur_is_taken_for_and_leave_it_to_the_sound(text):
    assert wants_floor(text, final=True) == wants_floor(text, final=False) == 0


@mark.parametrize("text", ["stop", "no", "yeah stop", "wait", "no no"])
def test_a_stop_word_speaks_for_it_and_more_so_when_it_is_certain(text):
    assert wants_floor(text, final=True) > wants_floor(text, final=False) > 0


def test_more_words_say_more():
    for final in (True, False):
        one, two = (wants_floor(text, final=final) for text in ("monday", "monday noon"))
        assert 0 < one < two


def test_which_words_are_backchannels_can_be_said():
    assert wants_floor("aye aye", final=True, backchannels={"aye"}) < 0
    assert wants_floor("yeah", final=True, backchannels=()) > 0


def test_no_word_is_of_two_kinds():
    assert not BACKCHANNELS & STOP_WORDS
    assert {"i", "it"} >= SMALL_WORDS & (BACKCHANNELS | STOP_WORDS)


def test_an_agreement_is_more_than_signs_of_listening():
    assert [words for words in AGREEMENTS if set(words) <= BACKCHANNELS] == []


@given(WORDS, WORDS)
def test_words_in_front_of_a_stop_word_do_not_hide_it(before, after):
    assert wants_floor(f"{before} stop {after}", final=True) >= 4
