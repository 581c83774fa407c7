"""Whether what the linear canceller leaves is the caller, or only more echo. Pure."""

from collections import deque
from enum import Enum, auto
from itertools import islice

import numpy as np

from agent.core.audio import Samples

_REST_S = 0.03  # the loudness of what is left: a syllable's onset must open within it
_MATCH_S = 0.3  # does the expected echo fit the microphone: long enough to average the caller out
_HOLD_S = 0.1  # stays open after the last sound of the caller: the stops inside words
_DECAY_DB_S = 80.0  # a room of 0.75 s of reverberation
_REACH_S = 0.35  # the latest echo that is reckoned with before the delay was found
_WINDOW_S = 0.25  # the loudest the path can be, as seen in one window
_WINDOWS = 4
_FITS = (0.5, 1.6)  # microphone by expected echo, 1 when the path is known
_WORSE = 1.3  # of the power of the microphone is left: the filter adds an echo of its own
_OVER_KNOWN_DB = -4.0  # over the expected echo: loudspeakers that bend leave −14 dB, with peaks
_OVER_LOUDEST_DB = 4.0  # over the loudest echo there can be
_LOUDEST_DB = 3.0  # echo over the voice played, before anything is known
_RISE = 2.0  # 3 dB in a window: a caller keeps the floor for a second or two, an echo does not
_FRESH = 0.05  # of the loudest, on average: the agent speaks, and does not only echo
_SPEAKS_DB = -50.0  # the agent is heard above this level
_QUIET_DB = -60.0  # nobody who is quieter has to be heard over the agent
_SILENT = 1e-10


class Path(Enum):
    """What is known of the way from the loudspeaker to the microphone."""

    UNKNOWN = auto()
    KNOWN = auto()


class Gate:
    """Open for the caller, shut for what is left of the echo.

    While the filter's echo fits the microphone's, whoever is louder than a part of it is the
    caller. While it does not, at first and after a change, whoever is louder than the loudest
    echo that the path has let us see, which at first is an echo as loud as the voice itself: a
    caller must be louder than the agent for about its first second of speech in a call.

    Attributes:
        path: whether the filter's echo fits.
        coupling: power of the echo by that of the voice played, at most.
        leak: how much of the microphone's power the filter leaves while only the echo is heard.
    """

    def __init__(self, rate: int, block: int) -> None:
        block_s = block / rate
        self._rest_step = block_s / _REST_S
        self._match_step = block_s / _MATCH_S
        self._hold = round(_HOLD_S / block_s)
        self._decay = 10 ** (-_DECAY_DB_S * block_s / 10)
        self._window = round(_WINDOW_S / block_s)
        reach = round(_REACH_S / block_s)
        self._played: deque[float] = deque([0.0] * reach, maxlen=reach)
        self._oldest = reach // 4
        self._couplings: deque[float] = deque(maxlen=_WINDOWS)
        self._leaks: deque[float] = deque(maxlen=_WINDOWS)
        self._sums = np.zeros(5)  # of the present window: blocks, and four powers
        self._match = np.zeros(2)  # microphone times expected echo, and that echo squared
        self._microphone = self._rest = self._echo = self._voice = 0.0
        self._open_for = 0
        self.path = Path.UNKNOWN
        self.leak = 1.0
        self.coupling = 10 ** (_LOUDEST_DB / 10)

    @property
    def is_far(self) -> bool:
        """The agent's voice may be in the room."""
        return self._voice > 10 ** (_SPEAKS_DB / 10)

    @property
    def helps(self) -> bool:
        """What the filter takes away was there: otherwise the microphone is better without it."""
        return self._rest < _WORSE * self._microphone

    def step(self, reference: Samples, microphone: Samples, echo: Samples) -> bool:
        """The next block; whether it may be heard. `echo` is what the filter took away."""
        rest = microphone - echo
        self._hear(_power(reference), _power(microphone), _power(rest), _power(echo))
        self._judge(float(np.dot(microphone, echo)) / len(echo), _power(echo))
        self._measure(_power(microphone), _power(echo), _power(rest))
        heard = self._rest if self.helps else self._microphone
        speaks = heard > max(self._limit(), 10 ** (_QUIET_DB / 10))
        self._open_for = self._hold if speaks else max(0, self._open_for - 1)
        return self._open_for > 0 or not self.is_far

    def _hear(self, played: float, microphone: float, rest: float, echo: float) -> None:
        self._played.append(played)
        self._voice = max(*self._played, self._decay * self._voice)
        self._microphone += self._rest_step * (microphone - self._microphone)
        self._rest += self._rest_step * (rest - self._rest)
        self._echo = max(echo, self._decay * self._echo)

    def _judge(self, match: float, echo: float) -> None:
        """How well the echo explains the microphone: the caller is in one, but not in the other."""
        self._match += self._match_step * (np.array([match, echo]) - self._match)
        fit = self._match[0] / max(self._match[1], _SILENT)
        enough = self._match[1] > _SILENT
        if enough and self.helps and _FITS[0] < fit < _FITS[1]:
            self.path = Path.KNOWN
        elif self.path is Path.KNOWN:
            self.path, self.leak = Path.UNKNOWN, 1.0
            self._leaks.clear()

    def _measure(self, microphone: float, echo: float, rest: float) -> None:
        """The loudest echo that a quarter of a second has shown, and what was left of it.

        Only where the agent spoke throughout. While the gate is open for a caller nothing is
        learned, or, where the path is unknown, slowly: it may be open for an echo.
        """
        oldest = sum(islice(self._played, self._oldest)) / self._oldest
        known = self.path is Path.KNOWN
        if not self.is_far or oldest < _FRESH * self._voice or (known and self._open_for):
            return
        mean = sum(self._played) / len(self._played)
        heard = echo if known else microphone
        self._sums += (1, heard, microphone, rest, mean)
        if self._sums[0] >= self._window:
            seen = self._sums[1] / self._sums[4]
            self._couplings.append(min(seen, _RISE * self.coupling))
            self._leaks.append(min(1.0, self._sums[3] / self._sums[2]))
            self.leak = min(self._leaks)
            if len(self._couplings) > 1:  # the first window may lie before the echo
                self.coupling = max(self._couplings)
            self._sums[:] = 0

    def _limit(self) -> float:
        echo = self._voice * self.coupling * 10 ** (_OVER_LOUDEST_DB / 10)
        if self.path is Path.UNKNOWN:
            return echo
        return max(self._echo * 10 ** (_OVER_KNOWN_DB / 10), echo * self.leak)


def _power(samples: Samples) -> float:
    return float(np.dot(samples, samples)) / len(samples) + _SILENT
