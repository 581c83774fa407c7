"""Whose turn it is to speak."""

from enum import StrEnum


class Floor(StrEnum):
    """Who may speak now."""

    OPEN = "open"  # nobody speaks, nothing is owed
    USER = "user"  # the caller speaks
    PAUSE = "pause"  # the caller fell silent; is the turn over?
    PENDING = "pending"  # the agent has the turn and is not audible yet
    AGENT = "agent"  # the agent speaks
    OVERLAP = "overlap"  # the caller speaks over the agent; whose floor is it?
