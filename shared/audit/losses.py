"""O3: something could not be kept: observations that a pattern rests on, or events."""

from dataclasses import replace

from shared.audit.detection import Finding
from shared.audit.engine import LONGEST_TEXT, SetKey
from shared.audit.events import AuditLog
from shared.text import shorten


def memory_full(where: SetKey, lost: int, now: int) -> Finding:
    """A pattern remembers so much of one key that the oldest of it had to go."""
    pattern, key = where
    title = f"{pattern.rstrip('+')} forgot {lost} observations: too many of {key}"
    return _finding("memory", f"{pattern}/{key}", now, title)


def set_aside(event: AuditLog, reason: str, now: int) -> Finding:
    """No detection has seen it, or no table holds it; S3 does."""
    title = f"Event {event.id} of type {event.type} was set aside: {reason}"
    found = _finding("event", shorten(event.id, 100), now, title)
    return replace(
        found, event_id=event.id, event_ids=(event.id,), title=shorten(title, LONGEST_TEXT)
    )


def not_kept(key: str, now: int) -> Finding:
    """Observations of one key that DynamoDB does not take."""
    title = f"Observations of {shorten(key, 100)} could not be kept"
    return _finding("row", shorten(key, 100), now, title)


def not_evaluated(where: SetKey, reason: str, now: int) -> Finding:
    """A pattern failed at what it remembers of one key."""
    pattern, key = where
    title = f"{pattern} could not be evaluated for {shorten(key, 100)}: {reason}"
    return _finding("pattern", f"{pattern}/{key}", now, title)


def _finding(what: str, target: str, time: int, title: str) -> Finding:
    return Finding.about_ourselves("O3", what, f"{what}/{target}", time, title)
