"""Whole runs with known events, and their recordings where a report looks for them."""

import dataclasses

from floorbench.calibration import stages
from floorbench.results import Machine, Run, results
from floorbench.score.run import score
from floorbench.session_files import RECORDING, SESSIONS
from tests.support.recordings import write_wav

MACHINE = Machine("Linux 6.1", "a processor", 2, 16.0, "3.11.7", "2.4.0")
RUN = Run(
    target="ws://agent.example/talk",
    wall="2026-11-20T12:00:00+00:00",
    parley="0.1.0",
    commit="abc1234",
    stimulus_set="standard set",
    seed=1,
    score_seed=0,
    self_test="passed",
    machine=MACHINE,
)


def calibrated(seed=7):
    """The sessions of the fake agent whose faults are set on purpose: S1 to S4, S6, S7, S9, S13."""
    return [stage.session(seed + i) for i, (stage, _) in enumerate(stages(seed))]


def measured(sessions, **about):
    return results(dataclasses.replace(RUN, **about), score(sessions))


def write_sessions(folder, sessions):
    for session in sessions:
        place = folder / SESSIONS / session.id
        place.mkdir(parents=True, exist_ok=True)
        write_wav(place / RECORDING, [session.recording.caller, session.recording.agent])
