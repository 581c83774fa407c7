"""Kyutai's voice through moshi's own loaders, machine and steps, with random numbers made here."""

import json

from pytest import approx, fixture, mark

from tests.support.duplex_workers import run_script, write_tiny_moshi

pytestmark = [mark.models, mark.peers]


@fixture(scope="module")
def found(tmp_path_factory):
    tiny = write_tiny_moshi(tmp_path_factory.mktemp("tts"), "tts")
    return json.loads(run_script("kyutai_voice_checks.py", tiny))


def test_it_says_what_moshis_own_generate_says_to_the_bit(found):
    assert found["as moshi"] == [True, True, True]
    assert min(found["seconds"]) > 1
    assert min(found["loud"]) > 0.1


def test_words_lie_where_moshis_machine_handed_them_in(found):
    assert found["words as moshi"] is True
    assert found["colons and brackets"] == 5


def test_a_text_is_the_same_sound_in_every_row_and_whoever_else_speaks(found):
    assert found["whichever row"] == [True, True, True]
    assert found["among others"] == [True, True, True]


def test_another_voice_sounds_otherwise(found):
    assert found["other voice"] is False


def test_more_replies_than_slots_are_all_spoken_each_as_it_would_be_alone(found):
    assert [text.split()[-3:] for text in found["texts"]] == [
        [str(n), "of", "five."] for n in range(5)
    ]
    assert found["alike"] is True
    assert found["after one that was left"] == "seven eight nine"


def test_sound_comes_frame_by_frame_and_each_word_with_its_own(found):
    assert found["pieces"] == approx(0.08)
    assert found["in order"] is True
    assert found["words spread"] == 6


def test_a_cascade_speaks_a_call_with_it(found):
    assert found["call"] == {"heard": ["Good day.", "Sorry, that went wrong."], "errors": []}


def test_what_does_not_fit_is_a_sentence(found):
    refusals = found["refusals"]
    assert "voice: expected a .safetensors file, found no path" in refusals["no voice"]
    assert "found nothing at /nowhere.safetensors" in refusals["no file"]
    assert "voice: expected a .safetensors file" in refusals["no wav"]
    assert "n_q=17" in refusals["too many codebooks"]
