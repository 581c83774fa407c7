"""What one trace says: hand-worked, line by line."""

import json

import pytest

from agent.core.errors import ParleyError
from agent.metrics import BargeIn, FloorSpan, Reply, Verdict, Waterfall, call_figures
from agent.trace import read_trace


def told(t, what, **fields):
    return {"t": t, "event": "told", "what": what, **fields}


def asked(t, what, reply, **fields):
    return {"t": t, "event": "asked", "what": what, "reply": reply, **fields}


def line(t, event, **fields):
    return {"t": t, "event": event, **fields}


def one_turn():
    """The caller stops at 2.0 s, the reply is begun at 2.2 s and audible at 2.7 s."""
    return [
        line(0.0, "call", version=1, call="c1", agent="restaurant"),
        told(1.1, "SpeechStarted", segment=1),
        told(2.15, "SpeechEnded", segment=1),
        line(2.15, "speech", segment=1, start_s=1.0, end_s=2.0),
        asked(2.2, "PrepareReply", 1, text="two please"),
        line(2.3, "first_token", reply=1),
        told(2.4, "Transcript", segment=1, stable="two please", unstable="", final=True),
        line(2.5, "first_audio", reply=1),
        line(2.45, "said", reply=1, text="For two."),
        asked(2.6, "ReleaseReply", 1),
        told(2.7, "ReplyAudible", reply=1),
        told(4.0, "ReplyDone", reply=1),
        line(4.1, "heard", reply=1, text="For two.", cut=False),
        line(4.2, "end", reason="hung up"),
    ]


def without(lines, *events):
    return [e for e in lines if e["event"] not in events and e.get("what") not in events]


def test_every_stamp_counts_from_the_last_sound_of_the_caller():
    (turn,) = call_figures(one_turn()).turns
    assert turn.ended_s == 2.0
    assert turn.waterfall == Waterfall(
        speech_ended_s=pytest.approx(0.15),
        prepared_s=pytest.approx(0.2),
        final_s=pytest.approx(0.4),
        decided_s=pytest.approx(0.6),
        first_token_s=pytest.approx(0.3),
        first_audio_s=pytest.approx(0.5),
        audible_s=pytest.approx(0.7),
    )


def test_a_turn_has_the_words_of_both_sides_and_how_early_the_reply_was_begun():
    (turn,) = call_figures(one_turn()).turns
    assert (turn.reply, turn.segment, turn.words, turn.heard, turn.cut) == (
        1, 1, "two please", "For two.", False,
    )  # fmt: skip
    assert turn.ahead_s == pytest.approx(0.4)
    assert turn.discarded == 0


@pytest.mark.parametrize(
    ("missing", "stamp"),
    [
        ("SpeechEnded", "speech_ended_s"),
        ("Transcript", "final_s"),
        ("first_token", "first_token_s"),
        ("first_audio", "first_audio_s"),
        ("ReplyAudible", "audible_s"),
    ],
)
def test_an_event_that_is_not_in_the_trace_is_none_and_the_others_stay(missing, stamp):
    (turn,) = call_figures(without(one_turn(), missing)).turns
    stamps = {name: getattr(turn.waterfall, name) for name in Waterfall.__slots__}
    assert stamps.pop(stamp) is None
    assert None not in stamps.values()


def test_without_the_end_of_speech_nothing_can_count_from_it():
    (turn,) = call_figures(without(one_turn(), "speech")).turns
    assert turn.ended_s is None
    assert turn.waterfall == Waterfall()


def test_what_was_heard_is_unknown_when_the_trace_does_not_say():
    (turn,) = call_figures(without(one_turn(), "heard")).turns
    assert (turn.said, turn.heard, turn.cut) == ("For two.", None, False)


def test_an_empty_trace_has_no_turns():
    figures = call_figures([])
    assert (figures.turns, figures.duration_s, figures.prepared, figures.end) == ((), 0.0, 0, "")


