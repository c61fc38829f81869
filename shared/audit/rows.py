"""An event's row in the table that answers: what did this actor, key, project do, and when."""

from shared.audit.actors import NOBODY
from shared.audit.events import AuditLog
from shared.model import FrozenModel

LONGEST_RAW = 8_000  # bytes; a longer event lies in S3 alone


class EventRow(FrozenModel):
    """Indexes: actor, type, project and key, each with `at`."""

    id: str
    at: str  # sorts by time: seconds of one length, then the id
    time: int
    type: str
    stream: str
    seen_at: int
    landed: str  # the S3 object that holds it
    actor: str | None = None
    email: str | None = None
    key: str | None = None
    project: str | None = None
    ip: str | None = None
    raw: str | None = None
    expires_at: int


def row_of(event: AuditLog, stream: str, landed: str, seen_at: int, kept_days: int) -> EventRow:
    short = len(event.line) <= LONGEST_RAW
    return EventRow(
        id=event.id,
        at=f"{event.time:012d}#{event.id}",
        time=event.time,
        type=event.type,
        stream=stream,
        seen_at=seen_at,
        landed=landed,
        actor=None if event.by.id == NOBODY else event.by.id,
        email=event.by.email,
        key=event.by.key,
        project=event.project.id or None,
        ip=event.by.ip,
        raw=event.line.decode(errors="replace") if short else None,
        expires_at=seen_at + kept_days * 86_400,
    )
