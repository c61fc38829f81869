"""The proof that a day is complete: what it held when listed, and whether that still changes."""

from shared.audit.cursor import Run
from shared.model import FrozenModel


class Manifest(FrozenModel):
    """A UTC day of a stream. Anybody can check it: list the day, sum the ids' SHA-256 mod 2^256."""

    stream: str
    low: int  # unix seconds, as asked with effective_at[gte]
    high: int  # and effective_at[lte]
    count: int
    first: int | None  # effective_at of the first and the last event
    last: int | None
    digest: str
    landed_by_check: int  # events this check found that had not landed; they have now
    checks: int
    changed_since_last_check: bool
    checked_at: int


def manifest(stream: str, run: Run, before: Manifest | None, now: int) -> Manifest:
    """Of a check that has walked its day to the end."""
    tally = run.tally
    return Manifest(
        stream=stream,
        low=run.low,
        high=run.high,
        count=tally.count,
        first=tally.first,
        last=tally.last,
        digest=tally.digest,
        landed_by_check=run.new,
        checks=before.checks + 1 if before else 1,
        changed_since_last_check=before is not None and before.digest != tally.digest,
        checked_at=now,
    )
