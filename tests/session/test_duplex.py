"""Whole duplex calls in virtual time: the beat holds, callers do not mix, nothing grows."""

import asyncio
import json

import numpy as np
from pytest import approx, mark

from agent.commands import replay as replay_command
from agent.core.duplex import DuplexPrompt
from agent.live import Captions
from agent.metrics import call_figures
from agent.replay import replay
from agent.session import Ending
from agent.virtual_loop import run_virtual
from audio_io.resample import at_rates
from pipelines.duplex.config import DuplexConfig, WhenFull
from pipelines.duplex.pipeline import DuplexPipeline
from tests.support.duplex import (
    FRAME,
    FRAME_S,
    RATE,
    Hiccup,
    NotANumber,
    Slow,
    StuckCall,
    TapedCall,
    TooLong,
    hold,
    said,
    scripted,
    taped,
)

GREETING, FIRST, SECOND = "Hello, I am listening.", "I see, please go on.", "That is good to know."


def held(sound, *args, **rest):
    return run_virtual(taped(sound, *args, **rest))


def test_the_agent_greets_answers_and_is_heard_to_the_word():
    call = held(said(12, (3, 4), (7, 8)))
    assert call.ended.ending is Ending.HUNG_UP
    assert call.heard() == [(GREETING, False), (FIRST, False), (SECOND, False)]


def test_the_answer_to_a_frame_is_played_when_the_step_is_done():
    step_s = 0.011
    call = held(said(8, (3, 4)))
    quiet_at = 4.0 + 0.24  # three silent frames are a turn's end, and the answer is in the third
    assert call.call.loud_from(3.5) == approx(quiet_at + step_s, abs=0.021)


def test_the_model_stops_when_the_caller_speaks_over_it():
    call = held(said(10, (3, 4), (4.8, 6)))
    assert call.heard()[1][0] == "I see, please go That is good to know."


def test_captions_grow_word_by_word_and_end_as_heard():
    notes = [note.data for note in held(said(4)).call.notes]
    assert [note["text"] for note in notes][:2] == ["Hell", "Hello,"]
    assert notes[-1] == {
        "who": "agent", "reply": 1, "text": GREETING, "final": True, "cut": False,
    }  # fmt: skip


def test_words_have_the_times_at_which_they_sound():
    call = held(said(6, (3, 4)))
    words = {line["text"]: line for line in call.trace.named("word")}
    assert (words["Hello,"]["start_s"], words["Hello,"]["end_s"]) == (0.0, 0.16)
    assert words["am"]["start_s"] == approx(6 * FRAME_S)


def test_who_hangs_up_in_the_middle_heard_what_was_played_until_then():
    call = held(said(0.5))
    assert call.heard() == [("Hello, I", False)]


def test_a_call_at_another_rate_is_answered_too():
    async def scene():
        pipeline = DuplexPipeline(scripted())
        call = TapedCall(said(8, (3, 4)), play_rate=16_000)
        return await hold(at_rates(call, RATE, RATE), pipeline)

    assert run_virtual(scene()).heard() == [(GREETING, False), (FIRST, False)]


# --- the beat -----------------------------------------------------------------------------------


class Counting:
    """A model that only counts its steps and when they came."""

    rate, frame_samples = RATE, FRAME

    def __init__(self, model):
        self.model, self.steps = model, []

    def seats(self):
        return self.model.seats()

    async def open(self, prompt):
        return await self.model.open(prompt)

    async def step(self, slot, frame):
        self.steps.append((asyncio.get_running_loop().time(), frame))
        return await self.model.step(slot, frame)

    async def close(self, slot):
        await self.model.close(slot)


class Preparing(Counting):
    """Takes three seconds for its prompt; knows whether anybody still wanted the seat then."""

    left_s = None

    async def open(self, prompt):
        try:
            await asyncio.sleep(3.0)
        except asyncio.CancelledError:
            self.left_s = asyncio.get_running_loop().time()
            raise
        return await super().open(prompt)


@mark.parametrize("length_s", [0.0, 0.5])
def test_a_seat_is_not_kept_for_a_caller_who_hung_up_before_it_was_ready(length_s):
    model = Preparing(scripted())
    call = held(said(length_s), model)
    assert call.ended.ending is Ending.HUNG_UP
    assert model.left_s == approx(length_s, abs=0.1)
    assert model.steps == []
    assert call.trace.named("error") == []


def test_a_seat_that_takes_too_long_is_told():
    call = held(said(6), Preparing(scripted()), DuplexConfig(open_s=2.0))
    (fault,) = call.trace.named("error")
    assert "expected a seat within 2 s, found none" in fault["message"]


