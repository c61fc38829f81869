"""Walks a stream's windows page by page: a page is landed, judged and told before the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.audit.archive import land, land_manifest
from functions.audit.evaluate import Memory, judge
from functions.audit.metrics import Counts, added
from functions.audit.notify import ring
from shared.audit.api import CursorRefused
from shared.audit.cursor import (
    Alerting,
    Cursor,
    Kind,
    StuckWalk,
    after_refusal,
    finished,
    overlap,
    restarted,
    run_of,
    walked,
    with_checks,
    with_run,
)
from shared.audit.edges import AuditEdges
from shared.audit.events import AuditLog
from shared.audit.reading import Page
from shared.audit.replay import unique
from shared.audit.rows import row_of
from shared.audit.tables import Commit


@dataclass(frozen=True, slots=True)
class Listed:
    """A page, and what of it had not landed yet."""

    page: Page
    events: Sequence[AuditLog]
    new: Sequence[AuditLog]
    now: int


def walk(edges: AuditEdges, cursor: Cursor, until: datetime) -> tuple[Cursor, Counts]:
    """Until all is listed up to now, or time runs out; then the cursor knows where to go on."""
    counts: Counts = {}
    memory = Memory()
    target = edges.seconds()
    while (ready := with_run(with_checks(cursor, target), target, target)).run is not None:
        cursor, page_counts = _page(edges, ready, cursor.rev, memory)
        counts = added(counts, page_counts)
        if edges.now() >= until:
            break
    return cursor, counts | _standing(cursor, target)


def _standing(cursor: Cursor, target: int) -> Counts:
    if cursor.is_backfill:
        return {"AuditBackfillsOpen": int(not cursor.is_over)}
    return {
        "AuditBehindSeconds": target - cursor.high,
        "AuditOverlapSeconds": overlap(cursor.lateness),
    }


def _page(edges: AuditEdges, cursor: Cursor, rev: int, memory: Memory) -> tuple[Cursor, Counts]:
    """The cursor after one page, saved; `rev` is of the cursor that is saved now."""
    try:
        listed = _list(edges, cursor)
        return _take_in(edges, cursor, rev, listed, memory)
    except CursorRefused as error:
        again = after_refusal(cursor, error.reason)
    except StuckWalk:
        edges.tables.replace_cursor(restarted(cursor, 0), rev)
        raise
    edges.tables.replace_cursor(again, rev)
    return again, {}


def _list(edges: AuditEdges, cursor: Cursor) -> Listed:
    run, limit = run_of(cursor), edges.settings.audit_page
    page = edges.api.page(run.low, run.high, run.after, limit=limit, tenant_only=cursor.tenant_only)
    events = list(unique(page.events))
    seen = edges.tables.seen(event.id for event in events)
    new = [event for event in events if event.id not in seen]
    return Listed(page, events, new, edges.seconds())


def _take_in(
    edges: AuditEdges, cursor: Cursor, rev: int, listed: Listed, memory: Memory
) -> tuple[Cursor, Counts]:
    """Bytes, then bell, then tables."""
    moved = walked(cursor, listed.page, listed.new)
    landed = land(edges, cursor.stream, listed.new, listed.page.unreadable)
    if edges.config.bus == "events":
        edges.bus.tell(cursor.stream, landed)
    again = cursor.is_backfill and cursor.alerting != Alerting.OFF
    judged = judge(edges, listed.events if again else listed.new, listed.now, memory)
    counts = _counts(cursor, listed)
    if cursor.alerting != Alerting.OFF:
        counts = added(counts, ring(edges, cursor, judged.findings))
    if not listed.page.has_more:
        counts = added(counts, _end(edges, moved, listed.now))
        moved = finished(moved, listed.now)
    kept_days = edges.settings.audit_kept_days
    rows = [
        row_of(event, cursor.stream, key, listed.now, kept_days)
        for key, events in landed.items()
        for event in events
    ]
    commit = Commit(judged.observations, judged.known, judged.expires_at, rows, moved, rev)
    counts["AuditFactsDropped"] = edges.tables.commit(commit)
    memory.add(judged.observations)
    return moved, counts


def _end(edges: AuditEdges, cursor: Cursor, now: int) -> Counts:
    run = run_of(cursor)
    if run.kind != Kind.CHECK:
        return {}
    land_manifest(edges, cursor.stream, run, now)
    return {"AuditDaysChecked": 1, "AuditFoundByCheck": run.new}


def _counts(cursor: Cursor, listed: Listed) -> Counts:
    live = [event for event in listed.new if event.time >= cursor.begun]
    return {
        "AuditPages": 1,
        "AuditEventsLanded": len(listed.new),
        "AuditEventsSeenBefore": len(listed.events) - len(listed.new),
        "AuditUnreadable": len(listed.page.unreadable),
        "AuditLagSeconds": max((listed.now - event.time for event in live), default=0),
    }
