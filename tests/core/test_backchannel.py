"""Is it a sign of listening, or does the caller want the floor?"""

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from agent.core.backchannel import BACKCHANNELS, STOP_WORDS, Overlap, judge

WORDS = st.lists(
    st.sampled_from([*sorted(BACKCHANNELS)[:6], *sorted(STOP_WORDS)[:6], "monday", "noon", "four"]),
    max_size=6,
).map(" ".join)


@mark.parametrize("text", ["yeah", "uh-huh", "oh okay", "i see", "got it thanks"])
@mark.parametrize("final", [True, False])
def test_a_sign_of_listening_leaves_the_floor(text, final):
    assert judge(text, final=final) is Overlap.BACKCHANNEL


def test_no_words_yet_decide_nothing():
    assert judge("", final=False) is Overlap.UNDECIDED


def test_sound_that_turns_out_to_have_no_words_was_no_interruption():
    assert judge("", final=True) is Overlap.BACKCHANNEL


@mark.parametrize("text", ["stop", "no", "yeah but", "wait"])
def test_one_stop_word_is_enough_while_it_is_not_certain(text):
    assert judge(text, final=False) is Overlap.INTERRUPTION


def test_one_uncertain_word_is_not_enough():
    assert judge("monday", final=False) is Overlap.UNDECIDED
    assert judge("yeah monday", final=False) is Overlap.UNDECIDED


def test_two_uncertain_words_are_enough():
    assert judge("monday noon", final=False) is Overlap.INTERRUPTION
    assert judge("yeah monday okay noon", final=False) is Overlap.INTERRUPTION


def test_one_certain_word_is_enough():
    assert judge("monday", final=True) is Overlap.INTERRUPTION


def test_which_words_are_backchannels_can_be_said():
    assert judge("aye aye", final=True, backchannels={"aye"}) is Overlap.BACKCHANNEL
    assert judge("yeah", final=True, backchannels=()) is Overlap.INTERRUPTION


def test_no_word_is_both_a_backchannel_and_a_stop_word():
    assert not BACKCHANNELS & STOP_WORDS


@given(WORDS)
def test_certain_words_leave_nothing_undecided(text):
    assert judge(text, final=True) is not Overlap.UNDECIDED


@given(WORDS, WORDS)
def test_an_interruption_is_not_taken_back_by_more_words(text, more):
    if judge(text, final=False) is Overlap.INTERRUPTION:
        assert judge(f"{text} {more}", final=False) is Overlap.INTERRUPTION
