"""Is the turn over, judged by words alone: what was said against what was expected.

A pause after "a table for" is a breath; the same pause after "a table for four" is an answer. The
rules, of which the first that fits decides:

    no words                        the pause says nothing: UNKNOWN
    ends in a hesitation            um, uh: they are looking for the next word
    nothing but a greeting          what they call for comes next
    dictates digits                 fewer than expected: more will come; as many: done
    is in the middle of a phrase    not done, the more of the phrase is missing the surer
    ends in an expected phrase      done; less sure where the phrase or the sentence could go on
    ends in an open word            for, at, the, and, i'd like: a sentence cannot end here
    asks for a new thing            "a table": for whom and when is likely to follow
    is nothing that was expected    misheard, or not understood: the fewer words the likelier more
    nothing was expected            UNKNOWN, rising a little with every word

Nothing surer than that said, words of which a third are digits are a number that was misheard in
parts, and how many words there are tells how much of it is there.

The sound is not looked at.
"""

from collections.abc import Sequence

from agent.core.protocols import Expectation, Pause, Prediction

UNKNOWN = 0.5
"""No opinion: the pause alone decides."""

WHOLE = 0.95
MAY_GO_ON = 0.85
"""A whole phrase that begins many longer ones: `at seven` before `thirty`."""

FEW_WAYS = 3
"""Longer phrases up to which it is as good as whole: `four` before `people` and `of us`."""

TIMED = 0.705
"""A question about time, complete as it is: `when do you close` before `on saturday`."""

SPECIFIED = (0.88, 0.95)
"""A wish with one detail, with more of them: another one may follow, less and less likely."""

NEW_THING = 0.3
"""A wish for something new, without a detail: `i'd like a table` before `for four`."""

DETAIL_ALONE = 0.3
"""A detail of nothing: `for four`, where nobody asked and nothing was wished for."""

GREETING = 0.15
"""People greet, and go on to say what they want."""

MISHEARD = 0.2
SURE_WORDS = 3
"""Words of a phrase in a row that are no accident."""

ONE_MORE = 0.6
"""A whole phrase and a word that nobody expected: perhaps a misheard `please`."""

NOT_UNDERSTOOD = (0.12, 0.5)
"""One word, six words that nobody expected: they are not understood, or not yet. An answer would
be a question back, so that waiting costs little; but longer turns are likelier to be over."""

POLITE_END = 0.97
"""People say please and thank you last."""

HESITATION = 0.04
OPEN_END = 0.05
OFTEN_OPEN_END = 0.15
"""Words that mostly lead on, but can be last: `i know her`, `yes it is`."""
HALF_PHRASE = 0.15
"""One word before the end of the nearest expected phrase; falls with each word more."""

DICTATED = 0.1
LONG_NUMBER = 7
"""Digits that nobody asked for are a telephone number, and those have at least about seven.
Source: ITU-T E.164; a number within a city has 6 to 8."""

NUMBER_OVER = {6: 0.15, 7: 0.5, 8: 0.7}
"""Words of a number that nobody asked for, to the probability that it is whole; more are as 8. Half
of the numbers within a city have 7 digits or fewer (see above), and longer ones are known to be
read in groups, whose pauses are shorter than the one at the end."""

LEAST_DIGITS = 3

LONGEST_PHRASE = 12
"""Words of a phrase up to which it is followed."""

