"""What a team can set about detections: one YAML file, checked as a whole."""

import difflib
import ipaddress
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)

from shared.audit.severity import Severity
from shared.model import FrozenModel

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MOST_A_MINUTE = 10  # observations kept of a flood, so no detection may ask for more than that
Positive = Annotated[int, Field(ge=1)]
Few = Annotated[int, Field(ge=1, le=MOST_A_MINUTE)]
Minutes = Annotated[int, Field(ge=1, le=7 * 24 * 60)]


class Misconfigured(ValueError):
    """Everything that is wrong with the file, a line each."""


def _network(value: Any) -> Any:
    return ipaddress.ip_network(value, strict=False) if isinstance(value, str) else value


def _hours(value: str) -> str:
    _hours_of(value)
    return value


def _lower(value: str) -> str:
    return value.lower().lstrip("@.")


def _hours_of(value: str) -> tuple[int, int]:
    start, _, end = value.partition("-")
    if not (start.isdecimal() and end.isdecimal() and int(start) < 24 and int(end) <= 24):
        raise ValueError("write hours of the day in UTC, such as 22-6")
    return int(start), int(end)


CidrBlock = Annotated[Network, BeforeValidator(_network)]
Domain = Annotated[str, AfterValidator(_lower)]
Hours = Annotated[str, AfterValidator(_hours)]


class Allow(FrozenModel):
    """Whom a detection leaves alone: an event that fits any of these is not looked at."""

    actors: frozenset[str] = frozenset()  # user ids, e-mail addresses, service account ids
    domains: frozenset[Domain] = frozenset()  # of the actor's e-mail address
    networks: tuple[CidrBlock, ...] = ()
    keys: frozenset[str] = frozenset()  # tracking ids
    projects: frozenset[str] = frozenset()
    hours: tuple[Hours, ...] = ()  # UTC, such as 22-6

    @cached_property
    def empty(self) -> bool:
        return self == Allow()

    def at_hour(self, hour: int) -> bool:
        return any(_within(hour, *_hours_of(each)) for each in self.hours)


def _within(hour: int, start: int, end: int) -> bool:
    return start <= hour < end if start <= end else hour >= start or hour < end


class Rule(FrozenModel):
    """What every detection can be told."""

    enabled: bool = True
    severity: Severity | None = None  # instead of what the detection would say
    suppress_minutes: Minutes = 60  # the same actor and target ring once in that time
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


class WideOpen(Rule):
    widest_v4: Annotated[int, Field(ge=0, le=32)] = 8
    widest_v6: Annotated[int, Field(ge=0, le=128)] = 32


class Approved(Rule):
    approvers: frozenset[str] = frozenset()  # user ids, e-mail addresses, service account ids


class Powers(Rule):
    """Parts of a permission's or scope's name that make it dangerous."""

    dangerous: tuple[str, ...] = ("write", "manage", "admin")


class Spray(Burst):
    at_least: Few = 10
    users: Few = 5
    within_minutes: Minutes = 30


class ShortLived(Rule):
    within_minutes: Minutes = 60


class Habits(Rule):
    suppress_minutes: Minutes = 24 * 60
    days: Annotated[int, Field(ge=2, le=365)] = 90
    logins: Positive = 5
    over_days: Positive = 14
    followed_within_minutes: Minutes = 60


class Comparison(Rule):
    """With what was known before; which may come hours late, like any event."""

    suppress_minutes: Minutes = 6 * 60


class Travel(Comparison):
    kilometres_an_hour: Positive = 900
    kilometres: Positive = 500
    vpn_asns: frozenset[str] = frozenset()


class Fingerprints(Rule):
    within_minutes: Minutes = 15


class GuardRails(Comparison):
    factor: Annotated[float, Field(gt=1)] = 2
    with_keys_within_hours: Annotated[int, Field(ge=1, le=168)] = 24


class Silence(Rule):
    quiet_hours: Positive = 24


