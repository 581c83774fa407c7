"""A table is booked over a real telephone call: by voice, and with keys alone."""

import asyncio
import subprocess

from pytest import fixture, mark

from agent.commands.recorded import hold
from agent.config import load
from agent.wiring import build
from audio_io.wav_file import read_wav
from tests.support import asterisk
from tests.support.asterisk_calls import answering, calling, served
from tests.support.asterisk_files import APPLICATION, JSON
from tests.support.baresip import RATE
from tests.support.tools import package, tool

pytestmark = [mark.e2e, mark.models, mark.peers]  # real engines: the limits of a test are theirs


@fixture(scope="module")
def exchange():
    with asterisk.running() as running:
        yield running


VOICE = ["I'd like a table for four people on friday.", "At seven thirty.", "Yes, please."]
KEYS = ["3", "4", "5", "1930", "1"]


def spoken(text, folder):
    """A line in the voice of the demo's caller, at a telephone's rate; keys stay what they are."""
    if text in KEYS:
        return text
    path = folder / "line.wav"
    subprocess.run([tool("flite"), "-voice", "rms", "-t", text, "-o", str(path)], check=True)
    return read_wav(path).at(RATE)


@mark.parametrize(
    ("extension", "lines"),
    [(APPLICATION, VOICE), (JSON, KEYS)],
    ids=["voice-audiosocket", "keys-websocket"],
)
def test_a_table_is_booked_on_the_telephone(exchange, extension, lines, tmp_path):
    package("pocketsphinx")
    package("espeakng_loader")

    said = [spoken(line, tmp_path) for line in lines]

    async def scene(desk):
        events = []

        def trace(event, /, **fields):
            events.append((event, fields))

        async def agent(call):
            await hold(desk, call, trace)

        async with served(exchange, agent), calling(exchange, extension) as handset:
            await answering(handset, *said)
        return events

    with build(load("phone")) as desk:
        events = asyncio.run(scene(desk))
    booked = [fields for event, fields in events if event == "tool"]
    assert [fields["name"] for fields in booked] == ["book_table"], events
    assert booked[0]["arguments"] == {"people": 4, "day": "friday", "time": "19:30"}
