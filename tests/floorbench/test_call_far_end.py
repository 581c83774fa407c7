"""What lies between our sending and the caller's ear, and calls that a duplex model had."""

import json

import pytest

from agent.metrics import call_figures
from floorbench.call.ear import listen
from floorbench.call.report import write_report
from floorbench.call.scoring import score
from floorbench.call.table import table
from floorbench.recording import Recording
from tests.support.recordings import (
    RATE,
    answered,
    in_order,
    line,
    sounding,
    spoken,
    write_call,
)

END = [line(9.0, "end", reason="hung up")]
TURN = [*spoken(1, 1.0, 2.05, "for two"), *answered(1, "for two", 2.45, 2.55, 4.05, "Two it is.")]
WAY = {"round_trip_s": 0.06, "buffer_s": 0.05, "output_latency_s": 0.04, "jitter_s": 0.003}


def ear(t, **fields):
    return line(t, "ear", **fields, delay_s=0.1)


def network(t, **fields):
    counts = {"packets": 450, "lost": 9, "late": 2, "dropped": 0}
    sound = {"recovered_s": 0.12, "concealed_s": 0.06, "window_s": 0.03}
    return line(t, "network", **{**counts, **sound, **fields})


def duplex(*more):
    beats = [
        line(10.0, "beat", steps=125, step_p50_s=0.03, step_p99_s=0.05, lag_s=0.01, filled=2400,
             skipped=0),
        line(19.0, "beat", steps=112, step_p50_s=0.034, step_p99_s=0.06, lag_s=0.002, filled=0,
             skipped=480),
    ]  # fmt: skip
    begun = [line(0.0, "call", version=1), line(0.1, "duplex", rate=24_000, frame_samples=1920)]
    return [*begun, *beats, *more, line(19.0, "end", reason="hung up")]


def scored(*groups, onset_s=2.72):
    """One turn whose reply was handed over at 2.55 s, and heard from `onset_s`."""
    recording = Recording(sounding([(1.0, 2.0)], 10), sounding([(onset_s, 4.2)], 10), RATE)
    return score(listen(recording), call_figures(in_order(TURN, END, *groups)))


def page_of(folder, lines, caller=((1.0, 2.0),), agent=((2.72, 4.2),), duration_s=10.0):
    write_call(folder, sounding(caller, duration_s), sounding(agent, duration_s), lines)
    results = write_report(folder)
    return results, (folder / "report.html").read_text(encoding="utf-8")


# --- the way to the ear -------------------------------------------------------------------------


def test_what_the_network_and_the_device_took_is_no_longer_unexplained():
    (before,), (turn,) = scored().turns, scored([ear(2.0, **WAY)]).turns
    assert before.waited.remainder_s == pytest.approx(0.17)
    w = turn.waited
    assert (w.network_s, w.device_s) == (pytest.approx(0.08), 0.04)
    assert w.remainder_s == pytest.approx(0.05)
    assert turn.ear_s == before.ear_s


def test_all_parts_still_add_up_to_the_delay():
    (turn,) = scored([ear(2.0, **WAY)]).turns
    w = turn.waited
    parts = (w.silence_s, w.decision_s, w.model_s, w.voice_s, w.door_s, w.network_s, w.device_s)
    assert sum(parts) + w.remainder_s == pytest.approx(turn.ear_s)


def test_more_than_there_was_leaves_a_negative_remainder():
    (turn,) = scored([ear(2.0, **{**WAY, "buffer_s": 0.15})]).turns
    assert turn.waited.remainder_s == pytest.approx(-0.05)


def test_the_newest_report_before_the_reply_counts():
    far = {**WAY, "output_latency_s": 0.3}
    (turn,) = scored([ear(1.0, **far), ear(2.5, **WAY), ear(2.6, **far)]).turns
    assert turn.waited.device_s == 0.04


def test_a_report_after_the_reply_explains_nothing_of_it():
    (turn,) = scored([ear(2.6, **WAY)]).turns
    assert (turn.waited.network_s, turn.waited.device_s) == (None, None)
    assert turn.waited.remainder_s == pytest.approx(0.17)


@pytest.mark.parametrize(
    ("known", "network_s", "device_s"),
    [
        ({"round_trip_s": 0.06}, 0.03, None),
        ({"buffer_s": 0.05}, 0.05, None),
        ({"output_latency_s": 0.04}, None, 0.04),
        ({"round_trip_s": "soon", "buffer_s": float("nan"), "loss": 0.1}, None, None),
    ],
    ids=["round trip", "buffer", "output", "nothing that is a number"],
)
def test_what_a_report_does_not_know_is_not_guessed(known, network_s, device_s):
    (turn,) = scored([ear(2.0, **known)]).turns
    assert (turn.waited.network_s, turn.waited.device_s) == (network_s, device_s)
    explained_s = (network_s or 0) + (device_s or 0)
    assert turn.waited.remainder_s == pytest.approx(0.17 - explained_s)


def test_the_page_draws_the_way_and_names_it(tmp_path):
    _, page = page_of(tmp_path, in_order(TURN, END, [ear(2.0, **WAY)]))
    assert 'title="the network and the receive buffer: 80 ms"' in page
    assert 'title="the caller&#x27;s sound device: 40 ms"' in page
    assert 'title="unexplained, until it is heard: 50 ms"' in page
    assert '<th scope="col">network</th><th scope="col">device</th>' in page


