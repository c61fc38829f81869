"""Rows of the tables: an event, to ask what an actor, key or project did; and keys of the state."""

import hashlib

from shared.audit.actors import NOBODY
from shared.audit.events import AuditLog
from shared.audit.state import Row
from shared.model import FrozenModel

LONGEST_RAW = 8_000  # bytes; a longer event is in S3 alone
LONGEST_KEY = 400  # characters; a longer one is its hash


class EventRow(FrozenModel):
    """Indexes: actor, type, project and key, each with `at`."""

    id: str
    at: str  # sorts by time: seconds of one length, then the id
    time: int
    type: str
    stream: str
    seen_at: int
    object: str  # in S3, which holds it
    actor: str | None = None
    email: str | None = None
    key: str | None = None
    project: str | None = None
    ip: str | None = None
    raw: str | None = None
    expires_at: int


def row_of(event: AuditLog, stream: str, object_: str, seen_at: int, kept_days: int) -> EventRow:
    short = len(event.line) <= LONGEST_RAW
    return EventRow(
        id=event.id,
        at=f"{event.time:012d}#{event.id}",
        time=event.time,
        type=event.type,
        stream=stream,
        seen_at=seen_at,
        object=object_,
        actor=None if event.by.id == NOBODY else event.by.id,
        email=event.by.email,
        key=event.by.key,
        project=event.project.id or None,
        ip=event.by.ip,
        raw=event.line.decode(errors="replace") if short else None,
        expires_at=seen_at + kept_days * 86_400,
    )


def observation_key(row: Row) -> tuple[str, str]:
    return f"OBSERVATIONS#{_short(row.key)}", f"{row.seconds}#{row.bucket:010d}"


def alert_pk(dedup: str, dry_run: str | None) -> str:
    return f"ALERT#{_short(dedup)}" if dry_run is None else f"DRY#{dry_run}#{_short(dedup)}"


def incidents_pk(actor: str) -> str:
    return f"INCIDENTS#{_short(actor)}"


def _short(key: str) -> str:
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()
