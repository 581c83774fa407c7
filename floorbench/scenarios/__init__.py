"""What the caller does: fifteen scenarios, each a recipe for any number of sessions.

`planned` lists the sessions of a run; a session's sounds are made when it begins.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.core.errors import ConfigError
from floorbench.scenarios import conditions, over_agent, turns
from floorbench.scenarios.deck import Deck
from floorbench.scenarios.plan import SessionPlan
from floorbench.stimuli.library import Library


@dataclass(frozen=True, slots=True)
class Scenario:
    """A recipe.

    Attributes:
        id: S1 … S15.
        title: for reports.
        sessions: in the standard set; with what a session holds it makes 200 events where that
            is feasible.
        quick: sessions in the quick set.
        make: a session from a deck.
    """

    id: str
    title: str
    sessions: int
    quick: int
    make: Callable[[Deck], SessionPlan]


SCENARIOS = (
    Scenario("S1", "smooth turn", 50, 2, turns.smooth_turns),  # 200 turns
    Scenario("S2", "pause inside a turn", 60, 2, turns.pauses_inside),  # 180 turns, 250 pauses
    Scenario("S3", "backchannel", 36, 2, over_agent.backchannels),  # 216
    Scenario("S4", "interruption", 70, 2, over_agent.interruptions),  # 210
    Scenario("S5", "look-alikes", 50, 1, turns.look_alikes),  # 100 of each
    Scenario("S6", "side talk", 50, 1, over_agent.side_talk),  # 100 over the agent, 100 in silence
    Scenario("S7", "non-speech", 50, 1, over_agent.non_speech),  # as S6
    Scenario("S8", "noise", 48, 0, conditions.in_noise),  # 12 conditions, each with S1 to S4
    Scenario("S9", "echo", 48, 0, conditions.with_echo),  # 12 conditions
    Scenario("S10", "network", 64, 0, conditions.over_network),  # 8 conditions, twice
    Scenario("S11", "long silence", 12, 0, turns.long_silence),
    Scenario("S12", "rapid double turn", 24, 0, turns.double_turns),  # 72
    Scenario("S13", "keys and fax tone", 24, 0, over_agent.keys),  # 96
    Scenario("S14", "cold and rough", 12, 0, conditions.rough),
    Scenario("S15", "monologue", 12, 0, turns.monologue),
)
CORE = ("S1", "S2", "S3", "S4", "S5", "S6", "S7")
"""The scenarios of the quick set."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A session that will be held.

    Attributes:
        scenario: its recipe.
        index: its number within the scenario.
    """

    scenario: Scenario
    index: int

    def plan(self, library: Library, seed: int, *, quick: bool = False) -> SessionPlan:
        """What the caller will do; the same for the same seed, whatever else is held."""
        deck = Deck(library, self.scenario.id, self.index, seed, short=quick)
        return self.scenario.make(deck)


def planned(ids: Sequence[str] = (), *, quick: bool = False, limit: int = 0) -> list[Planned]:
    """The sessions of a run, in order.

    Args:
        ids: which scenarios; none are all, or in the quick set S1 to S7.
        quick: the set for a quick look: too few events for a rate.
        limit: at most so many sessions of each scenario; 0 is no limit.

    Raises:
        ConfigError: there is no such scenario.
    """
    known = {scenario.id: scenario for scenario in SCENARIOS}
    for name in ids:
        if name not in known:
            raise ConfigError(f"scenario: expected one of {', '.join(known)}, found {name}")
    wanted = ids or (CORE if quick else tuple(known))
    return [
        Planned(known[name], index)
        for name in dict.fromkeys(wanted)
        for index in range(_count(known[name], quick=quick, limit=limit))
    ]


def _count(scenario: Scenario, *, quick: bool, limit: int) -> int:
    count = max(1, scenario.quick) if quick else scenario.sessions
    return min(count, limit) if limit else count