class Drift(Rule):
    suppress_minutes: Minutes = 24 * 60


class Detections(FrozenModel):
    """Every detection's settings, by its id; runbooks and reasons lie beside the detections."""

    D1: Rule = Rule()
    D2: WideOpen = WideOpen()
    D3: Rule = Rule()
    D4: Rule = Rule()
    D5: Comparison = Comparison()
    D6: Rule = Rule()
    D7: Rule = Rule()
    D8: Approved = Approved()
    D9: Rule = Rule()
    P1: Rule = Rule()
    P2: Rule = Rule()
    P3: Powers = Powers()
    P4: Rule = Rule()
    P5: Burst = Burst(at_least=3, within_minutes=60)
    K1: Powers = Powers()
    K2: Rule = Rule()
    K3: Burst = Burst(at_least=5, within_minutes=60)
    K4: ShortLived = ShortLived()
    K5: Burst = Burst(at_least=5, within_minutes=15)
    K6: Rule = Rule()
    A1: Spray = Spray()
    A2: Burst = Burst(at_least=5, within_minutes=30)
    A3: Burst = Burst(at_least=5, within_minutes=30)
    A4: Habits = Habits()
    A5: Travel = Travel()
    A6: Fingerprints = Fingerprints()
    S1: Rule = Rule()
    S2: GuardRails = GuardRails()
    S3: Burst = Burst(at_least=3, within_minutes=30)
    S4: Approved = Approved()
    O1: Silence = Silence()
    O2: Drift = Drift()

    @model_validator(mode="before")
    @classmethod
    def _keep_the_rest(cls, given: Any) -> Any:
        """Whoever sets one threshold keeps the detection's other defaults."""
        if not isinstance(given, dict):
            return given
        defaults = {n: field.default for n, field in cls.model_fields.items()}
        return {
            name: {**defaults[name].model_dump(), **settings}
            if name in defaults and isinstance(settings, dict)
            else settings
            for name, settings in given.items()
        }


class Config(FrozenModel):
    """The whole file. Every default is safe without it: it may be empty."""

    approved_domains: frozenset[Domain] = frozenset()  # empty: the domain of whoever invites
    approved_networks: tuple[CidrBlock, ...] = ()  # empty: only the width of a network is judged
    approved_issuers: frozenset[str] = frozenset()  # of workload identities
    platform_actors: frozenset[str] = frozenset()  # who makes service accounts
    privileged_roles: frozenset[str] = frozenset()  # role ids, beside every owner and admin
    poller_key: str | None = None  # tracking id of the admin key that this project reads with
    ring_from: Severity = Severity.MEDIUM  # quieter alerts are stored and not sent
    ocsf: bool = False  # land events as OCSF too
    bus: Literal["events", "alerts"] = "events"  # alerts: no event but alerts on the bus
    detections: Detections = Detections()

    def rule(self, detection: str) -> Rule:
        rule: Rule = getattr(self.detections, detection)
        return rule


def read_config(text: str) -> Config:
    """Raises Misconfigured with every problem."""
    try:
        return Config.model_validate(yaml.safe_load(text) or {})
    except yaml.YAMLError as error:
        raise Misconfigured(f"not YAML: {error}") from error
    except ValidationError as error:
        raise Misconfigured("\n".join(_problems(error))) from error


def _problems(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False):
        path = ".".join(map(str, each["loc"])) or "the file"
        if each["type"] == "extra_forbidden":
            yield f"{path}: there is no such setting{_meant(each['loc'])}"
        else:
            yield f"{path}: {each['msg'].removeprefix('Value error, ')} (is {each['input']!r:.80})"


def _meant(location: tuple[int | str, ...]) -> str:
    model: object = Config()
    for name in location[:-1]:
        model = getattr(model, str(name))
    known = type(model).model_fields if isinstance(model, BaseModel) else {}
    close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(known)}"
