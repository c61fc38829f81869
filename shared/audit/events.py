"""One event of OpenAI's audit log: who did what, when."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import msgspec

from shared.audit.actors import DIRECTORY, NOBODY, AuditLogActor, Who, resolved
from shared.audit.event_types import FORMER, is_of_directory
from shared.audit.lenient import Lenient, fit
from shared.audit.payloads import PAYLOADS, Payload, flat, payload_of
from shared.nesting import TOO_DEEP, is_too_deep

LAST_SECOND = 253_402_300_799  # of the year 9999
FINER = 3  # milliseconds, microseconds, nanoseconds
SPELT_NOW = {former: now for now, former in FORMER.items()}

P = TypeVar("P", bound=Payload)
Model: TypeAlias = type[P]  # inside AuditLog, `type` is the event's


class Unreadable(ValueError):
    """Not an event: no id, no type or no time."""


class AuditLogProject(Lenient, frozen=True):
    """Where an action was scoped; an admin key's actions carry the default project."""

    id: str | None = None
    name: str | None = None


class Envelope(Lenient, frozen=True):
    """What every event has; the rest is read when a detection asks for it."""

    id: str = ""
    type: str = ""
    effective_at: float | str | None = None
    project: AuditLogProject | None = None
    actor: AuditLogActor | None = None


_envelope = msgspec.json.Decoder(Envelope, strict=False)


@dataclass(frozen=True)
class AuditLog:
    """An event as it was read; `line` is the event as it was received."""

    id: str
    type: str  # as it is spelt today
    time: int  # effective_at, unix seconds
    actor: AuditLogActor
    project: AuditLogProject
    line: bytes
    by: Who

    def read(self, model: Model[P]) -> P:
        """The payload as this model."""
        return fit(self.details, model)

    @property
    def payload(self) -> Payload:
        """The payload as what is documented for its type; unknown ones keep to `raw`."""
        return self.read(PAYLOADS.get(self.type, Payload))

    @cached_property
    def details(self) -> dict[str, Any]:
        return flat(payload_of(self.raw, self.type) or payload_of(self.raw, FORMER.get(self.type)))

    @cached_property
    def raw(self) -> dict[str, Any]:
        """The whole event, unknown fields too; empty where the rest of it can't be read."""
        try:
            found = msgspec.json.decode(self.line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = _forgiven(self.line)
        return found if isinstance(found, dict) else {}


def read_event(line: bytes) -> AuditLog:
    """Raises Unreadable."""
    if is_too_deep(line):
        raise Unreadable(f"not JSON: {TOO_DEEP}")
    try:
        read = _envelope_of(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"not JSON: {error}") from error
    if not read.id or not read.type:
        raise Unreadable("no id" if not read.id else "no type")
    time = _seconds_of(read.effective_at)
    if time is None:
        raise Unreadable("no effective_at that is a time")
    actor, project = read.actor or AuditLogActor(), read.project or AuditLogProject()
    type_ = SPELT_NOW.get(read.type, read.type)
    return AuditLog(read.id, type_, time, actor, project, line, _by(actor, type_))


def _by(actor: AuditLogActor, type_: str) -> Who:
    by = resolved(actor)
    return by._replace(name=DIRECTORY) if by.id == NOBODY and is_of_directory(type_) else by


def _seconds_of(given: float | str | None) -> int | None:
    """Unix seconds, milliseconds or finer, or ISO 8601; None if it is no time."""
    if isinstance(given, str):
        given = _parsed(given)
    if given is None or not 0 <= given < float("inf"):
        return None
    for _ in range(FINER):
        if given > LAST_SECOND:
            given /= 1_000
    return int(given) if given <= LAST_SECOND else None


def _parsed(text: str) -> float | None:
    with suppress(ValueError):
        return float(text)
    with suppress(ValueError):
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None


def _envelope_of(line: bytes) -> Envelope:
    try:
        return _envelope.decode(line)
    except msgspec.ValidationError:
        raw = msgspec.json.decode(line)
    if not isinstance(raw, dict):
        raise Unreadable("not an object")
    return fit(raw, Envelope)


def _forgiven(line: bytes) -> Any:
    """Numbers too large for a float and broken UTF-8 pass here; the outline was read before."""
    try:
        return json.loads(line.decode(errors="replace"))
    except ValueError:
        return None
