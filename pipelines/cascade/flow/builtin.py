"""Small talk every flow understands without being told; a flow may redefine each by name."""

from collections.abc import Mapping
from types import MappingProxyType

YES, NO = "yes", "no"
ACKNOWLEDGE = "acknowledge"
REPEAT = "repeat"
START_OVER = "start_over"
GO_ON = "go_on"
STOP = "stop"
WAIT = "wait"
THANKS = "thanks"
HELLO = "hello"

PHRASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (YES, ("yes [that's (right | correct | fine)]", "yep", "sure", "correct", "exactly")),
    (YES, ("that's (right | correct | fine)", "go ahead", "of course", "yes please")),
    (NO, ("no [that's (wrong | not right | all | it)]", "nope", "not (quite | really)", "wrong")),
    (NO, ("that's (wrong | not right | not correct | all)", "no (thanks | thank you)")),
    (NO, ("nothing [else]",)),
    (ACKNOWLEDGE, ("okay", "ok", "uh-huh", "mhm", "yeah", "right", "i see", "alright")),
    (REPEAT, ("[can you | could you] repeat that", "[say that | once] again", "pardon", "sorry")),
    (REPEAT, ("what did you say", "i did not (hear | get) that")),
    (START_OVER, ("start (over | again)", "from the beginning")),
    (GO_ON, ("go on", "continue", "carry on")),
    (STOP, ("stop", "never mind", "that's enough")),
    (WAIT, ("wait [a (moment | minute | second)]", "hold on", "(one | just a) moment")),
    (THANKS, ("thanks [a lot]", "thank you [very much]")),
    (HELLO, ("hello", "hi", "good (morning | afternoon | evening)")),
)

NAMES = frozenset(name for name, _ in PHRASES)

REPLIES: Mapping[str, str] = MappingProxyType(
    {
        START_OVER: "All right, from the beginning.",
        STOP: "All right.",
        WAIT: "Of course, take your time.",
        THANKS: "You're welcome.",
        HELLO: "Hello.",
    }
)
"""What the agent says to them, before it comes back to its question."""
