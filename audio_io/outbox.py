"""What waits to be sent to a far side, in order."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

M = TypeVar("M", bound=bytes | str)


class Outbox(Generic[M]):
    """Sound and words for one far side. Sound that a slow reader leaves waiting goes, oldest first.

    Attributes:
        dropped: messages of sound that went because the far side read too slowly.
    """

    def __init__(self, limit: int) -> None:
        """An empty one, for at most `limit` messages of sound."""
        self._limit = limit
        self._waiting: deque[tuple[bool, M]] = deque()  # whether it is sound, and what
        self._news = asyncio.Event()
        self._closed = False
        self.dropped = 0

    def __len__(self) -> int:
        """Messages waiting."""
        return len(self._waiting)

    @property
    def words(self) -> list[M]:
        """What waits and is no sound."""
        return [message for is_sound, message in self._waiting if not is_sound]

    def sound(self, data: M) -> None:
        """Sound, as it goes over the wire."""
        self._put((True, data))
        sounds = [item for item in self._waiting if item[0]]
        if len(sounds) > self._limit:
            self._waiting.remove(sounds[0])
            self.dropped += 1

    def say(self, message: M) -> None:
        """Anything else: it stays, also when sound is dropped."""
        self._put((False, message))

    def drop_sound(self) -> int:
        """Take back all sound that was not sent; how many messages that was."""
        before = len(self._waiting)
        self._waiting = deque(item for item in self._waiting if not item[0])
        return before - len(self._waiting)

    def close(self, *last: M) -> None:
        """These are the last messages, after the words that wait; what is said later is lost."""
        if self._closed:
            return
        self.drop_sound()
        for message in last:
            self.say(message)
        self._closed = True
        self._news.set()

    def look_again(self) -> None:
        """Sound that might not go may go now."""
        self._news.set()

    async def next(self, may_sound: Callable[[], bool] = lambda: True) -> M | None:
        """The next message, or None when there will be none.

        Args:
            may_sound: whether sound may go now; where not, words overtake it. Asked again when
                something new waits, and when told to look again.
        """
        while True:
            for at, (is_sound, message) in enumerate(self._waiting):
                if not is_sound or may_sound():
                    del self._waiting[at]
                    return message
            if self._closed:
                return None
            self._news.clear()
            await self._news.wait()

    def _put(self, item: tuple[bool, M]) -> None:
        if not self._closed:
            self._waiting.append(item)
            self._news.set()
