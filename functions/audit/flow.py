"""Lists what is new in the audit log, archives it, evaluates it, notifies.

Each stream has a cursor of its own: the organization's events, the tenant's, and backfills.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from functions.audit.metrics import Metrics, combined, publish, with_losses
from functions.audit.notify import close_incidents, notify
from functions.audit.walk import walk
from shared.audit.cursor import DAY, TENANT, Cursor, opened
from shared.audit.edges import AuditEdges
from shared.audit.sigma.folder import Unused
from shared.audit.silence import not_permitted, refused, silences
from shared.errors import ActionRequired, Conflict, Refused

ORGANIZATION = "organization"


def tick(edges: AuditEdges, until: datetime) -> Metrics:
    """Reads at least one page of each stream, however little time is left."""
    metrics: Metrics = {}
    failures: list[Exception] = []
    unused = edges.load_rules()
    for cursor in _streams(edges):
        try:
            metrics = combined(metrics, _read(edges, cursor, until, unused))
        except ActionRequired as error:
            failures.append(error)  # the other streams need the same key
            break
        except Exception as error:  # noqa: BLE001  # one stream failed; raised with the others below
            failures.append(error)
    metrics = combined(metrics, close_incidents(edges))
    metrics = with_losses(metrics)
    if failures:
        publish(metrics)  # what was read counts, whatever failed beside it
        raise ExceptionGroup("the audit log was not listed whole", failures)
    return metrics


def _streams(edges: AuditEdges) -> Iterator[Cursor]:
    """The live streams, opened when they are first read, then the backfills that are not over."""
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


def _read(edges: AuditEdges, cursor: Cursor, until: datetime, unused: Sequence[Unused]) -> Metrics:
    """Reads one stream, unless another run holds its lease."""
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
    found = _check_ourselves(edges, held, unused)
    try:
        left, walked = walk(edges, held, until)
    except Exception as error:  # noqa: BLE001  # raised again, unless it is expected
        return combined(found, _after_failure(edges, held, error))
    edges.tables.replace_cursor(left.replaced(leased_until=0), left.rev)
    return combined(found, walked)


def _check_ourselves(edges: AuditEdges, cursor: Cursor, unused: Sequence[Unused]) -> Metrics:
    """What is wrong with the watching is told before the stream is read."""
    now, interval = edges.seconds(), edges.settings.audit_interval_seconds
    findings = [each.finding(now) for each in unused]
    if not cursor.is_backfill:
        findings += silences(cursor, interval, now, edges.config)
    return notify(edges, cursor, findings)


def _after_failure(edges: AuditEdges, cursor: Cursor, error: Exception) -> Metrics:
    """Gives the lease back, so that the next run can go on at once, and raises the failure again.

    One failure is expected: a key that may read the organization's events, but not the tenant's.
    """
    now, reason = edges.seconds(), str(error)
    is_refusal = isinstance(error, ActionRequired | Refused)
    left = edges.tables.cursors()[cursor.stream]
    tenant_refused = is_refusal and cursor.tenant_only
    released = {"leased_until": 0} | ({"refused_until": now + DAY} if tenant_refused else {})
    edges.tables.replace_cursor(left.replaced(**released), left.rev)
    if tenant_refused:
        return notify(edges, cursor, [not_permitted(cursor.stream, reason, now)])
    if is_refusal:
        notify(edges, cursor, [refused(cursor.stream, reason, now)])
    raise error
