"""Results in the forms of other yardsticks, each field worked out by hand."""

import json
import wave

import numpy as np
import pytest

from floorbench.exports import (
    eva_turn_taking,
    tau_voice_panel,
    turnbench_gold,
    turnbench_predictions,
    turnbench_scores,
    write_full_duplex_bench,
)
from floorbench.results import results
from floorbench.score.run import score
from tests.support.floor import RATE, ignored, interruption, pause, session, turn
from tests.support.floor_results import RUN

HALVES = ((1.0, 2.0), (3.0, 4.0))
EVENTS = [
    turn(*HALVES, text="what time is it"),
    pause(*HALVES),
    interruption(8.0, 9.0, text="no wait"),
    ignored("backchannel", 14.0, 14.4, text="mm-hm"),
    ignored("side_talk", 22.0, 23.0, over=False),
    ignored("cough", 28.0, 28.4, over=False),
    ignored("door", 32.0, 32.4, over=False),
]
AGENT = [(5.0, 8.6), (10.0, 14.8), (24.0, 25.2)]
SESSION = session(EVENTS, AGENT, duration_s=36.0)
RESULTS = results(RUN, score([SESSION]))


def test_the_tau_voice_panel():
    found = tau_voice_panel(RESULTS)
    assert found["response_latency_mean"] == pytest.approx(1.0)  # 4.0 → 5.0 and 9.0 → 10.0
    assert found["yield_latency_mean"] == pytest.approx(0.6)
    assert (found["response_rate"], found["yield_rate"]) == (1.0, 1.0)
    assert found["agent_interruption_rate"] == 0.0
    assert found["selectivity_backchannel"] == 0.0  # it stopped 0.8 s later
    assert found["selectivity_non_directed"] == 0.0  # answered after 1.0 s
    assert found["selectivity_vocal_tic"] == 1.0
    assert found["counts"] == {
        "n_simulations": 1, "response_total": 2, "yield_total": 1, "backchannel_total": 1,
        "vocal_tic_total": 1, "non_directed_total": 1, "agent_interrupts_count": 0,
    }  # fmt: skip
    assert found["config"]["tick_duration_sec"] == 0.2


def test_eva_segments_flags_and_scores():
    found = eva_turn_taking(RESULTS)["s"]
    assert found["audio_timestamps_user_turns"] == {"1": [[1.0, 4.0]], "2": [[8.0, 9.0]]}
    assert found["audio_timestamps_assistant_turns"] == {
        "1": [[5.0, 8.6]], "2": [[10.0, 14.8], [24.0, 25.2]],
    }  # fmt: skip
    assert found["assistant_interrupted_turns"] == []
    assert found["user_interrupted_turns"] == [2]
    assert found["per_turn_score"] == {"1": 1.0, "2": 0.7}  # 1.0 s of latency; 0.6 s to yield
    assert found["score"] == pytest.approx(0.85)
    assert (found["num_turns"], found["num_evaluated"]) == (2, 2)


def test_eva_knows_an_agent_that_cut_in():
    cut = results(RUN, score([session([turn((1.0, 4.0))], [(3.0, 3.5), (4.6, 7.0)])]))
    found = eva_turn_taking(cut)["s"]
    assert found["assistant_interrupted_turns"] == [1]
    assert found["per_turn_score"] == {"1": 0.375}  # 0.5 s of overlap


def test_a_turnbench_submission_has_the_agents_acts_on_the_callers_channel():
    found = turnbench_predictions(RESULTS)
    assert found["schema_version"] == 1
    assert found["predictions"] == [
        {
            "conversation_id": "s",
            "speaker_1": {"eot": [5.0, 10.0, 24.0], "interruption": [8.6, 14.8, 25.2]},
            "speaker_2": {"eot": [], "interruption": []},
        }
    ]