def test_a_transcript_that_is_not_final_is_no_final_stamp():
    lines = one_turn()
    lines[6] = told(2.4, "Transcript", segment=1, stable="two", unstable="please", final=False)
    figures = call_figures(lines)
    assert figures.turns[0].waterfall.final_s is None
    assert figures.segments[0].words == "two please"


def test_a_turn_ends_with_the_last_segment_before_its_release():
    lines = one_turn()
    lines[4:4] = [
        told(2.16, "SpeechStarted", segment=2),
        told(2.19, "SpeechEnded", segment=2),
        line(2.19, "speech", segment=2, start_s=2.16, end_s=2.17),
    ]
    lines += [
        told(5.0, "SpeechEnded", segment=3),
        line(5.0, "speech", segment=3, start_s=4.5, end_s=4.8),
    ]
    (turn,) = call_figures(lines).turns
    assert (turn.segment, turn.ended_s) == (2, 2.17)


def test_replies_that_were_begun_and_never_released_are_counted_for_the_turn_they_were_for():
    lines = [
        asked(1.0, "PrepareReply", 1, text="on friday"),
        asked(1.5, "CancelReply", 1),
        asked(2.0, "PrepareReply", 2, text="on friday no"),
        asked(2.5, "CancelReply", 2),
        asked(3.0, "PrepareReply", 3, text="on friday no saturday"),
        asked(3.1, "ReleaseReply", 3),
        asked(5.0, "PrepareReply", 4, text="by"),
        asked(6.0, "PrepareReply", 5, text="bye"),
        asked(6.1, "ReleaseReply", 5),
        asked(9.0, "PrepareReply", 6, text="hm"),
    ]
    figures = call_figures(lines)
    assert [(t.reply, t.discarded, t.words) for t in figures.turns] == [
        (3, 2, "on friday no saturday"),
        (5, 1, "bye"),
    ]
    assert (figures.prepared, figures.discarded) == (6, 4)
    assert figures.barge_ins == ()  # nothing of them could be heard


def test_a_prompt_is_a_reply_and_not_a_turn():
    lines = [
        asked(0.1, "Prompt", 1, reason="greeting"),
        line(0.2, "said", reply=1, text="Good"),
        line(0.2, "said", reply=1, text="evening."),
        told(0.3, "ReplyAudible", reply=1),
        told(1.3, "ReplyDone", reply=1),
    ]
    figures = call_figures(lines)
    assert figures.turns == ()
    assert figures.replies == (Reply(1, "Good evening.", None, False, 0.3, 1.3, "greeting"),)


def interrupted(*after_duck):
    return [
        told(1.0, "ReplyAudible", reply=1),
        told(2.05, "SpeechStarted", segment=2),
        asked(2.1, "DuckReply", 1),
        *after_duck,
    ]


def test_a_duck_that_ends_in_silence_is_a_cancelled_barge_in():
    (barge_in,) = call_figures(interrupted(asked(2.4, "CancelReply", 1))).barge_ins
    assert barge_in == BargeIn(1, 2.05, 2.1, None, 2.4, Verdict.CANCELLED)
    assert barge_in.undecided_for_s == pytest.approx(0.3)


def test_a_duck_that_comes_back_was_a_backchannel_and_no_false_hold():
    figures = call_figures(interrupted(asked(2.5, "ResumeReply", 1)))
    assert [b.verdict for b in figures.barge_ins] == [Verdict.RESUMED]
    assert figures.false_holds == 0


def test_a_hold_that_comes_back_was_a_false_one():
    figures = call_figures(interrupted(asked(2.3, "HoldReply", 1), asked(2.9, "ResumeReply", 1)))
    assert figures.barge_ins == (BargeIn(1, 2.05, 2.1, 2.3, 2.9, Verdict.RESUMED),)
    assert figures.false_holds == 1


def test_a_reply_that_ends_while_it_is_ducked_needed_no_verdict():
    figures = call_figures(interrupted(told(2.2, "ReplyDone", reply=1)))
    assert [b.verdict for b in figures.barge_ins] == [Verdict.ENDED]


