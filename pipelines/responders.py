"""What a responder can do beside replying: asked by whoever uses one, or stands around one."""

from agent.core.protocols import HearsSound, ReadsAhead, Responder


def longest_sound_s(responder: Responder) -> float:
    """The longest sound of the caller's turn that it takes, in seconds; 0: the words alone."""
    return responder.sound_s if isinstance(responder, HearsSound) else 0.0


def reader(responder: Responder) -> ReadsAhead | None:
    """The responder, where it reads ahead; otherwise None."""
    return responder if isinstance(responder, ReadsAhead) and responder.reads_ahead else None
