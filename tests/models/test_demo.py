"""The demo's conversation through the real engines, in virtual time: what a person will hear."""

import json

import pytest

from agent.cli import main
from agent.replay import replay
from agent.trace import read_trace
from tests.support.tools import package

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    package("pocketsphinx")
    package("espeakng_loader")
    folder = tmp_path_factory.mktemp("demo")
    assert main(["demo", "--fast", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def results(demo):
    return json.loads((demo / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def trace(demo):
    return read_trace(demo / "trace.jsonl")


def test_the_conversation_has_at_least_six_turns_and_all_are_answered(results):
    heard = [turn for turn in results["turns"] if turn["outcome"] == "heard"]
    assert len(heard) >= 6
    assert results["summary"]["unanswered"] == 0


def test_no_reply_cuts_the_caller_off(results):
    assert results["summary"]["premature"] == 0


def test_the_pause_inside_a_sentence_is_waited_through(results):
    assert "i'd like a table for four people on friday" in [t["words"] for t in results["turns"]]


def test_the_table_is_booked_as_it_was_corrected(trace):
    (booked,) = [x for x in trace if x["event"] == "tool" and x["name"] == "book_table"]
    assert booked["arguments"] == {"people": 5, "day": "friday", "time": "19:30"}


def test_the_backchannel_is_ignored_and_the_interruption_is_obeyed(trace, results):
    asked = [line["what"] for line in trace if line["event"] == "asked"]
    assert asked.count("ResumeReply") == 1
    (cut,) = [line for line in trace if line["event"] == "heard" and line["cut"] and line["text"]]
    assert cut["text"].startswith("We are at twelve Mill Street")
    assert (results["summary"]["kept_talking"], results["summary"]["yielded"]) == (1, 1)


def test_the_agent_says_goodbye_before_it_hangs_up(trace):
    heard = [line for line in trace if line["event"] == "heard"]
    assert heard[-1]["text"] == "Thank you for calling. Goodbye!"
    assert not heard[-1]["cut"]
    assert trace[-1] == trace[-1] | {"event": "end", "reason": "hung up"}


def test_the_call_replays_to_the_same_decisions(trace):
    assert replay(trace).differences == ()
