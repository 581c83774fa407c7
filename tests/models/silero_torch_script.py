"""Run where torch is: the speech probabilities of a sound in a file, by Silero's own package."""

import sys

import numpy as np

from pipelines.engines.silero_torch import SileroTorch


def probabilities(samples):
    """One per 512 samples; two streams at once must not mix."""
    engine = SileroTorch.load()
    state, other, found = engine.open(), engine.open(), []
    for start in range(0, len(samples) - 511, 512):
        state, probability = engine.step(state, samples[start : start + 512])
        other, _ = engine.step(other, np.zeros(512, np.float32))
        found.append(probability)
    return found


if __name__ == "__main__":
    np.save(sys.argv[2], probabilities(np.load(sys.argv[1])))
