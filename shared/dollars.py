"""Amounts of money: whole millionths of a dollar, since a sum of them has to come out even."""

from decimal import Decimal

MILLION = 1_000_000


def millionths(dollars: str) -> int | None:
    """Of an amount as people write it; None: none is set."""
    return int(Decimal(dollars) * MILLION) if dollars else None


def in_dollars(amount: int) -> str:
    """Never $0.00 for what costs something."""
    if 0 < amount < MILLION // 100:
        return "less than $0.01"
    return f"${amount / MILLION:,.2f}"
