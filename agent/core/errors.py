"""What can go wrong, as one tree.

ParleyError
    ConfigError                 a setting is wrong: which key, what was found, what is allowed
    CallError                   the connection to the person
        CallClosed              it ended; the normal end of a call
        DeviceError             no microphone, no loudspeaker, no sound library
        ProtocolError           the far side sent what it may not send
        OrderRefused            the call cannot be transferred, held or sent digits
    EngineError                 a model
        EngineUnavailable       it cannot be loaded: a package or a file is missing
        EngineFailed            it was running and broke
        EngineTooSlow           it cannot keep up with the sound
        EngineBusy              it holds as many calls as it can

A message says what was expected, what was found and what to do.
"""


class ParleyError(Exception):
    """Anything parley says went wrong; str() is a sentence for the person who runs it."""


class ConfigError(ParleyError):
    """A setting is missing, unknown or out of range."""


class CallError(ParleyError):
    """The connection to the person failed."""


class CallClosed(CallError):
    """The call is over: the far side hung up or went away. Not a fault."""


class DeviceError(CallError):
    """The microphone or loudspeaker cannot be used."""


class ProtocolError(CallError):
    """The far side broke the protocol, or sent more than its limits allow."""


class OrderRefused(CallError):
    """The transport cannot do what was asked for, or the far side would not; the call goes on."""


class EngineError(ParleyError):
    """A model could not do its part.

    Attributes:
        engine: the adapter's name, as in the configuration.
    """

    def __init__(self, engine: str, message: str) -> None:
        super().__init__(f"{engine}: {message}")
        self.engine = engine


class EngineUnavailable(EngineError):
    """The engine cannot be loaded here; the message names the package or file that is missing."""


class EngineFailed(EngineError):
    """The engine broke while it was working."""


class EngineTooSlow(EngineError):
    """The engine fell further behind the sound than its limit."""


class EngineBusy(EngineError):
    """The engine holds as many calls as it can; another may find room later."""
