"""Is what the caller says over the agent a sign of listening, or do they want the floor?"""

from collections.abc import Collection, Sequence

BACKCHANNELS = frozenset(
    "uh-huh mm-hmm mm-hm mhm mm hmm hm uh um ah oh yeah yes yep okay ok right sure good great nice "
    "fine i see got it alright all wow really exactly thanks huh aha er erm eh "
    "please".split()
)
"""Words that, alone, leave the floor with the agent."""

STOP_WORDS = frozenset("stop wait no hold sorry excuse actually pause quiet hang".split())
"""Words of which one is enough to want the floor."""

SMALL_WORDS = frozenset(
    """a an and are as at be but by can did do does for from had has have he her him his how
    i i'd i'm i've if in is it it's its me my of on or our she so that that's the their them then
    there they this to up us was we what what's when where which who will with would you
    your""".split()
)
"""What recognisers make of a murmur: an "mm-hm" comes back as "and and" or "but i'm". Whoever wants
the floor says more than these; alone they leave it to the sound."""

AGREEMENTS = tuple(
    tuple(words.split())
    for words in (
        "no no i see",
        "no no right",
        "no no of course",
        "no i see",
        "no of course",
        "no problem",
        "no way",
        "oh no",
        "of course",
        "go on",
        "that makes sense",
        "you know",
        "thank you",
    )
)
"""Phrases that only show that somebody listens, though their words alone would not, longest first
where one begins another."""

PRAISE = frozenset(
    """great good nice fine lovely wonderful perfect brilliant amazing awesome cool true
    right""".split()
)
"""What "that's" or "sounds" makes an assessment with: a listener's answer to what they were just
told, which leaves the teller the floor, whatever little words led to it ("oh wait, that's great").
Source: Goodwin, "Between and within: alternative sequential treatments of continuers and
assessments", Human Studies 9 (1986)."""

# Log-odds added to what the sound says. Natural units: 2.2 is nine to one.
SIGNS_SO_FAR = -1.5  # "yeah" may go on with "but"
ONLY_SIGNS = -4.0
NO_WORDS = -1.5  # a sound that turned out to have no words: a cough, a chair
ONE_GUESS = 0.1  # one uncertain word is often misrecognised: a "right" becomes "bro"
SEVERAL_GUESSES = 1.5
STOP_GUESS = 2.0
ASSESSMENT = -3.0  # "that's great" after other words: "the lake" may be a misheard "oh wait"
ONE_WORD = 1.2  # under an echo of the agent a "right" becomes "nine"
SEVERAL_WORDS = 4.0
STOP_WORD = 4.0


def wants_floor(text: str, *, final: bool, backchannels: Collection[str] = BACKCHANNELS) -> float:
    """What the words so far say for wanting the floor, in log-odds; 0 is nothing either way.

    Args:
        text: the words said over the agent so far, lower case.
        final: they will not change any more, so more follows from them.
        backchannels: words that are only a sign of listening.
    """
    words = _plain(text.split())
    if not words:
        return NO_WORDS if final else 0.0
    assesses = _assesses(words)
    if assesses:
        words = [w for w in words[:-2] if w not in STOP_WORDS]
    signs = set(_plain(sorted(backchannels)))
    others = [w for w in _without_agreements(words) if w not in signs]
    if not others:
        return ONLY_SIGNS if final else SIGNS_SO_FAR
    return _weight_of(others, final=final) + (ASSESSMENT if assesses else 0.0)


def _weight_of(others: Sequence[str], *, final: bool) -> float:
    """Log-odds of words that are no signs of listening."""
    others = [w for w in others if w not in SMALL_WORDS]
    if not others:
        return 0.0
    if any(w in STOP_WORDS for w in others):
        return STOP_WORD if final else STOP_GUESS
    if len(others) > 1:
        return SEVERAL_WORDS if final else SEVERAL_GUESSES
    return ONE_WORD if final else ONE_GUESS


def _assesses(words: Sequence[str]) -> bool:
    """Whether they end in something like "that's great"."""
    return len(words) > 1 and words[-2] in ("that's", "sounds") and words[-1] in PRAISE


def _plain(words: Sequence[str]) -> list[str]:
    """Recognisers disagree on the hyphen of "uh-huh"."""
    return [word.replace("-", "") for word in words]


def _without_agreements(words: Sequence[str]) -> list[str]:
    rest, at = [], 0
    while at < len(words):
        length = max((len(a) for a in AGREEMENTS if tuple(words[at : at + len(a)]) == a), default=0)
        if not length:
            rest.append(words[at])
        at += length or 1
    return rest