def test_without_a_report_the_page_and_the_table_are_as_they_were(tmp_path):
    results, page = page_of(tmp_path, in_order(TURN, END))
    assert "part network" not in page
    assert '<th scope="col">network</th>' not in page
    assert "h-net" not in page
    assert table(results).split("\n")[0].split()[-4:] == ["audio", "played", "rest", "note"]
    held = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert (held["connection"], held["beat"]) == (None, None)
    assert held["turns"][0]["waited"]["network_s"] is None


def test_the_table_shows_the_way_and_still_fits_the_terminal():
    lines = table(scored([ear(2.0, **WAY)])).split("\n")
    assert max(map(len, lines)) <= 100
    assert lines[0].split()[-5:] == ["played", "network", "device", "rest", "note"]
    assert lines[2].split()[-4:] == ["500", "80", "40", "50"]


# --- the connection -----------------------------------------------------------------------------


def test_the_last_network_line_counts_for_the_call(tmp_path):
    told = [network(3.0, packets=150, lost=1), network(8.0)]
    results, page = page_of(tmp_path, in_order(TURN, END, told))
    assert results.connection.way is None
    assert (results.connection.network.packets, results.connection.network.lost) == (450, 9)
    assert "<dt>lost</dt><dd>9 (2.0 %)</dd>" in page
    assert "<dt>recovered</dt><dd>0.12 s</dd>" in page
    assert "450 packets, 9 lost, 2 late, 0.12 s recovered, 0.06 s concealed" in table(results)


def test_the_way_of_the_call_is_the_middle_of_its_reports():
    told = [ear(1.0, **WAY), ear(2.0, **{**WAY, "round_trip_s": 0.5}), ear(3.0, buffer_s=0.05)]
    way = scored(told).connection.way
    assert (way.n, way.round_trip_s, way.buffer_s) == (3, pytest.approx(0.28), 0.05)


# --- a duplex model -----------------------------------------------------------------------------


def test_a_call_of_a_duplex_model_says_that_there_were_no_turns_to_decide(tmp_path):
    results, page = page_of(tmp_path, duplex(), duration_s=19.0)
    assert "there were no turns to decide" in page
    assert "No turn of the caller was answered" not in page
    assert "there were no turns to decide" in table(results)
    assert "no turn of the caller was answered" not in table(results)


def test_the_beat_of_a_duplex_model_is_summed_up(tmp_path):
    results, page = page_of(tmp_path, duplex(), duration_s=19.0)
    told = results.beat
    assert (told.frame_s, told.steps) == (0.08, 237)
    assert (told.step_p50_s, told.step_p99_s, told.lag_s) == (pytest.approx(0.032), 0.06, 0.01)
    assert (told.filled_s, told.skipped_s) == (pytest.approx(0.1), pytest.approx(0.02))
    assert "<dt>behind the sound, at worst</dt><dd>10 ms</dd>" in page
    assert "237 steps of 80 ms, p50 32 ms, p99 60 ms, behind at worst 10 ms" in table(results)


def test_a_duplex_call_that_ended_before_its_first_beat_has_no_step_times(tmp_path):
    begun = [line(0.1, "duplex", rate=24_000, frame_samples=1920)]
    results, page = page_of(tmp_path, [*begun, *END])
    assert (results.beat.steps, results.beat.step_p50_s) == (0, None)
    assert "nan" not in page.lower().split("<script")[0]


def test_a_call_that_the_cascade_took_over_has_its_turns_and_the_beat(tmp_path):
    results, page = page_of(tmp_path, in_order(TURN, duplex()), duration_s=19.0)
    assert [turn.words for turn in results.turns] == ["for two"]
    assert "On the beat" in page
    assert "there were no turns to decide" not in page
    assert "on the beat" in table(results)


def test_every_field_about_the_far_end_is_documented(tmp_path, request):
    page_of(tmp_path, in_order(TURN, duplex(ear(2.0, **WAY), network(8.0))), duration_s=19.0)
    documented = (request.config.rootpath / "docs" / "results.md").read_text(encoding="utf-8")
    held = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    parts = (held["connection"], *held["connection"].values(), held["beat"])
    names = {name for part in parts for name in part}
    assert {name for name in names if f"`{name}`" not in documented} == set()


def test_the_words_of_a_duplex_model_have_their_places_and_what_was_not_heard(tmp_path):
    words = [
        line(1.0 + n, "word", utterance=1, text=word, start_s=0.5 + n, end_s=0.9 + n)
        for n, word in enumerate(["Good", "morning", "to", "you"])
    ]
    heard = line(5.0, "heard", utterance=1, text="Good morning", cut=True)
    more = line(7.0, "word", utterance=2, text="Yes")
    results, _ = page_of(tmp_path, duplex(*words, heard, more), duration_s=19.0)
    first, second = results.captions
    assert (first.text, first.unheard) == ("Good morning", "to you")
    assert (first.start_s, first.end_s) == (pytest.approx(0.6), pytest.approx(4.0))
    assert (second.text, second.start_s, second.end_s) == ("Yes", 7.0, 7.0)