def test_a_trace_that_stops_during_a_duck_leaves_it_undecided():
    (barge_in,) = call_figures(interrupted()).barge_ins
    assert (barge_in.verdict, barge_in.undecided_for_s) == (Verdict.UNDECIDED, None)


def test_one_reply_can_be_ducked_twice():
    figures = call_figures(
        interrupted(
            asked(2.4, "ResumeReply", 1),
            told(5.0, "SpeechStarted", segment=3),
            asked(5.1, "DuckReply", 1),
            asked(5.3, "CancelReply", 1),
        )
    )
    assert [(b.noticed_s, b.verdict) for b in figures.barge_ins] == [
        (2.05, Verdict.RESUMED),
        (5.0, Verdict.CANCELLED),
    ]


def test_a_cancelled_reply_is_cut_even_if_the_trace_stops_before_it_says_what_was_heard():
    (reply,) = call_figures(interrupted(asked(2.4, "CancelReply", 1))).replies
    assert (reply.cut, reply.over_s) == (True, 2.4)


def test_floors_follow_each_other_and_the_last_lasts_to_the_end():
    lines = [line(0.0, "floor", floor="open"), line(1.0, "floor", floor="user"), line(3.0, "end")]
    assert call_figures(lines).floors == (FloorSpan("open", 0.0, 1.0), FloorSpan("user", 1.0, 3.0))


def test_lag_and_losses_are_added_up():
    figures = call_figures(
        [
            line(1.0, "late", what="play", lag_s=0.03),
            line(2.0, "late", what="play", lag_s=0.05),
            line(2.0, "dropped", what="microphone", samples=320),
            line(3.0, "dropped", what="microphone", samples=160),
            line(3.0, "dropped", what="recognizer", samples=512),
            line(4.0, "underrun", samples=24, reply=1),
        ]
    )
    assert (figures.late, figures.late_max_s, figures.missing) == (2, 0.05, 24)
    assert figures.dropped == {"microphone": 480, "recognizer": 512}


def test_the_same_error_is_one_notice():
    errors = [line(1.0, "error", message="no model"), line(1.1, "error", message="no model")]
    assert call_figures(errors).notices == ("no model",)


@pytest.mark.parametrize("odd", ["x", None, float("nan"), [1]])
def test_values_of_the_wrong_kind_are_as_good_as_missing(odd):
    lines = [*one_turn()[:3], line(2.15, "speech", segment=1, start_s=odd, end_s=odd)]
    (segment,) = call_figures(lines).segments
    assert (segment.start_s, segment.end_s) == (None, None)


def test_a_trace_is_read_line_by_line_and_blank_lines_do_not_matter(tmp_path):
    path = tmp_path / "trace.jsonl"
    path.write_text("\n\n".join(json.dumps(e) for e in one_turn()) + "\n\n")
    assert read_trace(path) == one_turn()


@pytest.mark.parametrize("cut_at", [1, 10, 30])
def test_a_last_line_that_was_cut_off_is_left_out_and_said_so(tmp_path, cut_at):
    path = tmp_path / "trace.jsonl"
    whole = [json.dumps(e) for e in one_turn()]
    path.write_text("\n".join([*whole[:-1], whole[-1][:cut_at]]))
    lines = read_trace(path)
    assert lines[:-1] == one_turn()[:-1]
    assert call_figures(lines).notices == (
        "the last line of the trace, 14, was cut off and is left out",
    )


def test_a_trace_cut_off_in_its_first_line_is_still_a_trace(tmp_path):
    path = tmp_path / "trace.jsonl"
    path.write_text('{"t": 0, "ev')
    assert len(call_figures(read_trace(path)).notices) == 1


def test_a_broken_line_in_the_middle_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "trace.jsonl"
    path.write_text('{"t": 0, "event": "call"}\nnonsense\n{"t": 1, "event": "end"}\n')
    with pytest.raises(ParleyError, match="line 2: expected a JSON object, found 'nonsense'"):
        read_trace(path)
