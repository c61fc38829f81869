"""Audit events on the bus, many in an entry: few calls, and rules by type work all the same.

EventBridge looks into lists: {"detail": {"types": ["ip_allowlist.updated"]}} matches an entry that
holds one such event, and {"detail": {"events": {"id": [...]}}} reaches into the events.
"""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from shared.audit.events import AuditLog
from shared.aws.notifier import SOURCE
from shared.errors import TryLater

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

DETAIL_TYPE = "Audit Events"
AT_ONCE = 10  # entries of a call
MOST_BYTES = 200_000  # of a call; EventBridge takes 256 KB
LONGEST_DETAIL = 60_000  # bytes of an entry
LONGEST_EVENT = 50_000  # bytes; of a longer one the bus gets the id and where it lies


class AuditBus:
    def __init__(self, events: "EventBridgeClient", bus: str) -> None:
        self._events = events
        self._bus = bus

    def publish(self, stream: str, landed: dict[str, list[AuditLog]]) -> None:
        """Events by the S3 object that holds them. Raises TryLater if any was not taken."""
        for entries in _packs(self._entries(stream, landed)):
            answer = self._events.put_events(Entries=entries)
            if answer["FailedEntryCount"]:
                codes = {each.get("ErrorCode") for each in answer["Entries"]} - {None}
                raise TryLater(f"bus: {sorted(map(str, codes))}")

    def _entries(self, stream: str, landed: dict[str, list[AuditLog]]) -> Iterator[Any]:
        for key, events in landed.items():
            for some in _some(events):
                types = sorted({event.type for event in some})
                summary = {"stream": stream, "object": key, "count": len(some), "types": types}
                shown = ",".join(_shown(event, key) for event in some)
                yield {
                    "Source": SOURCE,
                    "DetailType": DETAIL_TYPE,
                    "Detail": f'{json.dumps(summary)[:-1]}, "events": [{shown}]}}',
                    "EventBusName": self._bus,
                }


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


def _packs(entries: Iterable[Any]) -> Iterator[list[Any]]:
    pack: list[Any] = []
    held = 0
    for entry in entries:
        size = len(entry["Detail"].encode()) + 200
        if pack and (len(pack) == AT_ONCE or held + size > MOST_BYTES):
            yield pack
            pack, held = [], 0
        pack.append(entry)
        held += size
    if pack:
        yield pack
