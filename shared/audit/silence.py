"""O1: the audit log refuses us, was not read for long, or has no events any more."""

from collections.abc import Iterator
from dataclasses import replace

from shared.audit.config import Config
from shared.audit.cursor import Cursor
from shared.audit.detection import Finding
from shared.audit.detections.operations import O1
from shared.audit.lateness import HOUR, MINUTE
from shared.audit.severity import Severity

LATE_AFTER = 3  # intervals without a successful poll


def refused(stream: str, reason: str, now: int) -> Finding:
    """The reason is OpenAI's, with what to do about it; never with the key."""
    return _finding(stream, "refused", now, f"OpenAI refuses the audit log: {reason}")


def not_permitted(stream: str, reason: str, now: int) -> Finding:
    """A stream that the key may not read, while it may read the other."""
    found = _finding(stream, "not permitted", now, f"Not read: {reason}")
    return replace(found, severity=Severity.INFO, level=Severity.INFO)


def silences(cursor: Cursor, interval: int, now: int, config: Config) -> Iterator[Finding]:
    """What is wrong with a live stream at the start of a run."""
    stream = cursor.stream
    if now - cursor.last_ok > LATE_AFTER * interval:
        minutes = (now - cursor.last_ok) // MINUTE
        title = f"The audit log was not read for {minutes} minutes"
        yield _finding(stream, "unread", cursor.last_ok + LATE_AFTER * interval, title)
    last = cursor.begun if cursor.last_event is None else cursor.last_event
    limit = usual_quiet(cursor, config.rule_of(O1).quiet_hours)
    if not cursor.tenant_only and cursor.high - last > limit:
        hours = (cursor.high - last) // (60 * MINUTE)
        never = "" if cursor.last_event else ", nor ever before: is the audit log switched on?"
        yield _finding(stream, "quiet", last + limit, f"No audit event for {hours} hours{never}")


def usual_quiet(cursor: Cursor, quiet_hours: int) -> int:
    """Seconds without an event: the hours that are set, or the longest gap of the month."""
    return max(quiet_hours * HOUR, *cursor.gaps.values(), 0)


def _finding(stream: str, what: str, time: int, title: str) -> Finding:
    return Finding.about_ourselves("O1", what, f"{stream}/{what}", time, title)
