"""What other settings would have done: by hand, and against calls that were really decided so."""

import json

from pytest import approx, mark, raises

from agent.core.errors import ConfigError, ParleyError
from agent.core.turns import TurnConfig
from agent.scenario import Press, Say, Scene, act
from agent.virtual_loop import run_virtual
from floorbench.pauses import decided, pauses
from floorbench.sweep import Curve, Point, setting_of, sweep, to_json, to_text
from pipelines.engines.scripted import ScriptedResponderSettings
from tests.support.recordings import answered, asked, in_order, line, spoken, told

AGENT = ScriptedResponderSettings(
    replies=("Hello.", "We are open from nine to five, and on saturdays from ten to four.", "Yes.")
)
TURNS = {"pause_min_s": 0.1, "pause_max_s": 1.1, "prior": 0.5}

# "a table" until 2.0 s, "for four" from 2.6 to 3.5 s, and an answer. The detector is told 0.1 s
# after a start and 0.2 s after an end, the last words 0.1 s later. The reply takes 0.2 s to make.
CALL = in_order(
    [line(0.0, "call", version=1, turns=TURNS)],
    spoken(1, 1.0, 2.0, "a table"),
    spoken(2, 2.6, 3.5, "for four"),
    answered(1, "a table for four", 4.3, 4.35, 6.0, "Yes."),
    [line(7.0, "end", reason="hung_up")],
)


def write(folder, *calls):
    for number, lines in enumerate(calls):
        path = folder / f"call-{number}" / "trace.jsonl"
        path.parent.mkdir()
        path.write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    return [folder]


def scene(*say, end_s=20.0, **rest):
    return run_virtual(act(Scene(end_s, say=say, responder=AGENT, **rest))).trace.lines


# --- by hand ------------------------------------------------------------------------------------


def test_a_call_worked_by_hand(tmp_path):
    # Without a prediction the machine waits the middle of both pauses after SpeechEnded:
    # (0.1 + 0.3) / 2 = 0.2 s and so on. In the first pause, 2.2 to 2.7 s, it takes the turn at 2.4,
    # 2.6 and, with 0.5 s and 0.8 s, not before the caller goes on. In the second, from 3.7 s, it
    # decides at 3.9, 4.1, 4.2 and 4.5; the reply, ordered at 3.8, could sound at 4.0; all 0.05 s
    # later through the door, and counted from the last sound at 3.5.
    points = sweep(write(tmp_path, CALL), "turns.pause_max_s=0.3..1.5:13").points
    of = {point.value: point for point in points}
    assert [of[v].premature for v in (0.3, 0.7, 0.9, 1.5)] == [1, 1, 0, 0]
    assert [of[v].gap_s for v in (0.3, 0.7, 0.9, 1.5)] == approx([0.55, 0.65, 0.75, 1.05])
    assert {(p.holds, p.ends, p.missed) for p in points} == {(1, 1, 0)}
    assert (of[0.3].turns_cut, of[1.5].turns_cut) == (1, 0)


def test_a_prediction_shortens_its_own_pause_only(tmp_path):
    sure = told(2.25, "TurnEndPredicted", segment=1, probability=1.0)
    (point,) = sweep(write(tmp_path, in_order(CALL, [sure])), "turns.pause_max_s=1.5").points
    assert point.premature == 1  # 0.1 s after 2.2 s, where the words are final
    assert point.gap_s == approx(1.05)


def test_words_that_are_late_are_waited_for_as_long_as_is_set(tmp_path):
    last = {"what": "Transcript", "segment": 2}
    lines = [e for e in CALL if e.get("what") not in ("PrepareReply", "ReleaseReply")]
    lines = [{**e, "t": 4.6} if e.items() >= last.items() else e for e in lines]
    lines = [{**e, "t": 4.9} if e.get("what") == "ReplyAudible" else e for e in lines]
    of = sweep(write(tmp_path, in_order(lines)), "turns.final_wait_s=0.1..1.2:2").points
    # Decided at 3.7 + 0.6 s: then 0.1 s of patience with "a table" alone, or until they come.
    assert [p.gap_s for p in of] == approx([4.4 - 3.5, 4.6 - 3.5])