_HESITATIONS = frozenset({"um", "uh", "er", "erm", "hmm", "hm", "mm", "ah", "huh", "well", "so"})
_LIKE_DIGITS = frozenset({"so", "well"})  # what "oh" and "four" at the end are taken for
_SOUND_LIKE_DIGITS = frozenset({"for", "to", "too"})
_HUMS = frozenset({"uh-huh", "mm-hm", "mhm"})  # an answer when alone, a hesitation after words
_GREETINGS = frozenset("hello hi hey good morning afternoon evening excuse me sir madam".split())
_POLITE = (("thank", "you", "very", "much"), ("thank", "you"), ("please",), ("thanks",))
_DIGITS = frozenset("zero oh one two three four five six seven eight nine double triple".split())
_WISHES = frozenset("like want need have book make reserve get order arrange".split())
_TIMES = frozenset("when late long open close".split())
_DETAILS = frozenset("for at on in around by from until".split())
_ARTICLES = frozenset({"a", "an", "another"})
_OPEN_WORDS = frozenset(
    """for at on in to from with of by about around until till between past half quarter
    a an the my your our his their every and or but because if whose than as like
    i i'd i'll i'm i've we we'd we'll we're you're it's would could shall may might
    want need make let's another""".split()
)
_OFTEN_OPEN_WORDS = frozenset(
    """her this these some any each that which who is am are was were be do does did have has had
    can will must should other more very really quite""".split()
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
    phrases = expected.phrases
    core = _without_politeness(said)
    number = _number(core, phrases)
    if _hesitates(said) and not (number and said[-1] in _LIKE_DIGITS):
        return Prediction(HESITATION, f"hesitates with {said[-1]!r}")
    polite = len(core) < len(said)
    judgement = (
        _greeting(core)
        or _dictation(core, phrases)
        or _expected(core, phrases)
        or _open_end(core)
        or _new_thing(core)
        or _misheard(core, phrases)
        or _wish(core, least=2)
        or _one_more(core, phrases)
        or _not_understood(core, phrases)
    )
    if number and judgement.probability < SPECIFIED[0]:
        judgement = number
    if polite and judgement.probability >= NEW_THING:
        return Prediction(POLITE_END, "ends politely")
    return judgement


def _hesitates(said: Sequence[str]) -> bool:
    return said[-1] in _HESITATIONS or (len(said) > 1 and said[-1] in _HUMS)


def _without_politeness(said: Sequence[str]) -> Sequence[str]:
    for ending in _POLITE:
        if len(said) > len(ending) and tuple(said[-len(ending) :]) == ending:
            return said[: -len(ending)]
    return said


def _greeting(said: Sequence[str]) -> Prediction | None:
    if all(word in _GREETINGS for word in said):
        return Prediction(GREETING, "only a greeting")
    return None


# --- numbers --------------------------------------------------------------------------------------


def _dictation(said: Sequence[str], phrases: Sequence[str]) -> Prediction | None:
    """Digits in a row against the number that is expected, or against what numbers have."""
    run = 0
    while run < len(said) and _is_digit(said[-1 - run]):
        run += 1
    if not run:
        return None
    wanted = max((n for phrase in phrases if (n := _digits(phrase)) > 1), default=0)
    if run < wanted:
        return Prediction(HALF_PHRASE * run / wanted, f"{run} of {wanted} digits")
    if wanted:
        return Prediction(WHOLE, f"all of {wanted} digits")
    if run > 1 and sum(map(_is_digit, said)) < LONG_NUMBER:
        return Prediction(DICTATED, f"{run} digits of a number")
    return None


def _number(said: Sequence[str], phrases: Sequence[str]) -> Prediction | None:
    """A number that nobody asked for, of whose digits some were taken for other words."""
    digits = sum(map(_is_digit, said))
    if digits < LEAST_DIGITS or len(said) < min(NUMBER_OVER) or 3 * digits < len(said):
        return None
    if any(_digits(phrase) > 1 for phrase in phrases):
        return None  # then it is known how many there must be
    over = NUMBER_OVER[min(len(said), max(NUMBER_OVER))]
    return Prediction(over, f"a number of about {len(said)} digits")


def _digits(phrase: str) -> int:
    """How many digits a phrase of nothing else has."""
    words = phrase.split()
    return len(words) if all(map(_is_digit, words)) else 0


def _is_digit(word: str) -> bool:
    return word in _DIGITS or word.isdigit()


# --- what was expected ----------------------------------------------------------------------------


def _expected(said: Sequence[str], phrases: Sequence[str]) -> Prediction | None:
    """The longest expected phrase that ends or is going on at the last word."""
    whole = _whole(said, phrases)
    begun, missing = _begun(said, phrases)
    if begun > whole and (begun > 1 or len(said) == 1):
        nearest = min(missing)
        return Prediction(HALF_PHRASE / nearest, f"{nearest} words short of an expected phrase")
    if not whole:
        return None
    could = _could_go_on(said, phrases)
    if could is not None:
        return could
    if begun == whole and len(missing) > FEW_WAYS:
        return Prediction(MAY_GO_ON, "an expected phrase that may go on")
    return Prediction(WHOLE, "an expected phrase")


def _whole(said: Sequence[str], phrases: Sequence[str]) -> int:
    """Words of the longest phrase that the words end in."""
    text = f" {' '.join(said)}"
    ends = [p for p in phrases if text.endswith(p)]  # seldom more than three, quickly found
    return max((len(p.split()) for p in ends if p and text.endswith(f" {p}")), default=0)


def _begun(said: Sequence[str], phrases: Sequence[str]) -> tuple[int, list[int]]:
    """How many last words are the first ones of a phrase, but not all of it; and what each lacks.

    Returns:
        The most such words, 0 for none, and of every phrase that begins with them how many words
        are missing.
    """
    most = range(1, min(len(said), LONGEST_PHRASE) + 1)
    begins = {" ".join(said[-n:]) + " ": n for n in most}
    going = [p for p in phrases if p.startswith(tuple(begins))]
    counts = [max(n for begin, n in begins.items() if p.startswith(begin)) for p in going]
    begun = max(counts, default=0)
    return begun, [len(p.split()) - n for p, n in zip(going, counts, strict=True) if n == begun]


def _could_go_on(said: Sequence[str], phrases: Sequence[str]) -> Prediction | None:
    """A sentence whose words are all there, but to which people like to add something."""
    if said[0] in _DETAILS and not any(" ".join(said[1:n]) in phrases for n in range(2, 6)):
        if all(_is_digit(word) or word in _SOUND_LIKE_DIGITS for word in said):
            return Prediction(DICTATED, "a detail of nothing, or the digits that it sounds like")
        return Prediction(DETAIL_ALONE, "a detail, and nothing before it")
    wish = _new_thing(said) or _wish(said, least=1)
    if wish is not None:
        return wish
    if len(said) > 1 and _TIMES.intersection(said):
        return Prediction(TIMED, "asks about time: a day may be added")
    return None


def _wish(said: Sequence[str], least: int) -> Prediction | None:
    """A wish and at least so many details, of which the last has begun."""
    details = sum(word in _DETAILS for word in said[:-1])
    if details < least or not _WISHES.intersection(said):
        return None
    return Prediction(SPECIFIED[details > 1], "a wish with its details")


def _new_thing(said: Sequence[str]) -> Prediction | None:
    """`A table`: something not spoken of before is likely to be described."""
    if len(said) > 2 and said[-2] in _ARTICLES and _WISHES.intersection(said):
        return Prediction(NEW_THING, f"'{said[-2]} {said[-1]}': details may follow")
    return None


# --- what was not ---------------------------------------------------------------------------------


def _open_end(said: Sequence[str]) -> Prediction | None:
    if said[-1] in _OPEN_WORDS:
        return Prediction(OPEN_END, f"a sentence does not end in {said[-1]!r}")
    if said[-1] in _OFTEN_OPEN_WORDS:
        return Prediction(OFTEN_OPEN_END, f"a sentence seldom ends in {said[-1]!r}")
    return None


def _misheard(said: Sequence[str], phrases: Sequence[str]) -> Prediction | None:
    """The last word is not the expected one, but may have been: what comes after it is missing."""
    begun, missing = _begun(said[:-1], phrases)
    if begun >= SURE_WORDS and min(missing) > 1:
        return Prediction(MISHEARD, f"perhaps misheard {said[-1]!r} in the middle of a phrase")
    if len(said) > 1 and len(said) <= 2 * sum(map(_is_digit, said)) < 2 * LONG_NUMBER:
        return Prediction(DICTATED, "digits, and something misheard")
    return None


def _one_more(said: Sequence[str], phrases: Sequence[str]) -> Prediction | None:
    if _whole(said[:-1], phrases) > 1 and said[-2] not in _OPEN_WORDS:
        return Prediction(ONE_MORE, f"an expected phrase, and {said[-1]!r}")
    return None


def _not_understood(said: Sequence[str], phrases: Sequence[str]) -> Prediction:
    share = min(len(said) - 1, 5) / 5
    if not phrases:
        return Prediction(UNKNOWN - 0.05 + 0.1 * share, "nothing speaks for or against it")
    few, many = NOT_UNDERSTOOD
    return Prediction(few + (many - few) * share, "nothing that was expected")
