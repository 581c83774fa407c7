"""For every test: a time limit, and nothing left behind."""

import faulthandler
import os
import signal
import sys

import hypothesis
import pytest

from tests.support.leaks import no_leaks
from tests.support.tools import REQUIRED

PEERS_SWITCH = "PARLEY_PEERS"
LIMIT_S = 60  # a test takes well under a second; on a machine that does other work, many times that
LIMIT_MODELS_S = 120  # loading and running real models on a busy machine

# Wall-clock deadlines fail on busy machines; the limit below catches what hangs.
hypothesis.settings.register_profile("parley", deadline=None)
hypothesis.settings.load_profile("parley")


def pytest_collection_modifyitems(items):
    """Real browsers, exchanges, telephones and torch take minutes: only if asked for."""
    if os.environ.get(PEERS_SWITCH) or REQUIRED:
        return
    left_out = pytest.mark.skip(reason=f"calls a real peer: set {PEERS_SWITCH}=1, or make test-all")
    for item in items:
        if item.get_closest_marker("peers"):
            item.add_marker(left_out)


@pytest.fixture(autouse=True)
def leaves_nothing_behind():
    """Tasks, threads and sockets are as they were."""
    with no_leaks():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Stop a test that hangs: first from within, then, if it hangs in C, the whole run."""
    limit_s = LIMIT_MODELS_S if item.get_closest_marker("models") else LIMIT_S

    def expire(signum, frame):
        raise TimeoutError(f"{item.nodeid}: expected to end within {limit_s} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    faulthandler.dump_traceback_later(limit_s + 10, exit=True, file=sys.__stderr__)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
