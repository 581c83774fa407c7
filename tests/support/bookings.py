"""A caller who books a table at the restaurant desk of configs/phone.toml, on a telephone line."""

import asyncio
import contextlib
import subprocess

from agent.commands.recorded import hold
from agent.config import load
from agent.wiring import build
from audio_io.wav_file import read_wav
from tests.support.baresip import RATE
from tests.support.tools import package, tool

KEYS = ("3", "4", "5", "1930", "1")
BOOKED = {"people": 4, "day": "friday", "time": "19:30"}
READ_BACK = "a table for four, Friday at half past seven. Shall I book it"
ANSWERS = {
    "How can I help you?": "I'd like a table for four people on friday.",
    "What can I do for you?": "I'd like a table for four people on friday.",
    "For how many people?": "For four people.",
    "For which day?": "On friday.",
    "At what time?": "At seven thirty.",
    "Shall I book it": "No, for four people on friday at seven thirty.",
    READ_BACK: "Yes.",  # in one breath: a busy recogniser may be late with what follows a pause
}
DONE = "Your table is booked."
REACTION_S = 0.5
PATIENCE_S = 100  # a busy machine understands more slowly than people speak


def spoken(line, folder):
    """A line in the voice of the demo's caller, float32 at a telephone's rate."""
    path = folder / "line.wav"
    subprocess.run([tool("flite"), "-voice", "rms", "-t", line, "-o", str(path)], check=True)
    return read_wav(path).at(RATE)


@contextlib.contextmanager
def desk():
    """An agent that books tables, and its trace, which grows."""
    package("pocketsphinx")
    package("espeakng_loader")
    events = []

    def trace(event, /, **fields):
        events.append((event, fields))

    with build(load("phone")) as built:

        async def agent(call):
            await hold(built, call, trace)

        yield agent, events


async def talk(handset, events, folder):
    """Answer each question that was asked to its end, again where it is asked again; say yes only
    to what is right, as a busy machine mishears more; hang up when the table is booked."""
    lines = {question: spoken(line, folder) for question, line in ANSWERS.items()}
    answered = 0
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await asyncio.sleep(0.05)
            heard = [fields["text"] for event, fields in events if event == "heard"]
            if len(heard) == answered:
                continue
            answered = len(heard)
            if DONE in heard[-1]:
                break
            asked = [line for question, line in lines.items() if question in heard[-1]]
            if asked:
                await asyncio.sleep(REACTION_S)
                handset.say(asked[-1])
    handset.hang_up()


def booking(events):
    """What was booked; nothing else was done."""
    tools = [fields for event, fields in events if event == "tool"]
    done = [fields["name"] for fields in tools]
    assert done == ["book_table"], [fields for event, fields in events if event == "heard"]
    return tools[0]["arguments"]
