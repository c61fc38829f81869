"""Puts events on the bus: all of a call are taken, or it is tried again later."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.errors import TryLater

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "batchdrop"
AT_ONCE = 10  # entries of a call


class EventBus:
    def __init__(self, events: "EventBridgeClient", bus: str) -> None:
        self._events = events
        self._bus = bus

    def put(self, details: Sequence[tuple[str, str]]) -> None:
        """Pairs of a detail-type and a JSON text, ten at most. Raises TryLater if any failed."""
        entries: Any = [
            {"Source": SOURCE, "DetailType": type_, "Detail": detail, "EventBusName": self._bus}
            for type_, detail in details
        ]
        answer = self._events.put_events(Entries=entries)
        if answer["FailedEntryCount"]:
            codes = {each.get("ErrorCode") for each in answer["Entries"]} - {None}
            raise TryLater(f"bus: {', '.join(sorted(map(str, codes)))}")
