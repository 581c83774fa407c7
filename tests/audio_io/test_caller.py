"""A scripted caller says each line on its cue."""

import asyncio
import wave

import numpy as np
from pytest import approx, mark, raises

from agent.core.audio import AudioFrame, join
from agent.core.errors import ConfigError
from agent.virtual_loop import run_virtual
from audio_io.caller import ScriptedCaller
from audio_io.ear import Ear
from audio_io.script import LineKind, Script, ScriptLine, SpokenScript, load_script

RATE = 16000


def script(*lines, linger_s=1.0, line_s=1.0):
    sound = np.full(round(line_s * RATE), 0.5, np.float32)
    return SpokenScript(Script(lines, linger_s), (sound,) * len(lines), RATE)


def line(**fields):
    return ScriptLine(wav="x.wav", **fields)


def agent_speaks(*stretches):
    """An agent that is loud in these stretches of seconds and silent between."""

    async def agent(caller):
        loop = asyncio.get_running_loop()
        for start_s, end_s in stretches:
            await asyncio.sleep(start_s - loop.time())
            for _ in range(round((end_s - start_s) * 50)):
                await caller.play(AudioFrame(np.full(320, 0.25, np.float32), RATE, 0))

    return agent


def call(spoken, agent):
    """What the caller said, as start and end in seconds, and everything heard of the caller."""

    async def scene():
        caller, frames = ScriptedCaller(spoken, RATE), []

        async def listen():
            frames.extend([frame async for frame in caller.frames()])
            talking.cancel()

        async with asyncio.TaskGroup() as group:
            talking = group.create_task(agent(caller))
            group.create_task(listen())
        return caller, join(frames)

    return run_virtual(scene())


def times(caller):
    return [(said.start / RATE, said.end / RATE) for said in caller.said]


def test_a_line_comes_when_the_agent_has_been_silent_long_enough():
    caller, heard = call(script(line(after_agent_s=0.5)), agent_speaks((0.3, 2.0)))
    assert times(caller) == [(approx(2.5, abs=0.021), approx(3.5, abs=0.021))]
    assert caller.said[0].on_cue
    loud = np.flatnonzero(heard.samples)
    assert (loud[0], loud[-1] + 1) == (caller.said[0].start, caller.said[0].end)


def test_half_a_second_is_the_cue_when_none_is_given():
    caller, _ = call(script(line()), agent_speaks((0.3, 2.0)))
    assert times(caller)[0][0] == approx(2.5, abs=0.021)


def test_a_dip_shorter_than_the_cue_does_not_count():
    caller, _ = call(script(line(after_agent_s=0.5)), agent_speaks((0.3, 1.0), (1.4, 2.0)))
    assert times(caller)[0][0] == approx(2.5, abs=0.021)


def test_the_next_line_waits_for_an_answer():
    two = script(line(after_agent_s=0.5), line(after_agent_s=0.3))
    caller, _ = call(two, agent_speaks((0.3, 1.0), (3.5, 4.0)))
    assert times(caller) == [
        (approx(1.5, abs=0.021), approx(2.5, abs=0.021)),
        (approx(4.3, abs=0.021), approx(5.3, abs=0.021)),
    ]


def test_an_interruption_comes_into_the_agent_s_sound():
    spoken = script(line(into_agent_s=2.0, kind=LineKind.INTERRUPTION))
    caller, _ = call(spoken, agent_speaks((0.5, 6.0)))
    assert times(caller)[0][0] == approx(2.5, abs=0.021)


def test_a_pause_between_clauses_does_not_begin_a_new_sound():
    caller, _ = call(script(line(into_agent_s=2.0)), agent_speaks((0.5, 1.5), (1.9, 6.0)))
    assert times(caller)[0][0] == approx(2.5, abs=0.021)


def test_a_sound_after_a_long_pause_is_a_new_one():
    caller, _ = call(script(line(into_agent_s=2.0)), agent_speaks((0.5, 1.5), (2.2, 6.0)))
    assert times(caller)[0][0] == approx(4.2, abs=0.021)


def test_the_tail_of_an_interrupted_reply_is_not_an_answer():
    spoken = script(
        line(into_agent_s=1.0, kind=LineKind.INTERRUPTION), line(after_agent_s=0.5), line_s=0.2
    )
    caller, _ = call(spoken, agent_speaks((0.0, 1.6), (3.0, 4.0)))
    assert times(caller)[0][0] == approx(1.0, abs=0.021)
    assert times(caller)[1][0] == approx(4.5, abs=0.021)


def test_a_reply_that_goes_on_through_a_backchannel_is_the_next_cue():
    spoken = script(
        line(into_agent_s=1.0, kind=LineKind.BACKCHANNEL), line(after_agent_s=0.5), line_s=0.4
    )
    caller, _ = call(spoken, agent_speaks((0.0, 1.3)))
    assert times(caller)[1][0] == approx(1.8, abs=0.021)
    assert caller.said[1].on_cue


