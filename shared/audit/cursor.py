"""What of the audit log has been listed: where each stream stands."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Self

from shared.audit.digests import NOTHING, content_digest, id_digest, total
from shared.audit.events import AuditLog
from shared.audit.lateness import NO_LATENESS
from shared.model import FrozenModel

DAY = 86_400
TENANT = "tenant"


def first_second(day: date) -> int:
    """Of a UTC day, as unix seconds."""
    return int(datetime.combine(day, time(), UTC).timestamp())


class Kind(StrEnum):
    POLL = "poll"
    SWEEP = "sweep"
    CHECK = "check"  # a whole day, compared with what was listed before
    BACKFILL = "backfill"


class Alerting(StrEnum):
    """What a backfill does with what it finds."""

    OFF = "off"
    DRY = "dry"  # written down, neither stored nor sent
    ON = "on"


class Tally(FrozenModel):
    """What a window held, whatever the order: the digest is the sum of the ids' SHA-256."""

    count: int = 0
    first: int | None = None
    last: int | None = None
    digest: str = NOTHING
    contents: str = NOTHING  # the same of the events themselves, where that is asked for

    def add(self, events: Iterable[AuditLog], *, contents: bool = False) -> Self:
        events = list(events)
        if not events:
            return self
        times = [e.time for e in events] + [t for t in (self.first, self.last) if t is not None]
        summed = [content_digest(each.line) for each in events] if contents else []
        return self.model_copy(
            update={
                "count": self.count + len(events),
                "first": min(times),
                "last": max(times),
                "digest": total((id_digest(each.id) for each in events), self.digest),
                "contents": total(summed, self.contents),
            }
        )


class Run(FrozenModel):
    """A walk through one window; both ends belong to it."""

    kind: Kind
    low: int
    high: int
    after: str | None = None
    mark: str | None = None  # a place where the walk was, to notice that it goes in circles
    pages: int = 0
    restarts: int = 0
    new: int = 0
    tally: Tally = Tally()


def is_proof(run: Run) -> bool:
    """Whether its end proves a day, a whole one."""
    is_whole = run.low % DAY == 0 and run.high == run.low + DAY - 1
    return run.kind == Kind.CHECK or (run.kind == Kind.BACKFILL and is_whole)


class Cursor(FrozenModel):
    """One stream's row."""

    stream: str
    high: int  # everything up to here has been listed
    begun: int
    since: int = 0  # what happened before that is not asked for
    tenant_only: bool = False
    until: int | None = None  # of a backfill: its end
    alerting: Alerting = Alerting.ON
    rev: int = 0
    run: Run | None = None
    leased_until: int = 0
    last_ok: int
    last_event: int | None = None
    gaps: dict[str, int] = {}  # by day: the longest time without an event, in seconds
    swept_at: int = 0
    checked_day: int = 0
    checks_left: tuple[int, ...] = ()
    lateness: tuple[int, ...] = NO_LATENESS
    refused_until: int = 0

    @property
    def is_backfill(self) -> bool:
        return self.until is not None

    @property
    def is_over(self) -> bool:
        return self.until is not None and self.run is None and self.high >= self.until

    def replaced(self, **update: object) -> Self:
        return self.model_copy(update={**update, "rev": self.rev + 1})


def opened(stream: str, now: int, *, tenant_only: bool, days: int) -> Cursor:
    """A stream that starts with the past: how long OpenAI keeps it is not promised."""
    since = now - days * DAY
    return Cursor(
        stream=stream, high=since, begun=now, since=since, tenant_only=tenant_only, last_ok=now
    )


def backfilled(stream: str, now: int, low: int, high: int, alerting: Alerting) -> Cursor:
    """A stream of its own: the live one is not touched."""
    return Cursor(
        stream=stream,
        high=low - 1,
        until=high,
        begun=now,
        last_ok=now,
        tenant_only=stream.endswith(TENANT),
        alerting=alerting,
    )


def is_live(cursor: Cursor, time: int) -> bool:
    """Whether an event is news; what is older than the stream is stored alone."""
    return cursor.alerting == Alerting.ON and (cursor.is_backfill or time >= cursor.begun - DAY)


def run_of(cursor: Cursor) -> Run:
    if cursor.run is None:
        raise ValueError(f"{cursor.stream} has no run")
    return cursor.run
