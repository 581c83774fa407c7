"""A run is kept on disk as it goes, says how far it is, and is read back as it was."""

import asyncio
import json

import numpy as np
from pytest import approx, mark, raises

from agent.core.errors import ConfigError, ParleyError
from audio_io.wav_file import read_wav
from floorbench.activity import Span
from floorbench.caller import Held
from floorbench.progress import Progress, in_words
from floorbench.recording import Recording, read_recording
from floorbench.run import Clock, RunSettings, run, set_name
from floorbench.scenarios.prompter import LeftOut
from floorbench.score.outcome import Outcome
from floorbench.score.session import score_session
from floorbench.session import RATE, CallerEvent, Expect, Session
from floorbench.session_files import read_session, read_sessions, write_session
from tests.support.far_ends import Refusing, Silent, attentive
from tests.support.recordings import sounding, write_wav

EVENT = CallerEvent(
    "S1-000.1", "turn", 1.0, 2.5, (Span(1.0, 1.4), Span(1.9, 2.5)), Expect.REPLY, False,
    {"text": "where are you", "pause_s": 0.5},
)  # fmt: skip


def session(**changes):
    recording = Recording(sounding([(1.0, 2.5)], 5.0), sounding([(3.0, 4.0)], 5.0), RATE)
    fields = {"caller_lag_s": 0.0012, "fault": "", **changes}
    return Session("S1-000", "S1", recording, (EVENT,), **fields)


def virtual(target, out, **settings):
    return run(target, out, RunSettings(**settings), Clock.VIRTUAL)


# --- a run ----------------------------------------------------------------------------------------


def test_a_run_keeps_a_recording_and_its_events_for_every_session(tmp_path):
    done = virtual(attentive(), tmp_path, scenarios=("S1", "S10"), limit=1)
    assert (done.sessions, done.faults, done.void) == (2, {}, ())
    assert done.target == "attentive"
    names = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.*"))
    assert names == [
        "sessions/S1-000/events.json",
        "sessions/S1-000/session.wav",
        "sessions/S1-000/trace.jsonl",
        "sessions/S10-000/events.json",
        "sessions/S10-000/microphone.wav",
        "sessions/S10-000/session.wav",
        "sessions/S10-000/trace.jsonl",
    ]


