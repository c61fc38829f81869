"""What a team can set about any detection, and what is usual in its organization."""

import ipaddress
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from shared.audit.addresses import Network, address_of, bare_asn
from shared.audit.severity import Severity
from shared.model import FrozenModel

MOST_A_MINUTE = 10  # observations kept of a flood, so no detection may ask for more than that


def _network(value: Any) -> Any:
    return ipaddress.ip_network(value, strict=False) if isinstance(value, str) else value


def _hours(value: str) -> str:
    _hours_of(value)
    return value


def _domain(value: str) -> str:
    return value.lower().lstrip("@.")


def _hours_of(value: str) -> tuple[int, int]:
    start, _, end = value.partition("-")
    if not (start.isdecimal() and end.isdecimal() and int(start) < 24 and int(end) <= 24):
        raise ValueError("write hours of the day in UTC, such as 22-6")
    return int(start), int(end)


def folded(text: str) -> str:
    """Addresses and ids are compared whatever their case."""
    return text.strip().lower()


Positive = Annotated[int, Field(ge=1)]
Few = Annotated[int, Field(ge=1, le=MOST_A_MINUTE)]
Minutes = Annotated[int, Field(ge=1, le=7 * 24 * 60)]
CidrBlock = Annotated[Network, BeforeValidator(_network)]
Domain = Annotated[str, AfterValidator(_domain)]
Hours = Annotated[str, AfterValidator(_hours)]
Folded = Annotated[str, AfterValidator(folded)]
Asn = Annotated[str, AfterValidator(bare_asn)]


class Allow(FrozenModel):
    """Whom a detection leaves alone: it ignores an event that fits any of these."""

    actors: frozenset[Folded] = frozenset()  # user ids, e-mail addresses, service account ids
    domains: frozenset[Domain] = frozenset()  # of the actor's e-mail address
    networks: tuple[CidrBlock, ...] = ()
    keys: frozenset[Folded] = frozenset()  # tracking ids
    projects: frozenset[Folded] = frozenset()
    hours: tuple[Hours, ...] = ()  # UTC, such as 22-6

    @cached_property
    def empty(self) -> bool:
        return self == Allow()

    def at_hour(self, hour: int) -> bool:
        return any(_within(hour, *_hours_of(each)) for each in self.hours)


def _within(hour: int, start: int, end: int) -> bool:
    return start <= hour < end if start <= end else hour >= start or hour < end


class Rule(FrozenModel):
    """What can be set about every detection; those with thresholds have a rule of their own."""

    enabled: bool = True
    severity: Severity | None = None  # instead of the detection's own
    suppress_minutes: Minutes = 60  # how long an alert covers the same actor and target
    allow: Allow = Allow()

    @property
    def suppress(self) -> int:
        """Seconds."""
        return self.suppress_minutes * 60


class Burst(Rule):
    """At least so many within so long."""

    at_least: Few
    within_minutes: Minutes

    @property
    def within(self) -> int:
        """Seconds."""
        return self.within_minutes * 60


class Approved(Rule):
    approvers: frozenset[Folded] = frozenset()  # user ids, e-mail addresses, service account ids


class Powers(Rule):
    """Parts of a permission's or scope's name that make it dangerous."""

    dangerous: tuple[str, ...] = ("write", "manage", "admin")


class Comparison(Rule):
    """With what was known before, which may arrive hours late like any event."""

    suppress_minutes: Minutes = 6 * 60


def is_in(ip: str, networks: Iterable[Network]) -> bool:
    """An address that can't be read is nowhere."""
    found = address_of(ip) if networks else None
    return found is not None and any(found in network for network in networks)


class Baseline(FrozenModel):
    """What is usual in the organization."""

    approved_domains: frozenset[Domain] = frozenset()  # empty: the inviting person's domain
    approved_networks: tuple[CidrBlock, ...] = ()  # empty: only the width of a network counts
    approved_issuers: frozenset[Folded] = frozenset()  # of workload identities
    platform_actors: frozenset[Folded] = frozenset()  # who makes service accounts
    privileged_roles: frozenset[Folded] = frozenset()  # role ids, beside every owner and admin
    poller_key: Folded | None = None  # tracking id of the admin key that this project reads with
    trusted_networks: tuple[CidrBlock, ...] = ()  # offices and VPNs: A4 to A6 leave them alone
    trusted_asns: frozenset[Asn] = frozenset()  # the same, such as AS64500

    def trusts(self, ip: str | None, asn: str | None) -> bool:
        """Whether a person there is where the organization's people are."""
        if asn is not None and self.trusted_asns and bare_asn(asn) in self.trusted_asns:
            return True
        return ip is not None and is_in(ip, self.trusted_networks)