@mark.parametrize(("after_s", "holds"), [(0.19, 2), (0.21, 1)])
def test_who_goes_on_before_they_can_have_heard_the_agent_had_not_finished(
    tmp_path, after_s, holds
):
    more = told(4.35 + after_s, "SpeechStarted", segment=3)
    (point,) = sweep(write(tmp_path, in_order(CALL, [more])), "turns.pause_max_s=1.1").points
    assert (point.holds, point.ends) == (holds, 2 - holds)
    assert point.premature == holds - 1  # it was cut in the recording, and is with its settings


def test_what_is_no_pause_of_the_callers_is_left_out():
    greeted = [asked(0.1, "Prompt", 1, reason="greeting"), told(0.2, "ReplyAudible", reply=1)]
    over_agent = spoken(1, 0.5, 0.9, "mm-hm")
    done = [told(2.0, "ReplyDone", reply=1)]
    noise = [told(3.0, "SpeechStarted", segment=2), told(3.3, "SpeechEnded", segment=2)]
    prompt = [asked(9.0, "Prompt", 2, reason="silence"), told(9.1, "ReplyAudible", reply=2)]
    over = [told(10.0, "ReplyDone", reply=2)]
    keys = [*spoken(3, 11.0, 12.0, "one"), told(12.4, "Digit", digit="1")]
    unended = spoken(4, 15.0, 16.0, "and then")
    assert pauses(in_order(greeted, over_agent, done, noise, prompt, over, keys, unended)) == []


def test_words_spoken_over_the_agent_are_no_part_of_the_next_turn():
    greeted = [told(0.2, "ReplyAudible", reply=9)]
    lines = in_order(
        greeted, spoken(7, 0.5, 0.7, "uh-huh"), [told(1.1, "ReplyDone", reply=9)], CALL
    )
    late = told(1.15, "Transcript", segment=7, stable="uh-huh", unstable="", final=True)
    found = pauses(in_order(lines, [late]))
    assert [pause.gone_on_s for pause in found] == [2.7, None]
    assert {t.event.segment for pause in found for t in (*pause.before, *pause.after)} == {1, 2}


def test_an_end_that_other_settings_never_answer_is_missed():
    (_, end) = pauses(CALL)
    wordless = [t for t in end.before if "Speech" in type(t.event).__name__]
    silent = type(end)(1, tuple(wordless), (), end.quiet_s, None)
    assert decided(silent, TurnConfig()) is None


# --- calls that were decided --------------------------------------------------------------------

TABLE = "i want a table for"

# Which of the replies that were released are the ends of pauses; what is said; and how.
SCENES = {
    "one turn": ((0,), (Say(4, "what are your hours"),), {}),
    "a pause": ((0,), (Say(4, TABLE), Say(6, "four people")), {"probability": 0.1}),
    "late words": ((0,), (Say(4, "what are your hours please"),), {"final_delay_s": 1.5}),
    "two turns": ((0, 1), (Say(4, "what are your hours"), Say(12, "thank you very much")), {}),
    "sure": ((0,), (Say(4, "what are your hours"),), {"probability": 1.0}),
    "an interruption": (
        (0, 1, 2),
        (Say(4, "hours"), Say(6, "stop it right now please it is enough"), Say(10, "now")),
        {},
    ),
}