def test_a_caller_who_is_silent_for_minutes_and_sends_nothing_keeps_the_beat():
    model = Counting(scripted())
    nothing = [(300.0, np.zeros(1, np.float32))]
    call = held(said(0), model, chunks=nothing)
    assert len(model.steps) == approx(300 / FRAME_S, abs=3)
    assert np.diff([at for at, _ in model.steps]).max() == approx(FRAME_S, abs=0.001)
    assert call.trace.named("late") == []
    assert call.heard() == [(GREETING, False)]


def test_frames_of_any_length_give_the_model_the_same_sound():
    sound = said(6, (3, 4))
    whole = [(end / RATE, sound[end - 2400 : end]) for end in range(2400, len(sound) + 1, 2400)]
    small = [(end / RATE, sound[end - 240 : end]) for end in range(240, len(sound) + 1, 240)]
    heard = []
    for chunks in (whole, small):
        model = Counting(scripted())
        held(sound, model, chunks=chunks)
        samples = np.concatenate([frame.samples for _, frame in model.steps])
        heard.append(samples[samples != 0])
    assert np.array_equal(*heard)


def test_a_caller_who_sends_ten_times_too_fast_is_stepped_at_the_pace_of_the_clock():
    model = Counting(scripted())
    sound = said(60, (0, 60))
    fast = [(n * 0.002, sound[n * 480 : (n + 1) * 480]) for n in range(3000)]
    call = held(sound, model, chunks=fast)
    assert len(model.steps) <= 6.0 / FRAME_S + 2
    (lost,) = [x for x in call.trace.named("dropped") if x["what"] == "the caller's sound"]
    assert lost["samples"] > 50 * RATE
    assert call.trace.named("late") == []


def test_sound_that_is_no_number_is_silence_and_is_counted():
    sound = said(6, (3, 4))
    sound[2 * RATE : 2 * RATE + 100] = np.nan
    call = held(sound)
    assert call.heard() == [(GREETING, False), (FIRST, False)]
    lost = {x["what"]: x["samples"] for x in call.trace.named("dropped")}
    assert lost == {"numbers that are no sound": 100}


def test_one_slow_step_is_late_in_the_trace_and_caught_up_with():
    call = held(said(12, (3, 4), (8, 9)), Hiccup(scripted(), 2.0))
    assert call_figures(call.trace.lines).late > 0
    assert call.heard()[-1] == (SECOND, False)
    last = call.trace.named("beat")[-1]
    assert last["lag_s"] == 0


def test_a_model_that_falls_behind_is_too_slow_with_its_lag_and_the_call_ends_with_a_sentence():
    call = held(said(30), Slow(scripted(), 5.0))
    assert call.ended.ending is Ending.FAILED
    assert "expected steps at most 0.4 s behind the sound, found 0.4" in call.ended.message
    assert call.trace.named("late")[-1]["lag_s"] > 0.4
    assert float(call.trace.named("end")[0]["t"]) < 30


@mark.parametrize(
    ("model", "sentence"),
    [(NotANumber, "not finite"), (TooLong, "expected frames of 1920 samples at 24000 Hz")],
)
def test_what_is_no_sound_of_the_models_is_a_sentence(model, sentence):
    wrong = model(scripted(), 2.0)
    call = held(said(10), wrong)
    assert sentence in call.ended.message
    assert wrong.closed == 1


def test_a_call_that_takes_no_sound_costs_a_few_frames_and_not_the_beat():
    async def scene():
        model = Counting(scripted(replies=("a b c d e f g h i j k l m n o p",) * 2))
        call = await hold(StuckCall(said(20, (1, 2))), DuplexPipeline(model))
        return model, call

    model, call = run_virtual(scene())
    assert len(model.steps) == approx(20 / FRAME_S, abs=2)
    lost = {x["what"]: x["samples"] for x in call.trace.named("dropped")}
    assert lost["the agent's sound"] > 0
    assert call.ended.ending is Ending.HUNG_UP


# --- many calls ---------------------------------------------------------------------------------


def test_eight_calls_at_once_are_each_as_they_are_alone():
    def script(number):
        start = 2.0 + 0.37 * number
        return said(8, (start, start + 0.5 + 0.1 * number), hz=200 + 50 * number)

    async def together(model):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(taped(script(n), model)) for n in range(8)]
        return [task.result() for task in tasks]

    # Steps cost the same with one call and with eight, so that the same falls due at the same time.
    fixed = {"fixed_s": 0.011, "stream_s": 0.0, "echo": 0.5}
    at_once = run_virtual(together(scripted(**fixed)))
    for number, call in enumerate(at_once):
        alone = held(script(number), scripted(**fixed))
        assert np.array_equal(call.call.agent(), alone.call.agent())
        assert call.trace.lines[1:] == alone.trace.lines[1:]


