"""A duplex pipeline as a target of the bench, in this process and in virtual time."""

import numpy as np
from pytest import mark

from agent.virtual_loop import run_virtual
from floorbench.activity import agent_episodes, levels_db
from floorbench.caller import hold
from floorbench.scenarios import planned
from floorbench.session import RATE
from floorbench.stimuli.library import open_library
from floorbench.targets.in_process import InProcessPipeline
from pipelines.duplex.pipeline import DuplexPipeline
from tests.support.duplex import scripted


def held(scenario, index=0):
    target = InProcessPipeline("duplex", DuplexPipeline(scripted(greeting="Hello.")))
    return run_virtual(hold(target, planned([scenario])[index].plan(open_library(), 1)))


@mark.parametrize("scenario", ["S1", "S4"])
def test_the_same_seed_gives_the_same_session_bit_for_bit(scenario):
    first, again = held(scenario).session, held(scenario).session
    assert first.fault == again.fault == ""
    assert np.array_equal(first.recording.agent, again.recording.agent)
    assert first.events == again.events


def test_every_turn_is_answered():
    session = held("S1").session
    episodes = agent_episodes(levels_db(session.recording.agent, RATE))
    assert len(session.events) == 4
    for event in session.events:
        assert any(0 < e.start_s - event.t_off < 1.0 for e in episodes), event.id
