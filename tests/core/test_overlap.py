"""Speech over the agent: how far it gives way, by sound and words."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from agent.core.overlap import Overlap, Verdict
from agent.core.turn_config import TurnConfig
from agent.core.words import CallerWords

CONFIG = TurnConfig(
    hold_after_s=0.2,
    hold_above=0.5,
    murmur_below=0.2,
    yield_above=0.5,
    yield_after_s=1.2,
    settle_s=0.2,
    final_wait_s=0.8,
)
BEGUN = Overlap(10.0)
TEXTS = st.sampled_from(["", "yeah", "stop", "monday", "monday at noon", "no no i see"])
SOUNDS = st.floats(0, 1)


def sounding(floor, hush=Verdict.DUCK):
    return replace(BEGUN, floor=floor, hush=hush)


def ended(sound, text, now, *, final, hush=Verdict.HOLD):
    """What follows at `now` for somebody who fell silent at 11."""
    overlap = replace(BEGUN, quiet=11.0, floor=sound, hush=hush)
    return overlap.silent(text, now, final=final, config=CONFIG)


def test_nothing_is_held_before_there_was_time_to_hear():
    assert sounding(1.0).speaking("stop", 10.19, CONFIG) is Verdict.AS_IT_IS


def test_a_sound_that_wants_the_floor_holds_the_reply():
    assert sounding(0.6).speaking("", 10.2, CONFIG) is Verdict.HOLD


def test_a_murmur_does_not():
    assert sounding(0.3).speaking("", 10.2, CONFIG) is Verdict.AS_IT_IS


def test_words_may_decide_against_the_sound():
    assert sounding(0.3).speaking("stop", 10.2, CONFIG) is Verdict.HOLD
    assert sounding(0.7).speaking("yeah", 10.2, CONFIG) is Verdict.AS_IT_IS


def test_words_do_not_say_who_spoke_them():
    somebody = replace(BEGUN, caller=0.6, floor=0.9)
    assert somebody.speaking("stop it now", 10.5, CONFIG) is Verdict.HOLD
    assert replace(somebody, caller=0.49).speaking("stop it now", 10.5, CONFIG) is Verdict.AS_IT_IS


def test_a_held_reply_stays_held_while_it_is_unclear():
    assert sounding(0.3, Verdict.HOLD).speaking("", 10.5, CONFIG) is Verdict.AS_IT_IS


def test_a_held_reply_goes_on_quietly_once_it_was_plainly_a_murmur():
    assert sounding(0.1, Verdict.HOLD).speaking("", 10.5, CONFIG) is Verdict.DUCK


@given(SOUNDS, TEXTS)
def test_who_speaks_long_enough_has_the_floor_whatever_it_is(sound, text):
    assert sounding(sound).speaking(text, 11.2, CONFIG) is Verdict.YIELD


@given(SOUNDS)
def test_guesses_end_no_reply(sound):
    assert sounding(sound).speaking("stop it now", 11.1, CONFIG) is not Verdict.YIELD
    assert ended(sound, "stop it now", 11.5, final=False) is not Verdict.YIELD


def test_certain_words_decide_once_the_caller_is_silent():
    assert ended(0.5, "saturday please", 11.2, final=True) is Verdict.YIELD
    assert ended(0.5, "yeah", 11.0, final=True) is Verdict.RESUME


def test_an_interruption_is_obeyed_for_good_only_when_nothing_follows_it():
    assert ended(0.5, "wait", 11.1, final=True) is Verdict.AS_IT_IS
    assert ended(0.5, "wait", 11.2, final=True) is Verdict.YIELD


def test_until_then_it_is_held():
    assert ended(0.5, "wait", 11.0, final=True, hush=Verdict.DUCK) is Verdict.HOLD


def test_a_murmur_misheard_as_a_word_is_still_a_murmur():
    assert ended(0.05, "him", 11.2, final=True) is Verdict.RESUME


def test_a_plain_murmur_is_not_kept_waiting_for_its_words():
    assert ended(0.1, "", 11.0, final=False) is Verdict.RESUME
    assert ended(0.6, "", 11.0, final=False) is Verdict.AS_IT_IS


def test_words_that_do_not_come_are_not_waited_for_for_ever():
    assert ended(0.6, "", 11.7, final=False) is Verdict.AS_IT_IS
    assert ended(0.6, "", 11.8, final=False) is Verdict.RESUME


@given(SOUNDS, SOUNDS, TEXTS, st.booleans())
def test_a_surer_sound_never_wants_the_floor_less(one, other, text, final):
    low, high = sorted((one, other))
    wishes = [sounding(s).wish(text, final=final, config=CONFIG) for s in (low, high)]
    assert 0 < wishes[0] <= wishes[1] < 1


@mark.parametrize("now, then", [(10.0, 10.2), (10.2, 11.2), (10.7, 11.2), (12.0, 12.0)])
def test_it_is_looked_at_again_when_time_alone_may_change_it(now, then):
    words = CallerWords()
    words.start(1)
    assert BEGUN.look(words, now, CONFIG)[1] == then


@mark.parametrize("now, then", [(11.0, 11.2), (11.2, 11.8), (12.0, 12.0)])
def test_so_it_is_when_the_caller_has_fallen_silent(now, then):
    assert replace(BEGUN, quiet=11.0).look(CallerWords(), now, CONFIG)[1] == then
