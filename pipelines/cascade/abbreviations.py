"""Points that end no sentence: those of abbreviations, and of the numbers of a list. Pure.

A closed list of what is written for a voice: titles, times, addresses, and what voices spell out.
It is English, as the rules by which numbers are read are; what is not in it ends a sentence, which
costs no more than a pause.
"""

_BEFORE_A_NAME = frozenset("mr mrs ms dr prof st mt e.g i.e vs approx".split())
"""They stand before something, so they end nothing. "St." may also be a street at the end of its
sentence; but a pause that is missing there is heard less than one inside St. James."""

_BEFORE_A_NUMBER = frozenset("no nos nr vol fig p pp ext apt".split())
"""They are abbreviations before a number alone: "No. 5", and "Is it open? No. You may call"."""

_OFTEN_LAST = frozenset(
    "a.m p.m etc u.s u.k inc ltd co corp jr sr ave rd blvd dept min hr hrs "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
"""They may well be a sentence's last word, and are where a capital follows."""


def goes_on(before: str, after: str) -> bool:
    """Whether the sentence goes on after a point.

    Args:
        before: the clause up to the point.
        after: what follows the space after it; empty if that is not known yet, which decides
            nothing: then an abbreviation is taken to go on.
    """
    word = before.rsplit(maxsplit=1)[-1] if before and not before[-1].isspace() else ""
    if word == before.strip() and word.isdigit() and len(word) < 3:
        return True  # "2. Pasta", the second of a list: said in one breath
    word = word.lstrip("\"'“‘(*_[0123456789:").lower()
    if word in _BEFORE_A_NAME:
        return True
    if word in _BEFORE_A_NUMBER:
        return not after or after[0].isdigit()
    return word in _OFTEN_LAST and not (after and after[0].isupper())