def test_turnbench_gold_and_the_score_against_it():
    gold = turnbench_gold(RESULTS)
    assert (gold["tau_pre_s"], gold["tau_max_s"]) == (0.25, 3.0)
    assert gold["conversations"]["s"] == {
        "duration_s": 36.0,
        "eot_positive_events": [{"speaker": 1, "time_s": 4.0}, {"speaker": 1, "time_s": 9.0}],
        "eot_negative_spans": [{"speaker": 1, "start": 2.0, "end": 3.0}],
        "eot_excluded": [],
        "int_positive_events": [{"speaker": 1, "time_s": 8.0}],
        "int_negative_spans": [{"speaker": 1, "start": 14.0, "end": 14.4}],
        "int_excluded": [],
    }
    eot, interruptions = turnbench_scores(RESULTS)
    assert (eot.found, eot.missed, eot.trapped, eot.spared) == (2, 0, 0, 1)
    assert eot.latency_s(50) == pytest.approx(1.0)
    assert (interruptions.found, interruptions.missed) == (1, 0)
    assert interruptions.latencies_s == pytest.approx((0.6,))
    # 14.8 lies after the backchannel's extent: the yardstick does not see this stop
    assert (interruptions.trapped, interruptions.spared) == (0, 1)


def test_events_that_did_not_count_are_no_gold():
    silent = results(RUN, score([session([interruption(8.0, 9.0)], [(1.0, 3.0)])]))
    held = turnbench_gold(silent)["conversations"]["s"]
    assert held["int_positive_events"] == held["eot_positive_events"] == []


def test_void_sessions_are_not_exported():
    void = results(RUN, score([session([turn((1.0, 2.0))], [], caller_lag_s=1.0)]))
    assert turnbench_predictions(void)["predictions"] == []
    assert eva_turn_taking(void) == {}
    assert tau_voice_panel(void)["counts"]["n_simulations"] == 0


def wav(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, RATE)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767


def annotation(folder, name):
    return json.loads((folder / name).read_text("utf-8"))


def test_full_duplex_bench_1_0_has_a_folder_for_each_of_its_tasks(tmp_path):
    places = write_full_duplex_bench([SESSION], tmp_path, "1.0")
    assert [p.relative_to(tmp_path).as_posix() for p in places] == [
        "smooth_turn_taking/00000", "pause_handling/00001", "user_interruption/00002",
    ]  # fmt: skip
    smooth, paused, barged = places
    assert annotation(smooth, "turn_taking.json") == [
        {"text": "what time is it", "timestamp": [4.0, 4.0]}
    ]
    assert annotation(paused, "pause.json") == [{"text": "", "timestamp": [2.0, 3.0]}]
    assert annotation(barged, "interrupt.json") == [
        {"context": "", "interrupt": "no wait", "timestamp": [8.0, 9.0]}
    ]
    assert len(wav(smooth / "input.wav")) == len(wav(smooth / "output.wav")) == 8 * RATE
    assert np.allclose(wav(barged / "output.wav"), SESSION.recording.agent[: 14 * RATE], atol=1e-4)


def test_full_duplex_bench_1_5_has_what_happens_over_the_agent(tmp_path):
    behind = ignored("side_talk", 7.0, 7.5, place="background")
    beside = ignored("side_talk", 5.5, 6.0, place="beside")
    made = session([*EVENTS, behind, beside], AGENT, duration_s=36.0)
    places = write_full_duplex_bench([made], tmp_path, "1.5")
    assert [p.relative_to(tmp_path).parts[0] for p in places] == [
        "user_interruption", "user_backchannel", "background_speech", "talking_to_other",
    ]  # fmt: skip
    hummed = places[1]
    assert annotation(hummed, "metadata.json") == {
        "context_text": "", "current_turn_text": "mm-hm", "timestamps": [10.0, 10.4],
    }  # fmt: skip
    said, clean = wav(hummed / "input.wav"), wav(hummed / "clean_input.wav")
    during = slice(10 * RATE, round(10.4 * RATE))
    assert np.abs(said[during]).max() > 0.1
    assert not clean[during].any()
    assert np.array_equal(said[: 10 * RATE], clean[: 10 * RATE])


def test_an_event_outside_the_recording_has_no_folder(tmp_path):
    made = session([turn((30.0, 31.0))], [], duration_s=20.0)
    assert write_full_duplex_bench([made], tmp_path, "1.0") == []
