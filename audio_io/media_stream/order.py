"""Sound of a media stream in its order, with silence where some is missing. Pure."""

from audio_io.media_stream.wire import Gaps, Sound

Piece = bytes | int
"""Sound as it came, or how many samples are missing."""

_MOST_MISSING_S = 5.0  # a longer gap is another clock, not missing sound
_WAITING = 4  # messages, 80 ms: so long one is waited for that others have overtaken
_RESTART = 100  # a number so far off does not belong to this row


class InOrder:
    """The messages of one stream.

    Attributes:
        missing: samples that never came.
        late: messages that came twice, or after they had been given up.
    """

    def __init__(self, gaps: Gaps, rate: int, sample_bytes: int) -> None:
        """What tells of gaps, and of how many samples a second and bytes a sample."""
        self._gaps = gaps
        self._rate = rate
        self._sample_bytes = sample_bytes
        self._due_ms: float | None = None  # where the next sound belongs
        self._next: int | None = None  # the number of the next message
        self._waiting: dict[int, bytes] = {}  # those that came before their turn, by number
        self.missing = 0
        self.late = 0

    def take(self, sound: Sound) -> list[Piece]:
        """The next message; what can be heard now."""
        if self._gaps is Gaps.TIME and sound.at_ms is not None:
            return self._by_time(sound.payload, sound.at_ms)
        if self._gaps is Gaps.CHUNK and sound.chunk is not None:
            return self._by_chunk(sound.payload, sound.chunk)
        return [sound.payload]

    def _by_time(self, data: bytes, at_ms: int) -> list[Piece]:
        length_ms = len(data) / self._sample_bytes * 1000 / self._rate
        gap_ms = 0.0 if self._due_ms is None else at_ms - self._due_ms
        self._due_ms = at_ms + length_ms
        # Half a message: the times are rounded, and a whole one is the least that can be missing.
        if length_ms / 2 < gap_ms <= _MOST_MISSING_S * 1000:
            return [self._missed(round(gap_ms * self._rate / 1000)), data]
        return [data]

    def _by_chunk(self, data: bytes, number: int) -> list[Piece]:
        if self._next is None or abs(number - self._next) > _RESTART:
            self._next, rest = number, self._all_waiting()
            return rest + self._by_chunk(data, number)
        if number < self._next or number in self._waiting:
            self.late += 1
            return []
        self._waiting[number] = data
        pieces = self._in_order()
        if len(self._waiting) > _WAITING:
            first = min(self._waiting)
            each = len(self._waiting[first]) // self._sample_bytes
            pieces.append(self._missed((first - self._next) * each))
            self._next = first
        return pieces + self._in_order()

    def _in_order(self) -> list[Piece]:
        pieces: list[Piece] = []
        while self._next is not None and self._next in self._waiting:
            pieces.append(self._waiting.pop(self._next))
            self._next += 1
        return pieces

    def _all_waiting(self) -> list[Piece]:
        pieces: list[Piece] = [self._waiting[number] for number in sorted(self._waiting)]
        self._waiting.clear()
        return pieces

    def _missed(self, samples: int) -> int:
        samples = min(samples, round(_MOST_MISSING_S * self._rate))
        self.missing += samples
        return samples