def test_a_slot_is_given_back_however_a_call_ends():
    model = scripted(slots=1)
    pipeline = DuplexPipeline(model)

    async def scene():
        for end_s in (0.01, 2.0):
            await hold(TapedCall(said(end_s)), pipeline)
        await hold(TapedCall(said(10)), pipeline, max_call_s=1.0)
        broken = DuplexPipeline(NotANumber(model, 0.5))
        await hold(TapedCall(said(3)), broken)
        return model.seats()

    assert run_virtual(scene()).taken == 0


def test_a_call_too_many_is_refused_in_words_and_the_others_go_on():
    async def scene():
        pipeline = DuplexPipeline(scripted(slots=2), DuplexConfig(when_full=WhenFull.REFUSE))
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(hold(TapedCall(said(3)), pipeline)) for _ in range(2)]
            await asyncio.sleep(0.5)
            full = pipeline.busy()
            third = await hold(TapedCall(said(3)), pipeline)
        return full, third, [call.result() for call in calls]

    full, third, calls = run_virtual(scene())
    assert "all 2 taken; you are number 1 in the queue, try again in" in full.message
    assert "all 2 taken" in third.ended.message
    assert all(call.heard() == [(GREETING, False)] for call in calls)


def test_a_call_that_would_break_the_deadline_is_refused_before_a_seat_is_missing():
    async def scene():
        pipeline = DuplexPipeline(scripted(fixed_s=0.06, stream_s=0.005))
        async with asyncio.TaskGroup() as group:
            first = group.create_task(hold(TapedCall(said(8)), pipeline))
            await asyncio.sleep(4.0)
            full = pipeline.busy()
            group.create_task(hold(TapedCall(said(1)), pipeline))
        return full, first.result()

    full, first = run_virtual(scene())
    assert "expected steps under 70 ms with one call more, predicted 98 ms" in full.message
    assert first.ended.ending is Ending.HUNG_UP


# --- for a long time ----------------------------------------------------------------------------


def test_thirty_minutes_without_lag_and_without_growth():
    minutes = 30
    kinds = [said(FRAME_S, (0, FRAME_S)), said(FRAME_S)]
    beats = range(1, round(minutes * 60 / FRAME_S))
    sound = [(n * FRAME_S, kinds[n % 60 >= 6]) for n in beats]

    async def scene():
        call = TapedCall(np.zeros(0, np.float32), chunks=sound)
        call.frame_samples = FRAME  # a quarter of the work, and the same half hour
        return await hold(call, DuplexPipeline(scripted())), asyncio.all_tasks()

    call, tasks = run_virtual(scene())
    beats = call.trace.named("beat")
    assert sum(beat["steps"] for beat in beats) == approx(minutes * 60 / FRAME_S, abs=3)
    assert max(beat["lag_s"] for beat in beats) == 0
    assert call.trace.named("dropped") == []
    assert len(tasks) == 1
    figures = call_figures(call.trace.lines)
    assert (figures.late, figures.missing, figures.dropped) == (0, 0, {})
    lags = [at - (n * FRAME_S) for n, (at, _) in enumerate(call.call.heard)]
    assert max(lags[-100:]) <= max(lags[:100]) + 0.001


# --- the trace ----------------------------------------------------------------------------------


def test_a_duplex_trace_can_be_read_by_what_reads_traces():
    call = held(said(8, (3, 4)))
    figures = call_figures(call.trace.lines)
    assert (figures.turns, figures.floors, figures.end) == ((), (), "hung up")
    assert replay(call.trace.lines).steps == 0
    shown = []
    captions = Captions(lambda: 0.0, shown.append)
    for line in call.trace.lines:
        fields = {key: value for key, value in line.items() if key not in ("t", "event")}
        captions(line["event"], **fields)


def test_a_replay_says_that_a_duplex_model_decides_nothing(tmp_path, capsys):
    lines = [json.dumps(line) for line in held(said(4)).trace.lines]
    path = tmp_path / "trace.jsonl"
    path.write_text("\n".join(lines))
    assert replay_command.replay(path, ()) == 0
    assert replay_command.why(path) == 0
    assert capsys.readouterr().out.count("a duplex model has no turn machine") == 2


def test_the_same_call_gives_the_same_trace():
    lines = [held(said(8, (3, 4))).trace.lines for _ in "ab"]
    assert lines[0] == lines[1]


def test_the_scripted_model_takes_a_prompt_and_says_what_is_wrong():
    async def scene():
        model = scripted(slots=1)
        slot = await model.open(DuplexPrompt("be kind", "x"))
        await model.close(slot)
        await model.close(slot)
        return model.seats()

    assert run_virtual(scene()).taken == 0
