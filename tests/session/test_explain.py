"""Why did it interrupt me? Each decision of a call in words."""

from agent.core.turns import TurnConfig
from agent.explain import explain
from agent.scenario import Say, Scene, act
from agent.virtual_loop import run_virtual
from pipelines.engines.scripted import ScriptedResponderSettings

AGENT = ScriptedResponderSettings(("Hello.", "A long story. " * 8, "All right."))
TURNS = TurnConfig(pause_min_s=0.2, pause_max_s=1.0)


def decisions(*script):
    acted = run_virtual(act(Scene(20.0, say=script, responder=AGENT, turns=TURNS, probability=0.9)))
    return list(explain(acted.trace.lines))


def first(found, what):
    return next(d for d in found if d.what.startswith(what))


def test_a_turn_that_is_taken_says_after_how_much_silence_and_how_sure():
    taken = first(decisions(Say(4, "what are your hours")), "took the turn")
    assert "s without a voice; turn over with 0.90" in taken.why
    assert 'words: "what are your hours"' in taken.why


def test_an_interruption_says_what_was_heard_of_it():
    found = decisions(Say(4, "what are your hours"), Say(8, "stop it please"))
    ducked, held, stopped = (first(found, w) for w in ("turned", "held", "stopped"))
    assert ducked.why == "a voice over it"
    assert ducked.t <= held.t <= stopped.t
    assert 'words: "stop it please"' in stopped.why


def test_what_nobody_heard_says_why_not():
    found = decisions(Say(4, "what are your"), Say(4.9, "hours on monday"))
    assert any("the words changed" in d.why or "went on" in d.why for d in found)


def test_decisions_come_in_order_and_begin_with_the_greeting():
    found = decisions(Say(4, "what are your hours"))
    assert found[0].what == "spoke up (reply 1)"
    assert [d.t for d in found] == sorted(d.t for d in found)