@mark.parametrize("name", SCENES)
def test_with_its_own_settings_each_turn_is_taken_when_it_was(name):
    counted, say, rest = SCENES[name]
    lines = scene(*say, end_s=16, **rest)
    ends = [pause for pause in pauses(lines) if pause.gone_on_s is None]
    decisions = [decided(pause, TurnConfig()) for pause in ends]
    released = [e["t"] for e in lines if e.get("what") == "ReleaseReply"]
    audible = [e["t"] for e in lines if e.get("what") == "ReplyAudible"]
    assert [d.released_s for d in decisions] == approx([released[n] for n in counted])
    heard = [d.audible_s(pause) for d, pause in zip(decisions, ends, strict=True)]
    assert heard == approx([audible[n + 1] for n in counted])  # the greeting was first


def test_other_settings_tried_in_the_sweep_do_what_they_do_in_a_call(tmp_path):
    say = (Say(4, TABLE), Say(6, "four people"))
    curve = sweep(write(tmp_path, scene(*say, probability=0.3)), "turns.pause_max_s=0.6..2.0:8")
    for point in curve.points:
        lines = scene(*say, probability=0.3, turns=TurnConfig(pause_max_s=point.value))
        (end,) = [pause for pause in pauses(lines) if pause.gone_on_s is None]
        audible = [e["t"] for e in lines if e.get("what") == "ReplyAudible"]
        # Sound leaves in frames of 20 ms, which the sweep does not know of.
        assert point.gap_s == approx(next(t for t in audible if t > 6.7) - end.quiet_s, abs=0.021)


def test_a_cut_in_a_call_is_premature_in_its_trace():
    more = "and four people i said and one more child"
    lines = scene(Say(4, "a table for"), Say(5.45, more), probability=1.0)
    hold, end = pauses(lines)
    assert (hold.gone_on_s, end.gone_on_s) == (approx(5.5, abs=0.02), None)
    assert decided(hold, TurnConfig()).released_s < hold.gone_on_s


def test_more_patience_never_cuts_in_more_nor_answers_sooner(tmp_path):
    calls = [
        scene(
            Say(4, "i want a table for"), Say(5.5 + gap, "four people"), probability=0.4, end_s=15
        )
        for gap in (0.3, 0.4, 0.5, 0.6, 0.8)
    ]
    points = sweep(write(tmp_path, *calls), "turns.pause_max_s=0.2..2.4:12").points
    rates, gaps = [p.premature for p in points], [p.gap_s for p in points]
    assert rates == sorted(rates, reverse=True)
    assert gaps == sorted(gaps)
    assert (rates[0], rates[-1]) == (5, 0)


def test_keys_and_noise_in_a_call_make_no_pauses():
    lines = run_virtual(act(Scene(12.0, press=(Press(4, "1"),), responder=AGENT))).trace.lines
    assert pauses(lines) == []
    assert pauses(scene(Say(4, ""), end_s=8.0)) == []


# --- what is asked and answered -----------------------------------------------------------------


@mark.parametrize(
    ("spec", "name", "values"),
    [
        ("turns.pause_max_s=0.2..1.2:3", "pause_max_s", (0.2, 0.7, 1.2)),
        ("turns.pause_min_s=0.4", "pause_min_s", (0.4,)),
        ("turns.prior=1..0:2", "prior", (1.0, 0.0)),
        ("turns.speculations_max=0..2:9", "speculations_max", (0, 1, 2)),
    ],
)
def test_a_setting_and_its_values(spec, name, values):
    assert (setting_of(spec).name, setting_of(spec).values) == (name, values)


def test_a_range_has_nine_values_where_nobody_says_how_many():
    values = setting_of("turns.pause_max_s=0.4..2.0").values
    assert values == approx([0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0])


@mark.parametrize(
    ("spec", "sentence"),
    [
        (
            "turns.pause_s=0.2..1.2",
            r"found turns.pause_s; did you mean turns.pause_\w+_s\? Allowed",
        ),
        ("listener.end_s=0.1", "expected a number of the turns, found listener.end_s"),
        ("turns.backchannels=0..1", "found turns.backchannels"),
        ("turns.pause_max_s", "expected FROM..TO"),
        ("turns.pause_max_s=a..b", "found 'a..b'"),
        ("turns.pause_max_s=0..inf", "found '0..inf'"),
        ("turns.pause_max_s=0..1:0", "found '0..1:0'"),
        ("turns.pause_max_s=0..1:9999", "at most 1000 values"),
        ("", "expected a number of the turns"),
    ],
)
def test_a_setting_that_is_none_is_a_sentence(spec, sentence):
    with raises(ConfigError, match=sentence):
        setting_of(spec)


