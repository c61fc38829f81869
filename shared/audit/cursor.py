"""What of the audit log has been listed, and what to list next.

A closed window of seconds is walked with `after` to its end before the next begins; whoever finds
a run goes on with it. Windows overlap, and are swept again and again, because events come late.
https://platform.openai.com/docs/api-reference/audit-logs/list promises no order and no punctuality.
"""

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from itertools import accumulate
from typing import Self

from shared.audit.events import AuditLog
from shared.audit.reading import Page
from shared.model import FrozenModel

MINUTE, HOUR, DAY = 60, 3_600, 86_400
SHORTEST_OVERLAP = 15 * MINUTE
LONGEST_OVERLAP = 6 * HOUR
SWEEP_EVERY, SWEEP_BACK = HOUR, 6 * HOUR
# A run in the past takes a day, so that days are judged in the order in which they happened.
LONGEST_WINDOW = DAY
MOST_RESTARTS = 2  # of a window, before somebody has to look
CHECKED_DAYS = 7  # each closed day is listed again on the seven days after it
CHECK_AFTER = 6 * HOUR  # of its end
# Lateness is counted up to each of these bounds, in seconds.
BOUNDS = (0, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600)
HALVED_AT = 20_000  # events: older lateness weighs less


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
    digest: str = "0" * 64

    def add(self, events: Iterable[AuditLog]) -> Self:
        events = list(events)
        if not events:
            return self
        times = [e.time for e in events] + [t for t in (self.first, self.last) if t is not None]
        digests = (int(hashlib.sha256(e.id.encode()).hexdigest(), 16) for e in events)
        total = (int(self.digest, 16) + sum(digests)) % (1 << 256)
        return self.model_copy(
            update={
                "count": self.count + len(events),
                "first": min(times),
                "last": max(times),
                "digest": f"{total:064x}",
            }
        )


class Run(FrozenModel):
    """A walk through one window; both ends belong to it."""

    kind: Kind
    low: int
    high: int
    after: str | None = None
    pages: int = 0
    restarts: int = 0
    new: int = 0
    tally: Tally = Tally()


