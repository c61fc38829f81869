"""Writes events to S3, by the time of the event."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from shared.audit.cursor import Cursor
from shared.audit.edges import AuditEdges
from shared.audit.events import AuditLog
from shared.audit.evidence import events_in
from shared.audit.ocsf import as_ocsf
from shared.audit.paths import by_hour, events_key, packed, unreadable_key
from shared.aws.at_once import at_once
from shared.telemetry import logger

PACKED = "application/gzip"


class Archived:
    """What S3 held of the past before this table began: the audit was off and is on again."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, str]] = {}

    def known(self, edges: AuditEdges, hour: str) -> Mapping[str, str]:
        """The objects of that hour's events, by id; each hour is looked at once."""
        if hour not in self._ids:
            self._ids[hour] = dict(_held(edges, hour))
        return self._ids[hour]


def _held(edges: AuditEdges, hour: str) -> Iterator[tuple[str, str]]:
    for source, _ in edges.s3.versions(edges.s3.bucket, f"events/{hour}/"):
        for event in events_in(edges.s3.read(source.key)):
            yield event.id, source.key


def archive(
    edges: AuditEdges,
    cursor: Cursor,
    events: Sequence[AuditLog],
    unreadable: Sequence[bytes],
    before: Archived,
) -> dict[str, list[AuditLog]]:
    """Returns the events by the object that holds them."""
    archived: dict[str, list[AuditLog]] = defaultdict(list)
    writes: list[Callable[[], object]] = []
    for hour, every in by_hour(events).items():
        held = before.known(edges, hour) if every[-1].time < cursor.begun else {}
        for event in (each for each in every if each.id in held):
            archived[held[event.id]].append(event)
        if some := [event for event in every if event.id not in held]:
            key = events_key(hour, cursor.stream, some)
            archived[key] += some
            writes.append(partial(_write, edges, key, [event.line for event in some]))
            writes += _as_ocsf(edges, hour, cursor.stream, some)
    at_once(writes, edges.settings.audit_calls_at_once)
    _archive_unreadable(edges, cursor.stream, unreadable)
    return archived


def _as_ocsf(
    edges: AuditEdges, hour: str, stream: str, events: Sequence[AuditLog]
) -> Iterator[Callable[[], object]]:
    """The write of one hour's events as OCSF, if that is asked for."""
    if edges.config.ocsf:
        key = events_key(hour, stream, events, folder="ocsf")
        yield partial(_write, edges, key, list(_ocsf(events, edges.seconds())))


def archive_set_aside(edges: AuditEdges, stream: str, events: Sequence[AuditLog]) -> None:
    """Beside where it belongs also where a person looks for what went wrong."""
    _archive_unreadable(edges, stream, [event.line for event in events])


def _write(edges: AuditEdges, key: str, lines: Sequence[bytes]) -> None:
    edges.s3.write(key, [packed(lines)], PACKED)


def _archive_unreadable(edges: AuditEdges, stream: str, lines: Sequence[bytes]) -> None:
    if lines:
        key = unreadable_key(stream, edges.seconds(), lines)
        _write(edges, key, lines)


def _ocsf(events: Sequence[AuditLog], now: int) -> Iterator[bytes]:
    for event in events:
        try:
            yield from [msgspec.json.encode(each) for each in as_ocsf(event, now)]
        except Exception:  # noqa: BLE001  # the event itself is kept
            logger.exception("an event is not written as OCSF", event=event.id, type=event.type)