def test_values_that_contradict_the_call_are_a_sentence(tmp_path):
    with raises(ConfigError, match=r"--set turns.pause_max_s=0: pause_min_s: expected at most"):
        sweep(write(tmp_path, CALL), "turns.pause_max_s=0..1:2")


@mark.parametrize(
    ("lines", "sentence"),
    [
        ([line(0, "end")], "begins with a call line"),
        ([line(0, "call", turns={"patience": 1})], "unknown key patience"),
        ([line(0, "call")], "found none in 1 traces"),
        ([line(0, "call"), told(1, "Yawned")], r"1\.000 s: expected one of .* written by another"),
    ],
)
def test_a_trace_that_is_none_is_a_sentence(tmp_path, lines, sentence):
    with raises(ConfigError, match=sentence):
        sweep(write(tmp_path, lines), "turns.pause_max_s=1")


def test_files_that_are_not_there_or_no_json_are_sentences(tmp_path):
    with raises(ConfigError, match=r"nothing: expected a trace or a folder"):
        sweep([tmp_path / "nothing"], "turns.pause_max_s=1")
    garbage = tmp_path / "trace.jsonl"
    garbage.write_text("garbage\n{}\n")
    with raises(ParleyError, match="line 1: expected a JSON object"):
        sweep([garbage], "turns.pause_max_s=1")


def point(value, gap_s, premature, holds=20):
    return Point(value, holds, premature, premature, 1, () if gap_s is None else (gap_s,))


def test_matched_points_are_the_best_of_the_values_within_a_limit():
    points = (point(1, 0.25, 8), point(2, 0.5, 3), point(3, 0.9, 1), point(4, 1.2, 0))
    best = Curve("turns.x", 1, 1, points).matched()
    assert (best.gap_s, best.premature_300ms, best.premature_600ms) == (0.9, 0.4, 0.15)


def test_a_value_with_nothing_to_cut_or_nothing_answered_is_no_matched_point():
    points = (point(1, 0.2, 0, holds=0), point(2, None, 0))
    best = Curve("turns.x", 1, 1, points).matched()
    assert (best.gap_s, best.premature_300ms, best.frontier) == (None, None, ())


def test_the_curve_as_json_and_as_a_table(tmp_path):
    curve = sweep(write(tmp_path, CALL, CALL), "turns.pause_max_s=0.3..1.5:2")
    data = json.loads(json.dumps(to_json(curve)))
    assert (data["schema"], data["setting"]) == ("parley.sweep/1", "turns.pause_max_s")
    assert (data["traces"], data["turns"], data["gap_at_5_percent_s"]) == (2, 2, 1.05)
    assert data["premature_at_300_ms"] is None
    assert data["premature_at_600_ms"] == 1.0
    assert data["frontier"] == [0.3, 1.5]
    assert data["points"][0] == {
        "value": 0.3, "gap_s": 0.55, "p50_s": 0.55, "p95_s": 0.55, "ends": 2, "missed": 0,
        "holds": 2, "premature": 2, "premature_rate": 1.0, "turns_cut": 2,
    }  # fmt: skip
    rows = to_text(curve).splitlines()
    assert rows[0].startswith("2 turns of 2 calls: 2 ends, 2 pauses inside turns")
    assert "2 of 2, 100.0 %" in rows[2]
    assert rows[3].split()[:4] == ["1.5", "1050", "1050", "1050"]
    assert rows[-1].startswith("gap at 5 % premature: 1050 ms; premature at 300 ms: –")
