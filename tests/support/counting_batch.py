"""A batch without a model: each row counts, so that whatever touches it shows."""

import numpy as np

from agent.core.errors import EngineFailed
from pipelines.engines.moshi_batch import Answer, Stepped
from pipelines.engines.moshi_laps import Laps
from pipelines.engines.moshi_text import Vocabulary

RATE, FRAME, PAD = 24_000, 1920, 3
WORDS = Vocabulary(["<unk>", "▁one", "▁two", "<pad>"], (0, PAD))


class CountingBatch:
    """Answers with the mean of what it heard plus the number of its row's steps since it was wiped.

    The first step after a wipe has no answer; with `is_quiet` the others are silent. `steps` and
    `log` say what it was asked for.
    """

    rate, frame_samples, words = RATE, FRAME, WORDS

    def __init__(self, slots=4):
        self.slots = slots
        self.count = [0] * slots
        self.log = []
        self.fail_at = None
        self.closed = False
        self.is_quiet = False

    def told(self, prompt):
        if prompt.voice:
            raise EngineFailed("counting", f"no voice {prompt.voice}")
        return list(prompt.text)

    def wipe(self, slots):
        self.log.append(("wipe", sorted(slots)))
        for slot in slots:
            self.count[slot] = 0

    def begin_anew(self, slots):
        self.log.append(("renew", sorted(slots)))
        for slot in slots:
            self.count[slot] = 0

    def step(self, frames):
        self.log.append(("step", sorted(frames)))
        if len(self.steps) == self.fail_at:
            raise RuntimeError("out of memory")
        answers = {}
        for slot, samples in frames.items():
            self.count[slot] += 1
            value = np.float32(np.mean(samples) + self.count[slot])
            sound = np.full(FRAME, value, np.float32)
            token = 1 + slot % 2
            if self.is_quiet:
                sound, token = np.zeros(FRAME, np.float32), PAD
            first = self.count[slot] == 1
            answers[slot] = Answer(None, None) if first else Answer(sound, token)
        return Stepped(answers, Laps(0.001, 0.001, 0.001, 0.001))

    def force(self, forced):
        self.log.append(("force", dict(forced)))

    def close(self):
        self.closed = True

    @property
    def steps(self):
        return [slots for what, slots in self.log if what == "step"]