class Cursor(FrozenModel):
    """One stream's row."""

    stream: str
    high: int  # everything up to here has been listed
    begun: int
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
    lateness: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
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
    return Cursor(
        stream=stream, high=now - days * DAY, begun=now, tenant_only=tenant_only, last_ok=now
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


TENANT = "tenant"


def with_run(cursor: Cursor, now: int, target: int) -> Cursor:
    """The cursor with a run to do, its own if it has one; as it is if there is nothing to do."""
    if cursor.run is not None:
        return cursor
    run = _backfill(cursor) if cursor.is_backfill else _live(cursor, now, target)
    return cursor if run is None else cursor.replaced(run=run)


def walked(cursor: Cursor, page: Page, new: Iterable[AuditLog]) -> Cursor:
    """After a page: where the walk stands, and what was learned. Raises StuckWalk."""
    run, new = run_of(cursor), list(new)
    moved = run.model_copy(
        update={
            "after": _next(run, page),
            "pages": run.pages + 1,
            "new": run.new + len(new),
            "tally": run.tally.add(page.events),
        }
    )
    learned = cursor if cursor.is_backfill else _learned(cursor, new)
    return learned.replaced(run=moved)


def restarted(cursor: Cursor, restarts: int) -> Cursor:
    """The same window from its beginning: what landed is known by its id, so it is safe."""
    fresh = {"after": None, "pages": 0, "restarts": restarts, "tally": Tally()}
    return cursor.replaced(run=run_of(cursor).model_copy(update=fresh))


def after_refusal(cursor: Cursor, reason: str) -> Cursor:
    """OpenAI does not know where to go on: again from the beginning. Raises StuckWalk."""
    restarts = run_of(cursor).restarts + 1
    if restarts > MOST_RESTARTS:
        raise StuckWalk(f"the list can't be walked: {reason}")
    return restarted(cursor, restarts)


def finished(cursor: Cursor, now: int) -> Cursor:
    """After the last page: the window is listed."""
    run = run_of(cursor)
    done = cursor.replaced(run=None, last_ok=now)
    if run.kind == Kind.CHECK:
        return done.model_copy(update={"checks_left": cursor.checks_left[1:]})
    update: dict[str, object] = {"high": max(cursor.high, run.high)}
    if run.kind == Kind.SWEEP:
        update["swept_at"] = now
    return done.model_copy(update=update)


def is_live(cursor: Cursor, time: int) -> bool:
    """Whether an event is news; what was there before the stream was opened rings for nobody."""
    return cursor.alerting == Alerting.ON and (cursor.is_backfill or time >= cursor.begun - DAY)


def overlap(lateness: tuple[int, ...]) -> int:
    """Twice what all but one in a thousand keep within."""
    return min(max(2 * percentile(lateness, 0.999), SHORTEST_OVERLAP), LONGEST_OVERLAP)


def percentile(lateness: tuple[int, ...], share: float) -> int:
    """The bound that this share of events keeps within, in seconds."""
    wanted = share * sum(lateness)
    counted = zip((*BOUNDS, LONGEST_OVERLAP), accumulate(lateness), strict=True)
    return next(bound for bound, count in counted if count >= wanted)


def quiet_for(cursor: Cursor, quiet_hours: int) -> int:
    """Seconds without an event that are longer than usual: a day, or the longest of the month."""
    return max(quiet_hours * HOUR, *cursor.gaps.values(), 0)


class StuckWalk(Exception):
    """The list leads nowhere: more is promised, and nothing to go on with is given."""


def _backfill(cursor: Cursor) -> Run | None:
    if cursor.until is None or cursor.high >= cursor.until:
        return None
    low = cursor.high + 1
    return Run(kind=Kind.BACKFILL, low=low, high=min(low + LONGEST_WINDOW - 1, cursor.until))


def _live(cursor: Cursor, now: int, target: int) -> Run | None:
    if cursor.high >= target:
        day = cursor.checks_left[0] if cursor.checks_left else None
        return None if day is None else Run(kind=Kind.CHECK, low=day, high=day + DAY - 1)
    high = min(target, cursor.high + LONGEST_WINDOW)
    if high == target and now - cursor.swept_at >= SWEEP_EVERY:
        return Run(kind=Kind.SWEEP, low=cursor.high - SWEEP_BACK, high=high)
    return Run(kind=Kind.POLL, low=cursor.high - overlap(cursor.lateness), high=high)


def with_checks(cursor: Cursor, now: int) -> Cursor:
    """Once a day the days before are to be listed again."""
    today = (now - CHECK_AFTER) // DAY * DAY
    if cursor.is_backfill or today <= cursor.checked_day:
        return cursor
    first = max(today - CHECKED_DAYS * DAY, cursor.begun // DAY * DAY)
    days = tuple(range(first, today, DAY))
    return cursor.model_copy(update={"checks_left": days, "checked_day": today})


def _next(run: Run, page: Page) -> str | None:
    """Where the walk goes on; None at the end."""
    if not page.has_more:
        return None
    if page.last_id is None:
        raise StuckWalk(f"a page after {run.after} has no events, but there is said to be more")
    if page.last_id == run.after:
        raise StuckWalk(f"the page after {run.after} ends where it began")
    return page.last_id


def _learned(cursor: Cursor, new: list[AuditLog]) -> Cursor:
    """How late events come, and how long none come."""
    lateness = list(cursor.lateness)
    if sum(lateness) >= HALVED_AT:
        lateness = [count // 2 for count in lateness]
    last, gaps = cursor.last_event, dict(cursor.gaps)
    for event in sorted(new, key=lambda each: each.time):
        if event.time >= cursor.begun:
            lateness[_slot(cursor.high - event.time)] += 1
        if last is not None and event.time > last:
            day = str(event.time // DAY)
            gaps[day] = max(gaps.get(day, 0), event.time - last)
        last = event.time if last is None else max(last, event.time)
    kept = dict(sorted(gaps.items(), key=lambda item: int(item[0]))[-30:])
    update = {"lateness": tuple(lateness), "last_event": last, "gaps": kept}
    return cursor.model_copy(update=update)


def _slot(late: int) -> int:
    return next((n for n, bound in enumerate(BOUNDS) if late <= bound), len(BOUNDS))


def run_of(cursor: Cursor) -> Run:
    if cursor.run is None:
        raise ValueError(f"{cursor.stream} has no run")
    return cursor.run
