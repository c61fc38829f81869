"""Who acted: as the API reports it, and resolved as far as it can be.

https://platform.openai.com/docs/api-reference/audit-logs/object. The actor may be null, and what
only the official examples show (fingerprints, location) may be missing.
"""

from functools import lru_cache
from typing import NamedTuple

from shared.audit.addresses import bare_asn, canonical, host_of
from shared.audit.lenient import Lenient

NOBODY = "unknown"
DIRECTORY = "the directory (SCIM; no actor is given)"


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


class Who(NamedTuple):
    """An actor, resolved."""

    id: str  # session's user, else the key's user, its service account, the key itself
    acting: str  # as alerts distinguish actors: two keys of one person are two
    name: str  # for a person to read
    where: str  # for a person to read
    user: AuditLogActorUser
    email: str | None  # in lower case
    key: str | None  # tracking id of the API key that acted
    session: AuditLogActorSession | None
    ip: str | None  # in one spelling
    host: str  # its IPv6 address's /64, or its IPv4 address; empty if there is none
    place: IpAddressDetails


# The same people work from the same places, and this is asked for every event.
@lru_cache(maxsize=10_000)
def resolved(actor: AuditLogActor) -> Who:
    user, account, key = _user(actor), _service_account(actor), _key(actor)
    ip, place = _address(actor)
    email = user.email.lower() if user.email else None
    id_ = _first(user.id, email, account, key, ip) or NOBODY
    name = email or id_
    return Who(
        id=id_,
        acting=id_ if key in {None, id_} else f"{id_}/{key}",
        name=name if key in {None, name} else f"{name} with key {key}",
        where=_where(actor, ip, place),
        user=user,
        email=email,
        key=key,
        session=actor.session,
        ip=ip,
        host=host_of(ip) if ip else "",
        place=place,
    )


def _first(*ids: str | None) -> str | None:
    return next((each for each in ids if each), None)


def _user(actor: AuditLogActor) -> AuditLogActorUser:
    holder = actor.session or actor.api_key
    return (holder.user if holder else None) or AuditLogActorUser()


def _key(actor: AuditLogActor) -> str | None:
    return (actor.api_key.id or None) if actor.api_key else None


def _service_account(actor: AuditLogActor) -> str | None:
    account = actor.api_key.service_account if actor.api_key else None
    return account.id if account else None


def _address(actor: AuditLogActor) -> tuple[str | None, IpAddressDetails]:
    session = actor.session or AuditLogActorSession()
    ip = canonical(session.ip_address) if session.ip_address else ""
    return ip or None, session.ip_address_details or IpAddressDetails()


def _where(actor: AuditLogActor, ip: str | None, place: IpAddressDetails) -> str:
    """API keys carry no address."""
    if actor.session is None:
        return "by API key, no address" if actor.api_key else "unknown place"
    asn = f"AS{bare_asn(place.asn)}" if place.asn else None
    around = ", ".join(each for each in (place.city, place.country, asn) if each)
    return f"{ip or 'no address'} ({around})" if around else ip or "no address"
