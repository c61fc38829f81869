"""Walks a stream's windows page by page, each archived, evaluated and published in turn."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain

from functions.audit.archive import archive, archive_set_aside
from functions.audit.evaluate import Memory, evaluate
from functions.audit.metrics import Metrics, combined
from functions.audit.notify import notify
from functions.audit.proof import prove
from shared.audit import losses
from shared.audit.api import CursorRefused
from shared.audit.commit import Commit
from shared.audit.cursor import Alerting, Cursor, Kind, is_proof, run_of
from shared.audit.edges import AuditEdges
from shared.audit.events import AuditLog
from shared.audit.lateness import overlap
from shared.audit.reading import Page
from shared.audit.replay import unique
from shared.audit.rows import row_id, row_of, unjudged
from shared.audit.windows import (
    StuckWalk,
    advanced,
    after_refusal,
    finished,
    restarted,
    walked,
    with_checks,
    with_run,
)
from shared.errors import EdgeError

MOST_EVENTS = 1_000  # listed before they are evaluated and committed together


@dataclass(frozen=True, slots=True)
class Listed:
    """Pages one after the other, and the events of them that are new."""

    pages: Sequence[Page]
    events: Sequence[AuditLog]
    new: Sequence[AuditLog]
    unjudged: Mapping[str, Sequence[AuditLog]]  # by object: a backfill without alerts was first
    now: int
    stuck: StuckWalk | None = None

    @property
    def unreadable(self) -> list[bytes]:
        return [each for page in self.pages for each in page.unreadable]

    @property
    def has_more(self) -> bool:
        return self.pages[-1].has_more


def walk(edges: AuditEdges, cursor: Cursor, until: datetime) -> tuple[Cursor, Metrics]:
    """Goes on until all is listed up to now, or time runs out; the cursor says where to resume."""
    metrics: Metrics = {}
    memory = Memory()
    target = edges.seconds()
    while (ready := with_run(with_checks(cursor, target), target, target)).run is not None:
        cursor, page_metrics = _pages(edges, ready, cursor.rev, memory, until)
        metrics = combined(metrics, page_metrics)
        if edges.now() >= until:
            break
    return cursor, metrics | _position(cursor, target)


def _position(cursor: Cursor, target: int) -> Metrics:
    if cursor.is_backfill:
        return {"AuditBackfillsOpen": int(not cursor.is_over)}
    return {
        "AuditBehindSeconds": target - cursor.high,
        "AuditOverlapSeconds": overlap(cursor.lateness),
    }


def _pages(
    edges: AuditEdges, cursor: Cursor, rev: int, memory: Memory, until: datetime
) -> tuple[Cursor, Metrics]:
    """The cursor after some pages, saved; `rev` is of the cursor that is saved now."""
    try:
        listed = _list(edges, cursor, until)
        moved, metrics = _process(edges, cursor, rev, listed, memory)
    except CursorRefused as error:
        again = after_refusal(cursor, error.reason)
        edges.tables.replace_cursor(again, rev)
        return again, {}
    except StuckWalk:
        edges.tables.replace_cursor(restarted(cursor, 0), rev)
        raise
    if listed.stuck is not None:
        edges.tables.replace_cursor(restarted(moved, 0), moved.rev)
        raise listed.stuck
    return moved, metrics


def _list(edges: AuditEdges, cursor: Cursor, until: datetime) -> Listed:
    pages, stuck = _walk_pages(edges, cursor, until)
    events = list(unique(event for page in pages for event in page.events))
    ids = [row_id(event.id) for event in events]
    seen = edges.tables.seen(ids)
    new = []
    unjudged: dict[str, list[AuditLog]] = defaultdict(list)
    for event, id_ in zip(events, ids, strict=True):
        if id_ not in seen:
            new.append(event)
        elif (held_by := seen[id_]) and cursor.alerting == Alerting.ON:
            unjudged[held_by].append(event)
    return Listed(pages, events, new, unjudged, edges.seconds(), stuck)


def _walk_pages(
    edges: AuditEdges, cursor: Cursor, until: datetime
) -> tuple[list[Page], StuckWalk | None]:
    """As many as are worth one commit, and why there are no more, if that is for good."""
    pages: list[Page] = []
    limit, listed = edges.settings.audit_page, 0
    while True:
        run = run_of(cursor)
        try:
            page = edges.api.page(
                run.low, run.high, run.after, limit=limit, tenant_only=cursor.tenant_only
            )
            cursor = advanced(cursor, page)
        except (EdgeError, StuckWalk) as error:
            if not pages:
                raise
            return pages, error if isinstance(error, StuckWalk) else None
        pages.append(page)
        listed += len(page.events) + len(page.unreadable)
        if not page.has_more or listed >= MOST_EVENTS or edges.now() >= until:
            return pages, None


def _process(
    edges: AuditEdges, cursor: Cursor, rev: int, listed: Listed, memory: Memory
) -> tuple[Cursor, Metrics]:
    """Writes, notifies, then commits."""
    moved = walked(cursor, listed.pages, listed.new)
    archived = archive(edges, cursor, listed.new, listed.unreadable, memory.archived)
    if edges.config.bus == "events":
        edges.bus.publish(cursor.stream, archived)
    again = cursor.is_backfill or bool(listed.unjudged)
    judged = _judged(cursor, listed)
    evaluation = evaluate(edges, judged, listed.now, memory, again=again)
    archive_set_aside(edges, cursor.stream, evaluation.set_aside)
    metrics = _metrics(cursor, listed)
    metrics["AuditSetAside"] = len(evaluation.set_aside)
    metrics = combined(metrics, notify(edges, cursor, evaluation.findings, archived))
    if not listed.has_more:
        metrics = combined(metrics, _end(edges, moved, listed))
        moved = finished(moved, listed.now)
    kept_days = edges.settings.audit_kept_days
    rows = [
        row_of(event, cursor.stream, key, listed.now, kept_days)
        for key, events in chain(archived.items(), listed.unjudged.items())
        for event in events
    ]
    if cursor.alerting != Alerting.ON:
        rows = list(map(unjudged, rows))
    commit = Commit(
        evaluation.observations,
        evaluation.dropped,
        memory.sizes,
        evaluation.expires_at,
        rows,
        moved,
        rev,
    )
    edges.tables.commit(commit, partial(_not_taken, edges, cursor, listed.new, metrics))
    metrics["AuditObservationsDropped"] = evaluation.lost.total()
    memory.drop(evaluation.dropped)
    memory.add(evaluation.observations)
    return moved, metrics


def _judged(cursor: Cursor, listed: Listed) -> Sequence[AuditLog]:
    """What this stream evaluates: what no other has, and in a backfill everything."""
    if cursor.alerting == Alerting.OFF:
        return ()
    if cursor.is_backfill:
        return listed.events
    return [*listed.new, *chain.from_iterable(listed.unjudged.values())]


def _not_taken(
    edges: AuditEdges,
    cursor: Cursor,
    new: Sequence[AuditLog],
    metrics: Metrics,
    ids: Sequence[str],
) -> None:
    """DynamoDB refuses them for good: the event is in S3, and that is told once."""
    metrics["AuditNotTaken"] = len(ids)
    by_id = {row_id(event.id): event for event in new}
    events = [by_id[id_] for id_ in ids if id_ in by_id]
    archive_set_aside(edges, cursor.stream, events)
    now, reason = edges.seconds(), "DynamoDB does not take it"
    found = [losses.set_aside(event, reason, now) for event in events]
    found += [losses.not_kept(id_, now) for id_ in ids if id_ not in by_id]
    notify(edges, cursor, found)


def _end(edges: AuditEdges, cursor: Cursor, listed: Listed) -> Metrics:
    run = run_of(cursor)
    if not is_proof(run):
        return {}
    landing = {event.id for event in listed.new}
    flaws = prove(edges, cursor, landing, listed.now)
    told = notify(edges, cursor, flaws)
    found = {"AuditFoundByCheck": run.new} if run.kind == Kind.CHECK else {}
    return combined(told, {"AuditDaysChecked": 1, "AuditEvidenceFlaws": len(flaws)} | found)


def _metrics(cursor: Cursor, listed: Listed) -> Metrics:
    live = [event for event in listed.new if event.time >= cursor.begun]
    return {
        "AuditPages": len(listed.pages),
        "AuditEventsLanded": len(listed.new),
        "AuditEventsSeenBefore": len(listed.events) - len(listed.new),
        "AuditUnreadable": len(listed.unreadable),
        "AuditLagSeconds": max((listed.now - event.time for event in live), default=0),
    }
