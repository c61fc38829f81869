"""Audit events on the bus, many in an entry: few calls, and rules by type work all the same.

EventBridge looks into lists: {"detail": {"types": ["ip_allowlist.updated"]}} matches an entry that
holds one such event, and {"detail": {"events": {"id": [...]}}} reaches into the events.
"""

import json
from collections.abc import Iterable, Iterator
from functools import partial

from shared.audit.events import AuditLog
from shared.aws.at_once import at_once
from shared.aws.event_bus import AT_ONCE, EventBus

DETAIL_TYPE = "Audit Events"
MOST_BYTES = 200_000  # of a call; EventBridge takes 256 KB
ENTRY_BYTES = 200  # of an entry beside its detail
LONGEST_DETAIL = 55_000  # bytes of an entry
LONGEST_EVENT = 50_000  # bytes; a longer one is named on the bus, with its S3 object


class AuditBus:
    def __init__(self, bus: EventBus, calls_at_once: int) -> None:
        self._bus = bus
        self._calls_at_once = calls_at_once

    def publish(self, stream: str, archived: dict[str, list[AuditLog]]) -> None:
        """Events by the S3 object that holds them. Raises TryLater if any was not taken."""
        packs = [
            [(DETAIL_TYPE, detail) for detail in details]
            for details in _packs(_details(stream, archived))
        ]
        at_once([partial(self._bus.put, pack) for pack in packs], self._calls_at_once)


def _details(stream: str, archived: dict[str, list[AuditLog]]) -> Iterator[str]:
    for key, events in archived.items():
        for some in _some(events):
            types = sorted({event.type for event in some})
            summary = {"stream": stream, "object": key, "count": len(some), "types": types}
            shown = ",".join(_shown(event, key) for event in some)
            yield f'{json.dumps(summary)[:-1]}, "events": [{shown}]}}'


def _shown(event: AuditLog, key: str) -> str:
    if len(event.line) > LONGEST_EVENT:
        return json.dumps({"id": event.id, "type": event.type, "object": key})
    return event.line.decode(errors="replace")


def _some(events: Iterable[AuditLog]) -> Iterator[list[AuditLog]]:
    some: list[AuditLog] = []
    held = 0
    for event in events:
        size = min(len(event.line), LONGEST_EVENT)
        if some and held + size > LONGEST_DETAIL:
            yield some
            some, held = [], 0
        some.append(event)
        held += size
    yield some


def _packs(details: Iterable[str]) -> Iterator[list[str]]:
    pack: list[str] = []
    held = 0
    for detail in details:
        size = len(detail.encode()) + ENTRY_BYTES
        if pack and (len(pack) == AT_ONCE or held + size > MOST_BYTES):
            yield pack
            pack, held = [], 0
        pack.append(detail)
        held += size
    if pack:
        yield pack
