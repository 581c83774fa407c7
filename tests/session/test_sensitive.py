"""What a caller says or presses where something secret is asked for reaches no file."""

import asyncio

import numpy as np
from pytest import fixture, mark

from agent.core.protocols import Expectation, Role
from agent.metrics import call_figures
from agent.replay import replay
from agent.trace import read_trace
from floorbench.call.report import write_report
from pipelines.cascade.tools import pretend_bank
from tests.support.lines import QUICK, Press, Say, Scene, hold, keys, responder_of
from tests.support.recordings import RATE, write_wav

ACCOUNT, PIN = "4711", "1234"
SPOKEN_PIN = "one two three four"


def bank(tmp_path, *press, say=(), end_s=40.0):
    """A call to the bank; what came of it, and the whole of its trace file."""
    scene = Scene(end_s, say=say, press=tuple(press), synthesizer=QUICK)
    path = tmp_path / "trace.jsonl"
    acted = hold(scene, responder_of("ivr_bank.toml"), path=path)
    return acted, path


@fixture
def typed(tmp_path):
    return bank(tmp_path, *keys(6, "1"), *keys(10, ACCOUNT + "#"), *keys(16, PIN), *keys(24, "1"))


@fixture
def spoken(tmp_path):
    say = (Say(6, "my account"), Say(11, "four seven one one"), Say(18, SPOKEN_PIN),
           Say(28, "what is my balance"))  # fmt: skip
    return bank(tmp_path, say=say)


def heard(acted):
    return " ".join(text for text, _ in acted.heard())


@mark.parametrize("call", ["typed", "spoken"])
def test_the_caller_gets_through(call, request):
    acted, _ = request.getfixturevalue(call)
    assert "Would you like your balance" in heard(acted)
    assert "You have one thousand two hundred and fifty dollars" in heard(acted)


def test_keys_of_a_secret_are_nowhere_in_the_trace(typed):
    _, path = typed
    lines = read_trace(path)
    sensitive = [n for n, line in enumerate(lines) if line["event"] == "sensitive"]
    first, last = sensitive[0], sensitive[-1]
    pressed = [line["digit"] for line in lines[first:last] if line.get("what") == "Digit"]
    assert pressed == ["•••"] * 9
    prepared = [line["text"] for line in lines[first:last] if line.get("what") == "PrepareReply"]
    assert prepared
    assert set(" ".join(prepared).split()) == {"•••"}
    tool = next(line for line in lines if line.get("name") == "check_identity")
    assert tool["arguments"]["pin"] == "•••"
    assert PIN not in path.read_text("utf-8")
    assert [line["digit"] for line in lines if line.get("what") == "Digit"][-1] == "1"


def test_words_of_a_secret_are_nowhere_in_the_trace(spoken):
    _, path = spoken
    text = path.read_text("utf-8")
    assert SPOKEN_PIN not in text
    assert "two three" not in text
    assert '"two"' not in text
    assert "what is my balance" in text


def test_the_far_side_sees_no_secret_in_its_captions(spoken):
    acted, _ = spoken
    shown = [note.data["text"] for note in acted.call.told
             if note.kind == "caption" and note.data["who"] == "caller"]  # fmt: skip
    assert "my account" in shown
    assert "••• ••• ••• •••" in shown
    assert not any("three" in text for text in shown)


def test_a_recording_is_told_when_to_pause_and_when_to_go_on(typed):
    acted, _ = typed
    notes = [note.data["on"] for note in acted.call.told if note.kind == "sensitive"]
    assert notes == [True, False]
    on, off = (float(line["t"]) for line in acted.trace.named("sensitive"))
    assert on < 10
    assert 17 < off < 20  # when the next question begins to sound


@mark.parametrize("call", ["typed", "spoken"])
def test_such_a_trace_can_be_replayed_without_a_difference(call, request):
    _, path = request.getfixturevalue(call)
    found = replay(read_trace(path))
    assert found.steps > 40
    assert found.differences == ()


@mark.parametrize("call", ["typed", "spoken"])
def test_such_a_trace_gives_its_figures(call, request):
    _, path = request.getfixturevalue(call)
    figures = call_figures(read_trace(path))
    shown = repr(figures)
    assert PIN not in shown
    assert "two three" not in shown