def test_two_runs_in_virtual_time_are_the_same_bit_for_bit(tmp_path):
    for name in "ab":
        virtual(attentive(), tmp_path / name, scenarios=("S3", "S10"), limit=1)
    files = [p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*")]
    assert len(files) == 7
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_the_sessions_of_a_run_are_read_back_one_by_one(tmp_path):
    done = virtual(attentive(), tmp_path, scenarios=("S4", "S1"), limit=2)
    found = list(read_sessions(tmp_path))
    assert [s.id for s in found] == ["S1-000", "S1-001", "S4-000", "S4-001"]
    assert sum(s.recording.duration_s for s in found) == approx(done.audio_s)
    assert all(s.events for s in found)


def test_a_session_with_a_fault_is_kept_and_counted(tmp_path):
    done = virtual(Refusing(), tmp_path, scenarios=("S1",), limit=1)
    assert done.faults["S1-000"].startswith("the agent refused the call")
    (found,) = read_sessions(tmp_path)
    assert (found.fault, found.recording.duration_s) == (done.faults["S1-000"], 0.0)


class Late(Silent):
    """So slow that the caller's frames come late."""

    async def speak(self, frame):
        await super().speak(frame)
        await asyncio.sleep(0.05 if frame.start // 320 % 5 == 0 else 0)


def test_a_run_whose_caller_was_late_is_void(tmp_path):
    done = virtual(Late(), tmp_path, scenarios=("S14",), limit=2)
    assert done.void == ("S14-000", "S14-001")


def test_what_was_left_out_is_counted(tmp_path):
    done = virtual(Silent(), tmp_path, scenarios=("S3",), limit=1)
    assert done.left_out == 6


def test_an_earlier_run_is_not_mixed_with_a_new_one(tmp_path):
    virtual(Refusing(), tmp_path, scenarios=("S1",), limit=1)
    with raises(ConfigError, match=r"found an earlier run; choose another or remove it"):
        virtual(Refusing(), tmp_path, scenarios=("S1",), limit=1)


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with raises(ConfigError, match=r"expected to make a folder"):
        virtual(Refusing(), tmp_path / "file", scenarios=("S1",), limit=1)


@mark.parametrize("settings", [{"at_once": 0}, {"at_once": 1000}, {"seed": -1}, {"limit": -1}])
def test_settings_that_make_no_run_are_refused(settings):
    with raises(ConfigError, match="expected"):
        RunSettings(**settings)


def test_a_quick_set_says_that_it_is_one():
    assert "quick set" in set_name(RunSettings(quick=True))
    assert set_name(RunSettings()) == "standard set"
    assert "chosen" in set_name(RunSettings(scenarios=("S1",)))


# --- files ----------------------------------------------------------------------------------------


def test_a_session_is_read_as_it_was_written(tmp_path):
    write_session(tmp_path / "a", Held(session(), (LeftOut("S1-000.2", "why"),)))
    found = read_session(tmp_path / "a" / "session.wav", tmp_path / "a" / "events.json")
    assert found.events == (EVENT,)
    assert (found.id, found.scenario, found.caller_lag_s) == ("S1-000", "S1", 0.0012)
    assert found.recording.caller == approx(session().recording.caller, abs=1 / 32768)
    assert found.recording.agent == approx(session().recording.agent, abs=1 / 32768)


def test_what_was_sent_is_kept_beside_it_where_it_differs(tmp_path):
    sent = sounding([(0.0, 5.0)], 5.0)
    write_session(tmp_path, Held(session(), microphone=sent))
    assert read_wav(tmp_path / "microphone.wav").samples[:RATE] == approx(sent[:RATE] / 2, abs=1e-4)


def test_somebody_elses_recording_needs_only_a_list_of_events(tmp_path):
    write_wav(tmp_path / "call.wav", [np.zeros(RATE, np.float32)] * 2)
    event = {"id": "a", "kind": "turn", "t_on": 0.1, "t_off": 0.5, "expect": "reply"}
    (tmp_path / "e.json").write_text(json.dumps([event]))
    found = read_session(tmp_path / "call.wav", tmp_path / "e.json")
    assert (found.id, found.scenario, found.fault) == ("call", "recording", "")
    assert found.events[0].parts == (Span(0.1, 0.5),)


def test_a_recording_whose_header_has_no_rate_is_refused_in_a_sentence(tmp_path):
    write_wav(tmp_path / "call.wav", [np.zeros(RATE, np.float32)] * 2)
    whole = bytearray((tmp_path / "call.wav").read_bytes())
    whole[24:28] = bytes(4)
    (tmp_path / "call.wav").write_bytes(whole)
    with raises(ParleyError, match="at a multiple of 100 Hz, found 2 of 16 bits at 0 Hz"):
        read_recording(tmp_path / "call.wav")


@mark.parametrize(
    ("kind", "expect", "outcome"),
    [("pause", "hold", Outcome.HELD), ("silence", "ignore", Outcome.QUIET)],
)
def test_a_silence_that_names_no_parts_is_not_said_to_be_unsent(tmp_path, kind, expect, outcome):
    write_wav(tmp_path / "call.wav", [sounding([(0.2, 1.0)], 8.0), np.zeros(8 * RATE, np.float32)])
    event = {"id": "a", "kind": kind, "t_on": 2.0, "t_off": 4.0, "expect": expect}
    (tmp_path / "e.json").write_text(json.dumps([event]))
    scored = score_session(read_session(tmp_path / "call.wav", tmp_path / "e.json"))
    assert scored.events[0].outcome is outcome


@mark.parametrize(
    ("text", "words"),
    [
        ("{", ["expected JSON"]),
        ("3", ["expected an object or a list, found 3"]),
        ('{"version": 9}', ["expected version 1, found 9"]),
        ("{}", ["expected a list of events, found nothing"]),
        ("[7]", ["event 1: expected an object, found 7"]),
        ('[{"id": "a", "colour": 1}]', ["event 1", "unknown field colour", "t_on"]),
        ('[{"id": "a", "expect": "obey"}]', ["event 1: expect", "reply, yield", "'obey'"]),
        ('[{"id": "a", "kind": "b", "expect": "hold"}]', ["event 1: t_on", "found nothing"]),
        (
            '[{"id": "a", "kind": "b", "expect": "hold", "t_on": "now", "t_off": 1}]',
            ["t_on: expected a number of seconds, found 'now'"],
        ),
        (
            '[{"id": "a", "kind": "b", "expect": "hold", "t_on": NaN, "t_off": 1}]',
            ["t_on: expected a number of seconds, found nan"],
        ),
        (
            f'[{{"id": "a", "kind": "b", "expect": "hold", "t_on": 1{"0" * 400}, "t_off": 1}}]',
            ["t_on: expected a number of seconds, found 1000"],
        ),
        (
            '[{"id": 5, "kind": "b", "expect": "hold", "t_on": 0, "t_off": 1}]',
            ["expected id and kind as text"],
        ),
        (
            '[{"id": "a", "kind": "b", "expect": "hold", "t_on": 0, "t_off": 1, "parts": [1]}]',
            ["parts: expected pairs of seconds"],
        ),
        (
            '[{"id": "a", "kind": "b", "expect": "hold", "t_on": 0, "t_off": 1, "params": 1}]',
            ["params an object"],
        ),
    ],
)
def test_events_that_cannot_be_read_are_told_in_a_sentence(tmp_path, text, words):
    (tmp_path / "e.json").write_text(text)
    with raises(ConfigError) as fault:
        read_session(tmp_path / "call.wav", tmp_path / "e.json")
    assert len(str(fault.value).splitlines()) == 1
    for word in ("e.json", *words):
        assert word in str(fault.value)


def test_the_same_id_twice_is_told(tmp_path):
    event = {"id": "a", "kind": "turn", "t_on": 0.1, "t_off": 0.5, "expect": "reply"}
    (tmp_path / "e.json").write_text(json.dumps([event, event]))
    with raises(ConfigError, match=r"expected each id once, found a again"):
        read_session(tmp_path / "call.wav", tmp_path / "e.json")


def test_files_that_are_missing_or_no_sound_are_told(tmp_path):
    with raises(ConfigError, match=r"expected events, found none"):
        read_session(tmp_path / "call.wav", tmp_path / "e.json")
    (tmp_path / "e.json").write_text("[]")
    with raises(ConfigError, match=r"expected a stereo WAV, found no file"):
        read_session(tmp_path / "call.wav", tmp_path / "e.json")
    (tmp_path / "call.wav").write_bytes(b"no sound")
    with raises(ParleyError, match=r"expected a WAV file"):
        read_session(tmp_path / "call.wav", tmp_path / "e.json")
    with raises(ConfigError, match=r"give the folder that a run was written to"):
        list(read_sessions(tmp_path))


# --- how far it is --------------------------------------------------------------------------------


def shown(total, *, bar, faults=()):
    """What is written while each session takes ten seconds."""
    out, now = [], [0.0]
    progress = Progress(total, out.append, lambda: now[0], bar=bar)
    for number in range(total):
        now[0] += 10.0
        progress.done(f"S1-{number:03d}", "the agent hung up" if number in faults else "")
    progress.end()
    return out


def test_a_terminal_sees_a_bar_that_grows_and_the_time_left():
    out = shown(4, bar=True)
    assert len(out) == 5
    assert all(line.startswith("\r\x1b[K") for line in out[:4])
    assert "1/4 S1-000, 30 s left" in out[0]
    assert [line.count("█") for line in out[:4]] == [6, 12, 18, 24]
    assert out[4] == "\n"


def test_a_log_sees_a_line_for_each_tenth():
    out = shown(40, bar=False)
    assert len(out) == 10
    assert out[0].endswith("4/40 S1-003, 6 min 0 s left\n")
    assert "\r" not in "".join(out)


def test_a_fault_has_a_line_of_its_own_and_is_counted():
    out = "".join(shown(2, bar=False, faults=(0,)))
    assert out.startswith("S1-000: the agent hung up\n")
    assert out.rstrip().endswith("0 s left, 1 with a fault")


@mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_a_time_is_said_as_people_say_it(seconds, words):
    assert in_words(seconds) == words
