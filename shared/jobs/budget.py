"""What a month may cost, and how much of that is taken. Dollars are whole millionths."""

from datetime import UTC, datetime

from shared.model import FrozenModel

LEVELS = (100, 80)  # percent at which people are told


class OverBudget(Exception):
    """A job would take more than is left of the month."""


class Budget(FrozenModel):
    """Of one month: a job takes what it may cost, and gives back what it did not."""

    month: str  # 2026-11; it begins at midnight UTC
    used: int = 0  # by jobs that run and by those that have landed
    spent: int = 0  # by what has landed
    told: int = 0  # the highest level that people heard of, in percent

    def level(self, limit: int) -> int:
        """The highest that is reached; 0: none."""
        return next((each for each in LEVELS if self.used * 100 >= limit * each), 0)


def month_of(now: datetime) -> str:
    return f"{now.astimezone(UTC):%Y-%m}"
