"""An engine of RealtimeTTS: a tone of 50 ms for each word, stopped between two words."""

import numpy as np
from RealtimeTTS.engines.base_engine import BaseEngine

INT16, FLOAT32, COMPRESSED = 8, 1, 65_536  # PortAudio's numbers, so that PyAudio is not needed
RATE = 16_000


class ToneEngine(BaseEngine):
    """As its makers want engines to be."""

    def __init__(self, *, is_float=False, is_compressed=False):
        self._kind = COMPRESSED if is_compressed else FLOAT32 if is_float else INT16
        self.said = []
        self.chunks = 0

    def get_stream_info(self):
        return self._kind, 1, RATE

    def synthesize(self, text, sentence_count=0):
        super().synthesize(text, sentence_count)
        if text == "unspeakable":
            return False
        self.said.append(text)
        tone = 0.3 * np.sin(np.arange(RATE // 20) * 0.1)
        for _ in text.split():
            if self.stop_synthesis_event.wait(0.001):
                return False
            self.chunks += 1
            self.queue.put(
                tone.astype("<f4").tobytes()
                if self._kind == FLOAT32
                else (tone * 32767).astype("<i2").tobytes()
            )
        return True


class CoquiEngine(ToneEngine):
    """As that of RealtimeTTS 0.8.10: once stopped, it is one sentence behind for good."""

    def __init__(self):
        super().__init__()
        self._is_behind = False

    def synthesize(self, text, sentence_count=0):
        if self._is_behind:
            return True
        is_whole = super().synthesize(text, sentence_count)
        self._is_behind = not is_whole
        return is_whole
