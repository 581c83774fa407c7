"""PocketSphinx understands what it expects, hears when it is something else, and survives."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
from pytest import fixture, mark, raises

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed, EngineTooSlow, EngineUnavailable
from agent.core.protocols import Expectation
from audio_io.codecs import mulaw_decode, mulaw_encode
from audio_io.resample import resampled
from audio_io.wav_file import read_wav
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.grammar import grammar
from pipelines.engines import pocketsphinx, sphinx_process
from pipelines.engines.pocketsphinx import PocketSphinx, PocketSphinxSettings
from tests.contracts.voices import spoken
from tests.support.tools import tool

pytestmark = mark.models

CONFIGS = Path(__file__).parents[2] / "configs"
DESK = (
    "#JSGF V1.0;\ngrammar desk;\npublic <desk> = <table> | <small> | where are you located;\n"
    "<table> = [i would like] a table for <number> people;\n"
    "<number> = two | three | four | five;\n<small> = yes | no | right | i see | okay | mm-hmm;\n"
)


@fixture
def engine():
    made = PocketSphinx.load(PocketSphinxSettings(decoders=1))
    yield made
    made.close()


async def final(engine, sound, grammar="", phrases=()):
    recognition = await engine.open(1, Expectation(phrases, grammar))
    try:
        await recognition.feed(sound)
        return (await recognition.finish()).text
    finally:
        await recognition.close()


@mark.parametrize(
    "words",
    ["i would like a table for four people", "a table for two people", "where are you located"],
)
def test_it_understands_what_the_grammar_expects(engine, words):
    assert asyncio.run(final(engine, spoken(words), DESK)) == words


@mark.parametrize("words", ["right", "i see"])
def test_it_understands_small_words(engine, words):
    assert asyncio.run(final(engine, spoken(words), DESK)) == words


def on_a_line(words, folder):
    """A voice of flite's as a telephone brings it, in frames of 32 ms, with a pause before it."""
    path = folder / "line.wav"
    subprocess.run([tool("flite"), "-voice", "awb", "-t", words, "-o", str(path)], check=True)
    wide = np.concatenate([np.zeros(4_800, np.float32), read_wav(path).at(16_000)])
    line = resampled(mulaw_decode(mulaw_encode(resampled(wide, 16_000, 8_000))), 8_000, 16_000)
    starts = range(0, len(line) - 511, 512)
    return [AudioFrame(line[at : at + 512], 16_000, at) for at in starts]


@mark.parametrize(("tolerance", "believed"), [(0.45, True), (0.35, False)])
def test_on_a_telephone_line_a_little_more_of_what_is_expected_is_believed(
    tolerance, believed, tmp_path
):
    flow = load_flow(tomllib.loads((CONFIGS / "phone.toml").read_text("utf-8"))["flow"], "flow")
    words, expected = "nine o'clock please", Expectation((), grammar(flow, "table", "time"))

    async def scene(engine):
        recognition = await engine.open(1, expected)
        for frame in on_a_line(words, tmp_path):
            await recognition.feed(frame)
        text = (await recognition.finish()).text
        await recognition.close()
        return text

    engine = PocketSphinx.load(PocketSphinxSettings(decoders=1, tolerance=tolerance))
    try:
        assert asyncio.run(scene(engine)).endswith(words) is believed
    finally:
        engine.close()


def test_what_the_grammar_does_not_expect_is_not_forced_into_it(engine):
    sound = spoken("my uncle has been painting the garden fence since yesterday")
    phrases = ("a table for two people", "where are you located", "yes", "no")
    heard = asyncio.run(final(engine, sound, phrases=phrases))
    assert heard
    assert heard not in phrases


def test_a_grammar_can_change_from_segment_to_segment(engine):
    sound = spoken("where are you located")

    async def thrice():
        return [await final(engine, sound, phrases=p) for p in (("yes", "no"), (), ("yes",))] + [
            await final(engine, sound, DESK)
        ]

    *free, expected = asyncio.run(thrice())
    assert expected == "where are you located"
    assert free[0] == free[1] == free[2] != ""


