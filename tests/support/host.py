"""An agent for tests of a client: tones instead of words, and notes as a pipeline sends them."""

import asyncio
import contextlib

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.calls import Note
from agent.core.errors import CallClosed
from agent.core.events import Digit, Typed

GREETING_HZ, STORY_HZ = 440.0, 660.0
GREETING_S = 1.0
STORY = "Once upon a time there was a very long story"
LOUD = 0.02  # of full scale, RMS of a frame: a voice, not a room


class Host:
    """One call: greets, tells a long story when asked in writing, stops when spoken to."""

    def __init__(self, call):
        self._call = call
        self._reply = 0
        self._left = 0  # frames of the present reply still to come
        self._hz = GREETING_HZ
        self._sent = 0
        self._text = ""

    async def talk(self):
        """Until the caller hangs up."""
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(self._speak())
            await self._listen()
            speaking.cancel()

    async def _listen(self):
        async for item in self._call.frames():
            match item:
                case Typed("bye"):
                    await self._call.close()
                case Typed("story"):
                    self._begin(STORY, STORY_HZ, 20.0)
                case Typed(text):
                    self._begin(f"You wrote {text}", GREETING_HZ, 0.5)
                case Digit(digit):
                    self._begin(f"You pressed {digit}", GREETING_HZ, 0.5)
                case AudioFrame() if self._is_interrupted(item):
                    self._cut()

    def _is_interrupted(self, frame):
        loud = float(np.sqrt(np.mean(frame.samples**2))) > LOUD
        return loud and self._left > 0 and self._hz == STORY_HZ

    def _begin(self, text, hz, length_s):
        if self._left:
            self._cut()
        self._reply += 1
        self._text, self._hz, self._left = text, hz, round(length_s * 50)
        self._floor("agent")
        self._caption(final=False)

    def _cut(self):
        self._floor("overlap")
        self._call.flush()
        self._left = 0
        self._caption(final=True, cut=True, text=" ".join(self._text.split()[:4]))
        self._floor("user")

    async def _speak(self):
        self._begin("Hello, I am a tone", GREETING_HZ, GREETING_S)
        with contextlib.suppress(CallClosed):
            while True:
                await self._frame(self._call.frame_samples, self._call.play_rate)

    async def _frame(self, count, rate):
        at = np.arange(self._sent, self._sent + count) / rate
        loud = 0.2 if self._left else 0.0
        samples = (loud * np.sin(2 * np.pi * self._hz * at)).astype(np.float32)
        await self._call.play(AudioFrame(samples, rate, self._sent))
        self._sent += count
        if self._left:
            self._left -= 1
            if not self._left:
                self._caption(final=True, cut=False)
                self._floor("open")

    def _floor(self, floor):
        self._call.tell(Note("floor", {"floor": floor}))

    def _caption(self, text="", **fields):
        data = {"who": "agent", "reply": self._reply, "text": text or self._text, **fields}
        self._call.tell(Note("caption", data))


async def host(call):
    """Takes one call."""
    await Host(call).talk()
