"""A bank that is none, for configs/ivr_bank.toml: two accounts, whose balances never change.

Replace these functions by your own in `[tools]`; what they are given and return is all that the
dialogue knows of a bank.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class _Account:
    pin: str
    cents: int


ACCOUNTS: Mapping[str, _Account] = MappingProxyType(
    {"4711": _Account("1234", 125_050), "20250815": _Account("9876", 4_200)}
)


def check_identity(account: str, pin: str) -> bool:
    """Whether the account exists and the PIN is its own.

    Args:
        account: its digits.
        pin: four digits; they are never written down.
    """
    known = ACCOUNTS.get(account)
    return known is not None and known.pin == pin


def balance(account: str) -> str:
    """What is on the account, as `1250.50`."""
    cents = ACCOUNTS[account].cents
    return f"{cents // 100}.{cents % 100:02}"


def pay(account: str, amount: str, receiver: str) -> str:
    """Whether an amount could be paid to another account: `paid` or `too_much`. Nothing moves.

    Args:
        account: the payer's.
        amount: as `12.50`.
        receiver: the digits of the other account.
    """
    whole, _, part = amount.partition(".")
    is_enough = int(whole) * 100 + int(part or 0) <= ACCOUNTS[account].cents
    return "paid" if is_enough and receiver != account else "too_much"