def test_more_grammars_than_are_kept_work_in_any_order(engine):
    sound = spoken("where are you located")
    grammars = [("where are you located", f"number {n}") for n in ("one two three".split() * 4)]
    many = [("where are you located", *["yes"] * 1, *"a b c d e f g h i j".split()[:n])
            for n in range(11)]  # fmt: skip

    async def all_of_them():
        return {await final(engine, sound, phrases=p) for p in (*grammars, *many, *grammars)}

    assert asyncio.run(all_of_them()) == {"where are you located"}


def test_words_missing_from_the_dictionary_are_said_as_espeak_says_them(engine):
    phrases = ("put me through to tokodemo", "yes")
    assert asyncio.run(final(engine, spoken(phrases[0]), phrases=phrases)) == phrases[0]


def test_a_word_that_nobody_can_say_is_named_and_the_next_segment_works(engine):
    sound = spoken("where are you located")
    bad = "#JSGF V1.0; grammar g; public <g> = yes | \u200b;"
    with raises(EngineFailed, match="cannot be pronounced"):
        asyncio.run(final(engine, sound, bad))
    assert asyncio.run(final(engine, sound, DESK)) == "where are you located"


def test_a_grammar_that_is_none_is_shown_and_the_next_segment_works(engine):
    sound = spoken("where are you located")
    with raises(EngineFailed, match=r"expected a JSGF grammar.*yes please"):
        asyncio.run(final(engine, sound, "yes please"))
    assert asyncio.run(final(engine, sound, DESK)) == "where are you located"


def test_another_rate_is_refused(engine):
    with raises(EngineFailed, match="expected sound at 16000 Hz, found 8000 Hz"):
        asyncio.run(final(engine, AudioFrame(np.zeros(800, np.float32), 8_000, 0)))


def test_a_closed_recognition_takes_no_more_sound(engine):
    sound = spoken("yes")

    async def closed():
        recognition = await engine.open(1, Expectation())
        await recognition.close()
        await recognition.feed(sound)

    with raises(EngineFailed, match="closed"):
        asyncio.run(closed())


def worker_ids():
    """The processes that run the worker's program: their parents, by number."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
            command = (entry.parent / "cmdline").read_text()
        except OSError:
            continue  # it has just ended
        if state != "Z" and "sphinx_worker" in command:
            found[int(entry.parent.name)] = int(parent)
    return found


def children_of(*parents):
    """Those workers whose parent is one of these."""
    return [number for number, parent in worker_ids().items() if parent in parents]


def sockets_of(number):
    """How many sockets a process holds."""
    links = [str(entry.readlink()) for entry in Path(f"/proc/{number}/fd").iterdir()]
    return sum(link.startswith("socket:") for link in links)


def until(is_so):
    """Wait for what another process does in its own time; it may be loading its model."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)  # noqa: TID251  # another process ends in its own time


def test_a_worker_that_dies_fails_its_segment_and_the_next_has_a_new_one(engine):
    sound = spoken("where are you located")

    async def dying():
        recognition = await engine.open(1, Expectation((), DESK))
        try:
            await recognition.feed(sound)
            (worker,) = children_of(*children_of(os.getpid()))
            os.kill(worker, signal.SIGKILL)
            await recognition.finish()
        finally:
            await recognition.close()

    with raises(EngineFailed, match="worker process"):
        asyncio.run(dying())
    assert asyncio.run(final(engine, sound, DESK)) == "where are you located"


def test_segments_outlive_the_process_that_loaded_the_model_and_the_next_has_a_new_one():
    sound = spoken("where are you located")

    async def scene(engine):
        recognition = await engine.open(1, Expectation((), DESK))
        (server,) = children_of(os.getpid())
        (orphan,) = children_of(server)
        os.kill(server, signal.SIGKILL)
        await recognition.feed(sound)
        texts = [await final(engine, sound, DESK), (await recognition.finish()).text]
        await recognition.close()
        return server, orphan, texts, children_of(os.getpid())

    made = PocketSphinx.load(PocketSphinxSettings())
    try:
        server, orphan, texts, servers = asyncio.run(scene(made))
    finally:
        made.close()
    assert texts == ["where are you located"] * 2
    assert servers != [server]
    until(lambda: not children_of(os.getpid()) and orphan not in worker_ids())


