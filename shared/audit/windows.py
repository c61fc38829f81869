"""Which window of the audit log to list next, and where a walk through one goes on.

A closed window of seconds is walked with `after` to its end before the next begins; a run that
another left unfinished is taken up. Windows overlap, and are swept again and again, because events
come late. https://platform.openai.com/docs/api-reference/audit-logs/list promises no order and no
punctuality.
"""

from collections.abc import Iterable, Sequence

from shared.audit.cursor import DAY, Cursor, Kind, Run, Tally, is_proof, run_of
from shared.audit.events import AuditLog
from shared.audit.lateness import HOUR, counted, longest_gaps, overlap
from shared.audit.reading import Page

SWEEP_EVERY, SWEEP_BACK = HOUR, 6 * HOUR
# A run in the past takes a day, so that days are evaluated in the order in which they happened.
LONGEST_WINDOW = DAY
MOST_RESTARTS = 2  # of a window, before a person has to look
CHECKED_DAYS = 7  # each closed day is listed again on the seven days after it
CHECK_AFTER = 6 * HOUR  # of its end


class StuckWalk(Exception):
    """The list leads nowhere: it promises more, and gives nothing to go on with."""


def with_run(cursor: Cursor, now: int, target: int) -> Cursor:
    """The cursor with a run to do, its own if it has one; as it is if there is nothing to do."""
    if cursor.run is not None:
        return cursor
    run = _backfill(cursor) if cursor.is_backfill else _live(cursor, now, target)
    return cursor if run is None else cursor.replaced(run=run)


def advanced(cursor: Cursor, page: Page) -> Cursor:
    """After a page: where the walk goes on. Raises StuckWalk."""
    run = run_of(cursor)
    after = _next(run, page)
    mark = after if _is_power(run.pages + 1) else run.mark
    moved = run.model_copy(update={"after": after, "mark": mark, "pages": run.pages + 1})
    return cursor.model_copy(update={"run": moved})


def walked(cursor: Cursor, pages: Sequence[Page], new: Iterable[AuditLog]) -> Cursor:
    """After pages: where the walk stands, and what was learned. Raises StuckWalk."""
    new = list(new)
    for page in pages:
        cursor = advanced(cursor, page)
    run = run_of(cursor)
    events = {event.id: event for page in pages for event in page.events}
    tally = run.tally.add(events.values(), contents=is_proof(run))
    moved = run.model_copy(update={"new": run.new + len(new), "tally": tally})
    known = cursor if cursor.is_backfill else _learned(cursor, new)
    return known.replaced(run=moved)


def restarted(cursor: Cursor, restarts: int) -> Cursor:
    """The same window from its beginning: what landed is known by its id, so it is safe."""
    fresh = {"after": None, "mark": None, "pages": 0, "restarts": restarts, "tally": Tally()}
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
    update: dict[str, object] = {"high": run.high}
    if run.kind == Kind.SWEEP:
        update["swept_at"] = now
    return done.model_copy(update=update)


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
    """Once a day the days before are to be listed again, also those of the first reading."""
    today = (now - CHECK_AFTER) // DAY * DAY
    if cursor.is_backfill or today <= cursor.checked_day:
        return cursor
    is_first = not cursor.checked_day  # then all that was read is proved once
    first = cursor.since // DAY * DAY
    first = first if is_first else max(today - CHECKED_DAYS * DAY, first)
    days = tuple(sorted({*cursor.checks_left, *range(first, today, DAY)}))
    return cursor.model_copy(update={"checks_left": days, "checked_day": today})


def _next(run: Run, page: Page) -> str | None:
    """Where the walk goes on; None at the end."""
    if not page.has_more:
        return None
    if page.last_id is None:
        raise StuckWalk(f"a page after {run.after} has no events, but promises more")
    if page.last_id in {run.after, run.mark}:
        raise StuckWalk(f"the page after {run.after} ends at {page.last_id}, where it was before")
    return page.last_id


def _is_power(pages: int) -> bool:
    """Of two. One place is remembered, a newer one each time the walk is twice as long, which
    finds a circle of any length (R. P. Brent, 1980)."""
    return pages & (pages - 1) == 0


def _learned(cursor: Cursor, new: Sequence[AuditLog]) -> Cursor:
    """How late events come, and how long none come."""
    times = [event.time for event in new]
    late = (cursor.high - time for time in times if time >= cursor.begun)
    last = max([*times, *([] if cursor.last_event is None else [cursor.last_event])], default=None)
    update = {
        "lateness": counted(cursor.lateness, late),
        "last_event": last,
        "gaps": longest_gaps(cursor.gaps, cursor.last_event, times),
    }
    return cursor.model_copy(update=update)
