"""One event of OpenAI's audit log: who did what, when, from where.

https://platform.openai.com/docs/api-reference/audit-logs/object. The actor may be null, and what
only the official examples show (fingerprints, location) may be missing.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

import msgspec

from shared.audit.lenient import Lenient, fit
from shared.audit.once import once
from shared.audit.payloads import PAYLOADS, Payload, flat, payload_of

LAST_SECOND = 253_402_300_799  # of the year 9999
NOBODY = "unknown"

P = TypeVar("P", bound=Payload)
Model: TypeAlias = type[P]  # inside AuditLog, `type` is the event's


class Unreadable(ValueError):
    """Not an event: no id, no type or no time."""


class AuditLogActorUser(Lenient, frozen=True):
    id: str | None = None
    email: str | None = None


class AuditLogActorServiceAccount(Lenient, frozen=True):
    id: str | None = None


class AuditLogActorApiKey(Lenient, frozen=True):
    """`id` is the key's tracking id, never the key."""

    id: str | None = None
    type: str | None = None  # user or service_account
    user: AuditLogActorUser | None = None
    service_account: AuditLogActorServiceAccount | None = None


class IpAddressDetails(Lenient, frozen=True):
    country: str | None = None
    city: str | None = None
    region: str | None = None
    region_code: str | None = None
    asn: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class AuditLogActorSession(Lenient, frozen=True):
    user: AuditLogActorUser | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    ja3: str | None = None
    ja4: str | None = None
    ip_address_details: IpAddressDetails | None = None


class AuditLogActor(Lenient, frozen=True):
    type: str | None = None  # session or api_key
    session: AuditLogActorSession | None = None
    api_key: AuditLogActorApiKey | None = None


class AuditLogProject(Lenient, frozen=True):
    """Where an action was scoped; an admin key's actions carry the default project."""

    id: str | None = None
    name: str | None = None


class Envelope(Lenient, frozen=True):
    """What every event has; the rest is read when a detection asks for it."""

    id: str = ""
    type: str = ""
    effective_at: float | None = None
    project: AuditLogProject | None = None
    actor: AuditLogActor | None = None


_envelope = msgspec.json.Decoder(Envelope, strict=False)


@dataclass(frozen=True)
class AuditLog:
    """An event as it was read; `line` is the event as it was received."""

    id: str
    type: str
    time: int  # effective_at, unix seconds
    actor: AuditLogActor
    project: AuditLogProject
    line: bytes

    def read(self, model: Model[P]) -> P:
        """The payload as this model."""
        return fit(self.details, model)

    @property
    def payload(self) -> Payload:
        """The payload as what is documented for its type; unknown ones keep to `raw`."""
        return self.read(PAYLOADS.get(self.type, Payload))

    @once
    def details(self) -> dict[str, Any]:
        return flat(payload_of(self.raw, self.type))

    @once
    def raw(self) -> dict[str, Any]:
        """The whole event, unknown fields too; empty where the rest of it defies reading."""
        try:
            found = msgspec.json.decode(self.line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = _anyhow(self.line)
        return found if isinstance(found, dict) else {}

    @once
    def session(self) -> AuditLogActorSession | None:
        return self.actor.session

    @once
    def key(self) -> str | None:
        """The tracking id of the API key that acted."""
        return (self.actor.api_key.id or None) if self.actor.api_key else None

    @once
    def user(self) -> AuditLogActorUser:
        """The person behind the session or the key."""
        holder = self.actor.session or self.actor.api_key
        return (holder.user if holder else None) or AuditLogActorUser()

    @once
    def email(self) -> str | None:
        return self.user.email.lower() if self.user.email else None

    @once
    def actor_id(self) -> str:
        """Session's user, else the key's user, its service account, the key itself."""
        account = self.actor.api_key.service_account if self.actor.api_key else None
        named = (self.user.id, self.email, account.id if account else None, self.key, self.ip)
        return next((each for each in named if each), NOBODY)

    @once
    def acting(self) -> str:
        """The actor as alerts tell actors apart: two keys of one person are two."""
        if self.key is None or self.key == self.actor_id:
            return self.actor_id
        return f"{self.actor_id}/{self.key}"

    @once
    def ip(self) -> str | None:
        return (self.session.ip_address or None) if self.session else None

    @once
    def place(self) -> IpAddressDetails:
        found = self.session.ip_address_details if self.session else None
        return found or IpAddressDetails()

    @once
    def person(self) -> str | None:
        """Who sits at the session; a failed login and an event by key say nothing of that."""
        if self.actor.session is None or self.type == "login.failed":
            return None
        return self.user.id or self.email

    @once
    def who(self) -> str:
        """For a person to read."""
        named = self.email or self.actor_id
        return named if self.key is None or self.key == named else f"{named} with key {self.key}"

    @once
    def where(self) -> str:
        """For a person to read; API keys carry no address."""
        if self.session is None:
            return "by API key, no address" if self.actor.api_key else "not told"
        return spot(self.ip, self.place)


# People work from few places, and these are asked for again and again.
@lru_cache(maxsize=10_000)
def spot(ip: str | None, place: IpAddressDetails) -> str:
    """An address and where it is, for a person to read."""
    asn = f"AS{bare_asn(place.asn)}" if place.asn else None
    around = ", ".join(each for each in (place.city, place.country, asn) if each)
    return f"{ip or 'no address'} ({around})" if around else ip or "no address"


def bare_asn(asn: str) -> str:
    """AS64500 and 64500 are the same network."""
    return asn.strip().upper().removeprefix("AS").strip()


def read_event(line: bytes) -> AuditLog:
    """Raises Unreadable."""
    try:
        read = _envelope_of(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from error
    if not read.id or not read.type:
        raise Unreadable("no id" if not read.id else "no type")
    if read.effective_at is None or not 0 <= read.effective_at <= LAST_SECOND:
        raise Unreadable("no effective_at that is a time")
    actor, project = read.actor or AuditLogActor(), read.project or AuditLogProject()
    return AuditLog(read.id, read.type, int(read.effective_at), actor, project, line)


def _envelope_of(line: bytes) -> Envelope:
    try:
        return _envelope.decode(line)
    except msgspec.ValidationError:
        raw = msgspec.json.decode(line)
    if not isinstance(raw, dict):
        raise Unreadable("not an object")
    return fit(raw, Envelope)


def _anyhow(line: bytes) -> Any:
    """Numbers too large for a float and broken UTF-8 pass here; the outline was read before."""
    try:
        return json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
