"""Is the turn over, judged by words alone: what was said against what was expected.

A pause after "a table for" is a breath; the same pause after "a table for four" is an answer. The
rules, of which the first that fits decides:

    no words                        the pause says nothing: UNKNOWN
    ends in a hesitation            um, uh: they are looking for the next word
    dictates digits                 fewer than expected: more will come; as many: done
    ends in an expected phrase      done, a little less sure where the phrase could go on
    is in the middle of one         not done, the more of the phrase is missing the surer
    ends in an open word            for, at, the, and, i'd like: a sentence cannot end here
    anything else                   UNKNOWN, rising a little with every word

The sound is not looked at.
"""

from collections.abc import Sequence

from agent.core.protocols import Expectation, Pause, Prediction

UNKNOWN = 0.5
"""No opinion: the pause alone decides."""

WHOLE = 0.95
MAY_GO_ON = 0.85
"""A whole phrase that begins a longer one: `at seven` before `thirty`."""

POLITE_END = 0.97
"""People say please and thank you last."""

HESITATION = 0.08
OPEN_END = 0.05
HALF_PHRASE = 0.15
"""One word before the end of the nearest expected phrase; falls with each word more."""

_HESITATIONS = frozenset({"um", "uh", "er", "erm", "hmm", "hm", "mm", "ah", "well", "so"})
_POLITE = (("thank", "you", "very", "much"), ("thank", "you"), ("please",), ("thanks",))
_DIGITS = frozenset("zero oh one two three four five six seven eight nine double triple".split())
_OPEN_WORDS = frozenset(
    """for at on in to from with of by about around until till between past half quarter
    a an the my your our his her their this these some any each every
    and or but because if that which who whose than as like
    i i'd i'll i'm i've we we'd we'll we're you're it's is are am was were be
    would could can will shall may might must should do does did have has had
    want need make let's another other more very really quite""".split()
)


class CompletenessPredictor:
    """A TurnPredictor that reads. Quick enough to be asked every 50 ms."""

    async def predict(self, pause: Pause) -> Prediction:
        """From the turn's words so far, whatever the sound."""
        return judge(pause.text, pause.expected)


def judge(text: str, expected: Expectation) -> Prediction:
    """How likely a turn with these words is over.

    Args:
        text: the words so far, lower case, without punctuation; may be empty.
        expected: what the responder waits for. A phrase of digits only says how many are expected.
    """
    said = text.lower().split()
    if not said:
        return Prediction(UNKNOWN, "no words")
    if said[-1] in _HESITATIONS:
        return Prediction(HESITATION, f"hesitates with {said[-1]!r}")
    phrases = [tuple(phrase.split()) for phrase in expected.phrases]
    core = _without_politeness(said)
    polite = len(core) < len(said)
    judgement = _dictation(core, phrases) or _expected(core, phrases) or _open_end(core)
    if polite and (judgement is None or judgement.probability >= UNKNOWN):
        return Prediction(POLITE_END, "ends politely")
    return judgement or _unknown(core)


def _without_politeness(said: Sequence[str]) -> Sequence[str]:
    for ending in _POLITE:
        if len(said) > len(ending) and tuple(said[-len(ending) :]) == ending:
            return said[: -len(ending)]
    return said


def _dictation(said: Sequence[str], phrases: Sequence[tuple[str, ...]]) -> Prediction | None:
    """Digits in a row against the number that is expected."""
    wanted = max((len(p) for p in phrases if len(p) > 1 and all(map(_is_digit, p))), default=0)
    run = 0
    while run < len(said) and _is_digit(said[-1 - run]):
        run += 1
    if not wanted or not run:
        return None
    if run < wanted:
        return Prediction(HALF_PHRASE * run / wanted, f"{run} of {wanted} digits")
    return Prediction(WHOLE, f"all of {wanted} digits")


def _is_digit(word: str) -> bool:
    return word in _DIGITS or word.isdigit()


def _expected(said: Sequence[str], phrases: Sequence[tuple[str, ...]]) -> Prediction | None:
    """The longest expected phrase that ends or is going on at the last word."""
    whole = max((len(p) for p in phrases if _ends_with(said, p)), default=0)
    going = [(n, len(p) - n) for p in phrases if (n := _begun(said, p))]
    begun = max((n for n, _ in going), default=0)
    missing = min((more for n, more in going if n == begun), default=0)
    if begun > whole and (begun > 1 or len(said) == 1):
        return Prediction(HALF_PHRASE / missing, f"{missing} words short of an expected phrase")
    if whole and begun == whole:
        return Prediction(MAY_GO_ON, "an expected phrase that may go on")
    if whole:
        return Prediction(WHOLE, "an expected phrase")
    return None


def _ends_with(said: Sequence[str], phrase: tuple[str, ...]) -> bool:
    return bool(phrase) and tuple(said[-len(phrase) :]) == phrase


def _begun(said: Sequence[str], phrase: tuple[str, ...]) -> int:
    """How many of the phrase's first words are the last words said; 0 for none and for all."""
    for count in range(min(len(said), len(phrase) - 1), 0, -1):
        if tuple(said[-count:]) == phrase[:count]:
            return count
    return 0


def _open_end(said: Sequence[str]) -> Prediction | None:
    if said[-1] in _OPEN_WORDS:
        return Prediction(OPEN_END, f"a sentence does not end in {said[-1]!r}")
    return None


def _unknown(said: Sequence[str]) -> Prediction:
    """Longer turns are likelier to be over: half a point in ten for each of five words."""
    return Prediction(UNKNOWN + 0.02 * min(len(said), 5) - 0.05, "nothing speaks for or against it")