def test_many_segments_at_once_share_one_model():
    sound = spoken("where are you located")

    async def scene(engine):
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(final(engine, sound, DESK)) for _ in range(6)]
        servers = children_of(os.getpid())
        lines = [sockets_of(decoder) for decoder in children_of(*servers)]
        return [call.result() for call in calls], len(servers), lines

    made = PocketSphinx.load(PocketSphinxSettings(decoders=5))
    try:
        texts, servers, lines = asyncio.run(scene(made))
    finally:
        made.close()
    assert texts == ["where are you located"] * 6
    assert servers == 1
    assert lines == [1] * 5  # each its own, and nobody else's


def test_a_decoder_that_hangs_is_killed_and_leaves_no_process(monkeypatch):
    monkeypatch.setattr(sphinx_process, "_ANSWER_S", 5.0)

    async def scene(engine):
        recognition = await engine.open(1, Expectation())
        (server,) = children_of(os.getpid())
        (decoder,) = children_of(server)
        os.kill(decoder, signal.SIGSTOP)
        with raises(EngineTooSlow, match=r"within 5\.0 s"):
            await recognition.finish()
        await recognition.close()
        until(lambda: decoder not in worker_ids())
        return await final(engine, spoken("where are you located"), DESK)

    made = PocketSphinx.load(PocketSphinxSettings())
    try:
        assert asyncio.run(scene(made)) == "where are you located"
    finally:
        made.close()


def test_where_forks_are_not_safe_each_decoder_loads_its_model(monkeypatch):
    monkeypatch.setattr(sphinx_process, "_FORKS", False)
    sound = spoken("where are you located")

    async def scene(engine):
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(final(engine, sound, DESK)) for _ in range(2)]
        return [call.result() for call in calls], len(children_of(os.getpid()))

    made = PocketSphinx.load(PocketSphinxSettings())
    try:
        assert asyncio.run(scene(made)) == (["where are you located"] * 2, 2)
    finally:
        made.close()
    until(lambda: not children_of(os.getpid()))


def test_no_process_is_left_when_the_engine_is_closed():
    made = PocketSphinx.load(PocketSphinxSettings())
    assert len(children_of(os.getpid())) == 1
    asyncio.run(final(made, spoken("where are you located"), DESK))
    (decoder,) = children_of(*children_of(os.getpid()))
    made.close()
    until(lambda: not children_of(os.getpid()) and decoder not in worker_ids())


def test_a_worker_does_not_outlive_its_parent():
    program = (
        "import os, signal\n"
        "from pipelines.engines.pocketsphinx import PocketSphinx, PocketSphinxSettings\n"
        "from tests.models.test_pocketsphinx import DESK, children_of, final, spoken\n"
        "import asyncio\n"
        "engine = PocketSphinx.load(PocketSphinxSettings())\n"
        "asyncio.run(final(engine, spoken('where are you located'), DESK))\n"
        "servers = children_of(os.getpid())\n"
        "print(*servers, *children_of(*servers), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        check=False,
    )
    workers = {int(number) for number in done.stdout.split()}
    assert len(workers) == 2
    until(lambda: not workers.intersection(worker_ids()))


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(pocketsphinx, "find_spec", lambda name: None)
    with raises(EngineUnavailable, match=r"pip install 'parley\[offline\]'"):
        PocketSphinx.load(PocketSphinxSettings())


def test_a_missing_model_file_is_named(tmp_path):
    settings = PocketSphinxSettings(language_model=str(tmp_path / "none.lm"))
    with raises(EngineUnavailable, match=r"none\.lm"):
        PocketSphinx.load(settings)


@mark.parametrize("values", [{"decoders": -1}, {"decoders": 65}, {"tolerance": 1.1}])
def test_settings_out_of_range_are_refused_by_name(values):
    with raises(ValueError, match=next(iter(values))):
        PocketSphinxSettings(**values)