def test_patience_runs_out_only_while_both_are_silent():
    caller, _ = call(script(line(into_agent_s=9.0, patience_s=3.0)), agent_speaks((0.5, 5.0)))
    assert times(caller)[0][0] == approx(8.0, abs=0.021)
    assert not caller.said[0].on_cue


def test_an_agent_that_never_answers_gets_8_seconds():
    caller, _ = call(script(line()), agent_speaks())
    assert times(caller)[0][0] == approx(8.0, abs=0.021)


def test_an_agent_that_never_stops_does_not_hold_the_caller_for_ever():
    caller, _ = call(script(line()), agent_speaks((0.1, 300.0)))
    assert times(caller)[0][0] == approx(60.0, abs=0.021)


def test_the_caller_hangs_up_when_the_agent_has_been_silent_after_the_last_line():
    caller, heard = call(script(line(), linger_s=1.5), agent_speaks((0.0, 1.0), (3.0, 4.0)))
    assert heard.duration_s == approx(5.5, abs=0.021)
    assert not caller.circuit.is_open


def test_frames_are_on_time_and_without_gaps():
    caller, heard = call(script(line()), agent_speaks((0.0, 1.0)))
    assert heard.start == 0
    assert caller.circuit.pacer.late == 0
    assert caller.circuit.pacer.worst_late_s == approx(0, abs=1e-9)


def test_a_line_cut_by_hanging_up_ends_there():
    async def scene():
        caller = ScriptedCaller(script(line(patience_s=0.0)), RATE)
        async for frame in caller.frames():
            if frame.end == 8000:
                await caller.close()
        return caller.said

    (said,) = run_virtual(scene())
    assert (said.start, said.end) == (0, 8000)


def test_the_agent_is_heard_at_22050_hz_too():
    ear = Ear(22050)
    for _ in range(3):
        ear.hear(np.zeros(22050, np.float32))
        ear.hear(np.full(22050, 0.1, np.float32))
    assert ear.onset_s == approx(5.0, abs=0.01)
    assert ear.loud_until_s == approx(6.0, abs=0.01)


@mark.parametrize(("level_db", "is_speech"), [(-49.0, True), (-51.0, False)])
def test_speech_is_what_reaches_minus_50_dbfs(level_db, is_speech):
    ear = Ear(RATE)
    ear.hear(np.full(1600, 10 ** (level_db / 20), np.float32))
    assert (ear.onset_s is not None) == is_speech


def write_wav(path, seconds, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\x00\x40" * round(seconds * rate))


def test_a_script_is_read_with_recordings_and_pauses(tmp_path):
    write_wav(tmp_path / "a.wav", 0.5)
    write_wav(tmp_path / "b.wav", 0.25, rate=22050)
    (tmp_path / "script.toml").write_text(
        'linger_s = 2\n[[line]]\nwav = "a.wav"\ntext = "hello"\nafter_agent_s = 0.4\n'
        '[[line]]\nparts = ["a.wav", 0.8, "b.wav"]\nkind = "interruption"\ninto_agent_s = 2\n'
    )
    spoken = load_script(tmp_path / "script.toml", RATE)
    first, second = spoken.script.line
    assert (first.text, first.kind, first.after_agent_s) == ("hello", LineKind.TURN, 0.4)
    assert (second.kind, second.into_agent_s, second.patience_s) == ("interruption", 2.0, 8.0)
    assert spoken.script.linger_s == 2.0
    assert [len(sound) for sound in spoken.sounds] == [8000, 8000 + 12800 + 4000]


@mark.parametrize(
    ("content", "sentence"),
    [
        ("", r"expected at least one \[\[line\]\], found none"),
        ("line = 3", r"expected at least one \[\[line\]\]"),
        ("[[line", "expected TOML, found a mistake"),
        ("[[line]]\ntext = 'a'", "expected one of wav and parts, found both or none"),
        ("[[line]]\nwav = 'a.wav'\nparts = [0.5]", "found both or none"),
        ("[[line]]\nwav = 'a.wav'\nwen = 1", "unknown key wen"),
        ("[[line]]\nwav = 'a.wav'\nafter_agent_s = 1\ninto_agent_s = 1", "at most one cue"),
        ("[[line]]\nwav = 'a.wav'\npatience_s = -1", "found a negative one"),
        ("[[line]]\nparts = [true]", "expected file names and seconds of silence, found True"),
        ("[[line]]\nparts = [-0.5]", r"seconds of silence, found -0\.5"),
        ("[[line]]\nwav = 'a.wav'\nkind = 'shout'", "one of turn, backchannel, interruption"),
        ("[[line]]\nwav = 'missing.wav'", r"missing\.wav: expected a WAV file, found none"),
    ],
)
def test_a_script_with_a_mistake_is_refused_in_words(tmp_path, content, sentence):
    (tmp_path / "script.toml").write_text(content)
    with raises(ConfigError, match=sentence):
        load_script(tmp_path / "script.toml", RATE)


def test_a_missing_script_is_named(tmp_path):
    with raises(ConfigError, match="expected a script, found none that can be read"):
        load_script(tmp_path / "none.toml", RATE)
