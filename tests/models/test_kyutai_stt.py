"""Kyutai's recogniser through moshi's own loaders and steps, with random numbers made here."""

import json
import re

from pytest import fixture, mark

from tests.support.duplex_workers import checked, run_script, write_tiny_moshi

pytestmark = [mark.models, mark.peers]


@fixture(scope="module")
def tiny(tmp_path_factory):
    return write_tiny_moshi(tmp_path_factory.mktemp("stt"), "stt")


@fixture(scope="module")
def found(tiny):
    return json.loads(run_script("kyutai_checks.py", tiny))


def test_it_keeps_to_what_every_recogniser_keeps_to(found):
    contract = found["contract"]
    assert contract["words"] > 3
    assert contract["pieces"] == [True] * 4
    for promise in ("whole", "stable grows", "final", "segments", "causal", "apart"):
        assert contract[promise] is True, promise
    assert contract["other sound, other words"] is True


def test_words_have_the_times_at_which_they_were_said(found):
    assert found["contract"]["times"] is True


def test_a_segment_that_is_dropped_gives_its_slot_back_and_one_too_many_is_told(found):
    assert found["cancelled"]["slots"] == 4
    assert "all 4 taken" in found["cancelled"]["full"]
    assert found["cancelled"]["same after"] is True


def test_the_pause_head_has_an_opinion_that_depends_on_the_last_seconds_only(found):
    pauses = found["pauses"]
    assert pauses["within"] is True
    assert pauses["same"] is True
    assert pauses["other"] is True
    assert "expected sound at 16000 Hz, found 8000" in pauses["wrong rate"]


def test_tokens_and_opinions_are_those_of_moshis_own_steps(found):
    assert found["reference"]["same"] is True
    assert found["reference"]["tokens"] > 5


def test_a_cascade_holds_a_call_with_it_and_asks_its_pause_head(found):
    call = found["call"]
    assert call["understood"] == [True]
    assert call["opinions"] > 3
    assert call["by the head"] is True
    assert call["errors"] == []
    assert call["replies"] == 2  # the greeting, and the answer


def test_a_duplex_model_does_not_run_it_and_says_what_it_wants(tiny, tmp_path):
    (tmp_path / "stt").symlink_to(tiny)
    said = checked(tmp_path, "refusals")["refusals"]["stt"]
    assert re.search(r"model_type: expected one of moshi, hibiki, found stt", said)
