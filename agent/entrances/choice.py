"""Which entrances a configuration opens: the only module that knows them all.

Each is imported when it is asked for, so that a missing extra is one clear sentence.
"""

from agent.config import Config
from agent.entrances.entrance import Entrance
from agent.entrances.websocket import WebSocketEntrance
from agent.switchboard import Switchboard


def entrances(config: Config, switchboard: Switchboard) -> list[Entrance]:
    """The ways in that this configuration opens.

    Raises:
        ConfigError: a setting of one of them is wrong.
        CallError: a package that one of them needs is missing.
    """
    del config  # further entrances are tables of it
    return [WebSocketEntrance(switchboard)]
