"""Rows of the tables: an event, to ask what an actor, key or project did; and keys of the state."""

from typing import Any, NamedTuple

from shared.audit.actors import NOBODY
from shared.audit.addresses import browser_of
from shared.audit.events import AuditLog
from shared.audit.fitting import fitting
from shared.audit.state import Row

LONGEST_RAW = 8_000  # bytes; a longer event is in S3 alone
LONGEST_KEY = 400  # bytes; of a longer one the beginning and a hash
LONGEST_ID, LONGEST_VALUE = 900, 1_000  # bytes; an index takes 1,024 to sort by, 2,048 to find by


INDEXES = ("actor", "address", "email", "fingerprint", "key", "project", "target", "type")


class EventRow(NamedTuple):
    """Indexes: those of INDEXES, each with `at`."""

    id: str
    at: str  # sorts by time: seconds of one length, then the id
    time: int
    type: str
    stream: str
    seen_at: int
    object: str  # in S3, which holds it
    expires_at: int
    unjudged: str | None = None  # the object again, as long as no stream with alerts has seen it
    actor: str | None = None
    email: str | None = None
    key: str | None = None
    project: str | None = None
    address: str | None = None
    place: str | None = None  # address, city, country, provider
    fingerprint: str | None = None  # of the browser or program: what stays of its JA4
    target: str | None = None  # the id of what was acted on
    raw: str | None = None

    @property
    def item(self) -> dict[str, Any]:
        """As it is stored: what is not known is left out."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def row_of(event: AuditLog, stream: str, object_: str, seen_at: int, kept_days: int) -> EventRow:
    short, id_ = len(event.line) <= LONGEST_RAW, row_id(event.id)
    return EventRow(
        id=id_,
        at=f"{event.time:012d}#{id_}",
        time=event.time,
        type=fitting(event.type, LONGEST_VALUE),
        stream=stream,
        seen_at=seen_at,
        object=object_,
        actor=None if event.by.id == NOBODY else fitting(event.by.id, LONGEST_VALUE),
        email=_fitting(event.by.email),
        key=_fitting(event.by.key),
        project=_fitting(event.project.id),
        address=_fitting(event.by.ip),
        place=_fitting(event.by.where),
        fingerprint=_fitting(_fingerprint(event)),
        target=_fitting(_target(event)),
        raw=event.line.decode(errors="replace") if short else None,
        expires_at=seen_at + kept_days * 86_400,
    )


def unjudged(row: EventRow) -> EventRow:
    """As a stream that raises no alerts lands it."""
    return row._replace(unjudged=row.object)


def outline_of(row: EventRow) -> EventRow:
    """What is needed to know the event again: DynamoDB did not take the rest."""
    known = (row.id, row.at, row.time, row.type, row.stream, row.seen_at, row.object)
    return EventRow(*known, row.expires_at, row.unjudged)


def row_id(id_: str) -> str:
    """The id under which an event is known."""
    return fitting(id_, LONGEST_ID)


def _fingerprint(event: AuditLog) -> str | None:
    session = event.by.session
    return browser_of(session.ja4) if session and session.ja4 else None


def _target(event: AuditLog) -> str | None:
    id_ = event.details.get("id")
    return id_ if isinstance(id_, str) else None


def _fitting(value: str | None) -> str | None:
    return fitting(value, LONGEST_VALUE) if value else None


def observation_key(row: Row) -> tuple[str, str]:
    return f"OBSERVATIONS#{_short(row.key)}", f"{row.seconds}#{row.bucket:010d}"


def alert_pk(dedup: str, dry_run: str | None) -> str:
    return f"ALERT#{_short(dedup)}" if dry_run is None else f"DRY#{dry_run}#{_short(dedup)}"


def incidents_pk(actor: str) -> str:
    return f"INCIDENTS#{_short(actor)}"


def _short(key: str) -> str:
    return fitting(key, LONGEST_KEY)
