"""The clock ticked: list what is new in the audit log, land it, judge it, ring.

Each stream has a cursor of its own: the organization's events, the tenant's, and backfills.
"""

from collections.abc import Iterator
from datetime import datetime

from functions.audit.metrics import Counts, added
from functions.audit.notify import ring
from functions.audit.walk import walk
from shared.audit.cursor import DAY, TENANT, Cursor, opened
from shared.audit.edges import AuditEdges
from shared.audit.silence import not_permitted, refused, silences
from shared.errors import ActionRequired, Conflict, Refused

ORGANIZATION = "organization"


def tick(edges: AuditEdges, until: datetime) -> Counts:
    """One tick; at least one page of each stream, however little time is left."""
    counts: Counts = {}
    failures: list[Exception] = []
    for cursor in _streams(edges):
        try:
            counts = added(counts, _listen(edges, cursor, until))
        except ActionRequired as error:
            failures.append(error)  # the key is no good for the other streams either
            break
        except Exception as error:  # noqa: BLE001  # one stream's failure; raised with the others
            failures.append(error)
    if failures:
        raise ExceptionGroup("the audit log was not listed whole", failures)
    return counts


def _streams(edges: AuditEdges) -> Iterator[Cursor]:
    """The live streams, made when they are first wanted, then the backfills that are not over."""
    known = edges.tables.cursors()
    wanted = [ORGANIZATION, TENANT] if edges.settings.audit_tenant else [ORGANIZATION]
    for stream in wanted:
        yield known.get(stream) or _open(edges, stream)
    yield from (each for each in known.values() if each.is_backfill and not each.is_over)


def _open(edges: AuditEdges, stream: str) -> Cursor:
    days = edges.settings.audit_first_days
    cursor = opened(stream, edges.seconds(), tenant_only=stream == TENANT, days=days)
    edges.tables.open_cursor(cursor)
    return cursor


def _listen(edges: AuditEdges, cursor: Cursor, until: datetime) -> Counts:
    """One stream, by whoever holds its lease."""
    now = edges.seconds()
    if cursor.refused_until > now:
        return {"AuditStreamsRefused": 1}
    if cursor.leased_until > now:
        return {"AuditStreamsBusy": 1}
    held = cursor.replaced(leased_until=now + edges.settings.audit_lease_seconds)
    try:
        edges.tables.replace_cursor(held, cursor.rev)
    except Conflict:
        return {"AuditStreamsBusy": 1}  # another run was faster
    told = _watch_the_clock(edges, held, now)
    try:
        left, walked = walk(edges, held, until)
    except Exception as error:  # noqa: BLE001  # raised again there, unless it is expected
        return added(told, _after_failure(edges, held, error))
    edges.tables.replace_cursor(left.replaced(leased_until=0), left.rev)
    return added(told, walked)


def _watch_the_clock(edges: AuditEdges, cursor: Cursor, now: int) -> Counts:
    if cursor.is_backfill:
        return {}
    interval = edges.settings.audit_interval_seconds
    return ring(edges, cursor, list(silences(cursor, interval, now, edges.config)))


def _after_failure(edges: AuditEdges, cursor: Cursor, error: Exception) -> Counts:
    """The next tick may go on at once; the failure goes on too, but for one that is expected.

    The tenant's stream may be closed to a key that may read the organization's.
    """
    now, reason = edges.seconds(), str(error)
    is_refusal = isinstance(error, ActionRequired | Refused)
    left = edges.tables.cursors()[cursor.stream]
    tenant_refused = is_refusal and cursor.tenant_only
    free = {"leased_until": 0} | ({"refused_until": now + DAY} if tenant_refused else {})
    edges.tables.replace_cursor(left.replaced(**free), left.rev)
    if tenant_refused:
        return ring(edges, cursor, [not_permitted(cursor.stream, reason, now)])
    if is_refusal:
        ring(edges, cursor, [refused(cursor.stream, reason, now)])
    raise error
