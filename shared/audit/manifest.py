"""The proof that a day is complete and unaltered: what was listed, what S3 holds, and a chain."""

import hashlib
import json

from shared.audit.cursor import Run
from shared.model import FrozenModel

NOT_FACTS = {"checked_at", "checks", "changed_since_last_check", "landed_by_check"}


class StoredObject(FrozenModel):
    """An object of events as it was when it was first proved."""

    key: str
    sha256: str  # of its bytes
    events: int


class Manifest(FrozenModel):
    """A UTC day of a stream. The sums can be made by anybody: SHA-256 of each, mod 2^256."""

    stream: str
    low: int  # unix seconds, as asked with effective_at[gte]
    high: int  # and effective_at[lte]
    count: int
    first: int | None  # effective_at of the first and the last event
    last: int | None
    digest: str  # sum over the ids that OpenAI listed
    contents: str  # sum over the events as OpenAI listed them, as JSON with sorted keys
    objects: tuple[StoredObject, ...]
    previous: str | None  # the proof of the day before
    landed_by_check: int  # events this check found that had not landed; they have now
    checks: int
    changed_since_last_check: bool
    checked_at: int

    @property
    def proof(self) -> str:
        """SHA-256 of the facts: the next day's manifest names it."""
        facts = self.model_dump(mode="json", exclude=NOT_FACTS)
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def manifest(
    stream: str, run: Run, before: Manifest | None, objects: tuple[StoredObject, ...], now: int
) -> Manifest:
    """Of a run that has walked its day to the end; not yet tied to the day before."""
    tally = run.tally
    return Manifest(
        stream=stream,
        low=run.low,
        high=run.high,
        count=tally.count,
        first=tally.first,
        last=tally.last,
        digest=tally.digest,
        contents=tally.contents,
        objects=objects,
        previous=None,
        landed_by_check=run.new,
        checks=before.checks + 1 if before else 1,
        changed_since_last_check=before is not None and before.digest != tally.digest,
        checked_at=now,
    )
