"""Ticks of EventBridge Scheduler, which Lambda may deliver late."""

from collections.abc import Mapping
from datetime import datetime, timedelta

SCHEDULED = "scheduled"  # of a tick's input: the time it was due; see template.yaml


def is_late(event: Mapping[str, object], now: datetime, every: timedelta) -> bool:
    """The next tick has been due since: it does what this one would have done.

    Lambda keeps what it can't run at once, for up to an hour, and tries again what failed. A
    person's word must survive that; ticks would all run together when there is room again.
    """
    try:
        due = datetime.fromisoformat(str(event[SCHEDULED]))
    except (KeyError, ValueError):  # not a tick, or by a clock that does not say when
        return False
    return due.tzinfo is not None and now - due > every