def test_a_secret_over_the_question_is_hidden_too(tmp_path):
    _, path = bank(tmp_path, *keys(6, "1"), *keys(10, ACCOUNT + "#"),
                   say=(Say(13.0, SPOKEN_PIN),), end_s=30.0)  # fmt: skip
    assert "three" not in path.read_text("utf-8")


def test_late_words_of_a_secret_stay_hidden_when_the_next_question_is_out(tmp_path):
    scene = Scene(40.0, say=(Say(18, SPOKEN_PIN),), synthesizer=QUICK, final_delay_s=3.0,
                  press=(*keys(6, "1"), *keys(10, ACCOUNT + "#")))  # fmt: skip
    path = tmp_path / "trace.jsonl"
    hold(scene, responder_of("ivr_bank.toml"), path=path)
    assert "three" not in path.read_text("utf-8")


def test_what_is_said_after_the_secret_is_shown_again(tmp_path):
    acted, path = bank(tmp_path, Press(6, "1"), *keys(10, ACCOUNT + "#"), *keys(16, "5921"),
                       say=(Say(24, "start over"), Say(30, "what is my balance")))  # fmt: skip
    assert "That does not match." in heard(acted)
    notes = [note.data["on"] for note in acted.call.told if note.kind == "sensitive"]
    assert notes == [True, False, True]  # over: the desk; then the account again
    text = path.read_text("utf-8")
    assert "what is my balance" in text
    assert "5921" not in text


@mark.parametrize("call", ["typed", "spoken"])
def test_the_report_of_such_a_call_shows_none_of_it(call, request):
    acted, path = request.getfixturevalue(call)
    length_s = float(acted.trace.lines[-1]["t"])
    silence = np.zeros(round(length_s * RATE), np.float32)
    write_wav(path.parent / "call.wav", [silence, silence])
    write_report(path.parent)
    for name in ("report.html", "results.json"):
        shown = (path.parent / name).read_text("utf-8")
        assert "two three" not in shown
        assert "4 7 1" not in shown
        assert "1 2 3" not in shown
    assert "You have one thousand two hundred" in (path.parent / "report.html").read_text("utf-8")


class Clerk:
    """Asks for a secret, takes a second to think about it, and then asks how to help."""

    def __init__(self):
        self.given = []

    async def reply(self, messages, tools):
        self.given.append(tuple(messages))
        if messages[-1].role is not Role.EVENT:
            await asyncio.sleep(1.0)
        yield "What is your PIN?" if messages[-1].role is Role.EVENT else "How can I help?"

    def expects(self, messages):
        return Expectation(sensitive=not any(m.role is Role.CALLER for m in messages))


def test_a_secret_that_is_answered_with_later_words_stays_private(tmp_path):
    clerk, path = Clerk(), tmp_path / "trace.jsonl"
    say = (Say(5.6, "hello"), Say(12, "my balance"))
    hold(Scene(20.0, say=say, press=keys(4, "1234#"), synthesizer=QUICK), clerk, path=path)
    said = {m.text: m.private for given in clerk.given for m in given if m.role is Role.CALLER}
    assert said["1 2 3 4 # hello"] is True
    assert said["my balance"] is False
    prepared = [line["text"] for line in read_trace(path) if line.get("what") == "PrepareReply"]
    assert "••• ••• ••• ••• ••• •••" in prepared
    assert prepared[-1] == "my balance"
    assert "1 2 3" not in path.read_text("utf-8")


def test_the_bank_checks_a_pin_once_and_passes_it_on_to_nobody(tmp_path, monkeypatch):
    checked = []

    async def check_identity(account: str, pin: str) -> bool:
        """Takes its time."""
        checked.append(pin)
        await asyncio.sleep(2.0)
        return True

    monkeypatch.setattr(pretend_bank, "check_identity", check_identity)
    say = (Say(18.2, "hello are you there"), Say(26, "i want to speak to somebody"))
    acted, path = bank(tmp_path, *keys(6, "1"), *keys(10, ACCOUNT + "#"), *keys(16, PIN), say=say)
    transfer = next(x for x in acted.trace.named("tool") if x["name"] == "transfer")
    assert checked == [PIN]
    assert transfer["arguments"]["summary"].endswith("i want to speak to somebody")
    assert "1 2 3" not in path.read_text("utf-8")
