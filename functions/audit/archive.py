"""Writes events and manifests to S3, by the time of the event."""

from collections.abc import Iterator, Sequence

import msgspec

from shared.audit.cursor import Run
from shared.audit.edges import AuditEdges
from shared.audit.events import AuditLog
from shared.audit.manifest import Manifest, manifest
from shared.audit.ocsf import as_ocsf
from shared.audit.paths import by_hour, events_key, manifest_key, packed, unreadable_key
from shared.errors import NotFound

PACKED = "application/gzip"
JSON = "application/json"


def archive(
    edges: AuditEdges, stream: str, events: Sequence[AuditLog], unreadable: Sequence[bytes]
) -> dict[str, list[AuditLog]]:
    """Returns the events by the object that holds them."""
    archived: dict[str, list[AuditLog]] = {}
    for hour, some in by_hour(events).items():
        key = events_key(hour, stream, some)
        edges.s3.write(key, [packed(event.line for event in some)], PACKED)
        if edges.config.ocsf:
            ocsf = events_key(hour, stream, some, folder="ocsf")
            edges.s3.write(ocsf, [packed(_ocsf(some, edges.seconds()))], PACKED)
        archived[key] = some
    if unreadable:
        key = unreadable_key(stream, edges.seconds(), unreadable)
        edges.s3.write(key, [packed(unreadable)], PACKED)
    return archived


def archive_manifest(edges: AuditEdges, stream: str, run: Run, now: int) -> None:
    key = manifest_key(stream, run.low)
    day = manifest(stream, run, _manifest(edges, key), now)
    edges.s3.write(key, [day.model_dump_json().encode()], JSON)


def _manifest(edges: AuditEdges, key: str) -> Manifest | None:
    try:
        return Manifest.model_validate_json(edges.s3.read(key))
    except NotFound:
        return None


def _ocsf(events: Sequence[AuditLog], now: int) -> Iterator[bytes]:
    for event in events:
        yield from map(msgspec.json.encode, as_ocsf(event, now))
