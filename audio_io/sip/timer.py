"""Session timers: a call that one side has forgotten ends by itself. Pure. Source: RFC 4028."""

from dataclasses import dataclass

from audio_io.sip.message import Received

ASKED_S = 1800
"""What we ask for. Source: section 4."""

LEAST_S = 90
"""Shorter ones are refused. Source: section 5."""

_MOST_S = 86_400


@dataclass(frozen=True, slots=True)
class Timer:
    """Of one session.

    Attributes:
        interval_s: the session is dead when it was not refreshed for this long.
        ours: we refresh it; else they do.
        due: loop time at which we refresh, or give up waiting for them.
    """

    interval_s: int
    ours: bool
    due: float

    def refreshed(self, now: float) -> "Timer":
        """It was, just now."""
        return started(self.interval_s, now, ours=self.ours)


def started(interval_s: int, now: float, *, ours: bool) -> Timer:
    """A timer that starts now. Source: section 10, for when to give up."""
    wait_s = interval_s / 2 if ours else interval_s - min(32.0, interval_s / 3)
    return Timer(interval_s, ours, now + wait_s)


def interval_s(received: Received) -> int:
    """What a message asks for or grants; 0 for nothing."""
    text = received.header("session-expires").split(";")[0].strip()
    return min(int(text), _MOST_S) if text.isdecimal() and len(text) < 10 else 0


def offered(asked: Received, now: float) -> Timer | None:
    """The timer that an INVITE asks for: they refresh, if they do not say that we shall."""
    wanted_s = interval_s(asked)
    return started(wanted_s, now, ours=_names_uas(asked)) if wanted_s >= LEAST_S else None


def granted(received: Received, now: float) -> Timer | None:
    """The timer that an answer to our INVITE grants: we refresh, if it does not say they do."""
    given_s = interval_s(received)
    return started(given_s, now, ours=not _names_uas(received)) if given_s >= LEAST_S else None


def headers(timer: Timer | None) -> dict[str, str]:
    """What the answer to an INVITE says of its timer."""
    if timer is None:
        return {}
    said = {"Session-Expires": f"{timer.interval_s};refresher={'uas' if timer.ours else 'uac'}"}
    return said if timer.ours else said | {"Require": "timer"}


def _names_uas(received: Received) -> bool:
    return "refresher=uas" in received.header("session-expires").replace(" ", "").lower()
