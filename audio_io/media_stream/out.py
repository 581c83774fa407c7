"""What a media stream sends: sound in messages, marks, clears, and how far the caller is. Pure."""

from collections import deque

from agent.core.audio import Samples
from audio_io.media_stream.marks import Marks
from audio_io.media_stream.wire import Begun, Dialect, Message, encoded
from audio_io.pacing import PlayoutClock

LEAD_S = 0.04  # a frame is sent when this much waits at the provider: never more than 60 ms there


class Outgoing:
    """The messages of one stream that wait to be sent, and what came of those that were.

    Times are loop time in seconds.
    """

    def __init__(self, dialect: Dialect, begun: Begun) -> None:
        self._dialect = dialect
        self._begun = begun
        self._clock = PlayoutClock(begun.rate)
        self._marks = Marks(begun.rate)
        self._batch = b""  # coded sound that is too short for a message
        self._waiting: deque[tuple[bool, Message]] = deque()  # whether it goes with sound, and what
        least_s = dialect.least_bytes / begun.coding.sample_bytes / begun.rate
        self._lead_s = max(LEAD_S, least_s)

    def __len__(self) -> int:
        """Messages waiting."""
        return len(self._waiting)

    def put(self, samples: Samples, now: float) -> float:
        """More sound, float32 [n]; when the sound after it is due: while at most 40 ms wait at the
        provider, or one message of the least length it takes."""
        sounds_until = self._clock.put(len(samples), now)
        self._batch += encoded(self._begun.coding, samples)
        if len(self._batch) >= self._dialect.least_bytes:
            self._post_batch()
        return sounds_until - self._lead_s

    def say(self, message: str) -> None:
        """Anything else: it stays when sound is taken back."""
        self._waiting.append((False, message))

    def flush(self, now: float) -> None:
        """Drop what was not sent, and have the provider drop what it has not played, if it can."""
        if self._dialect.clear is None:
            return
        self._clock.flush(now)
        self._marks.flush(self._clock.handed)
        self.drop_sound()
        clears = self._dialect.clear(self._begun)
        if (False, clears[0]) not in self._waiting:  # nothing is between it and this one
            self._waiting.extend((False, message) for message in clears)

    def drop_sound(self) -> None:
        """Drop what was not sent."""
        self._batch = b""
        self._waiting = deque(item for item in self._waiting if not item[0])

    def marked(self, name: str) -> None:
        """A mark came back."""
        self._marks.returned(name)

    def played(self, now: float) -> int:
        """Samples played or taken back: by the provider's marks, or else by our clock."""
        by_clock = self._clock.played(now)
        return by_clock if self._dialect.mark is None else self._marks.played(by_clock)

    def next(self) -> Message:
        """The oldest message; there must be one."""
        return self._waiting.popleft()[1]

    def _post_batch(self) -> None:
        data, self._batch = self._batch, b""
        self._waiting.append((True, self._dialect.sound(self._begun, data)))
        if self._dialect.mark is None:
            return  # one that is asked for and never comes back would be kept for the whole call
        mark = self._marks.sent(len(data) // self._begun.coding.sample_bytes)
        if mark is not None:
            self._waiting.append((True, self._dialect.mark(self._begun, mark)))
