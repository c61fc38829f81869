"""What a case is, and builders of the events that cases are made of."""

from typing import Any, NamedTuple

from tests.unit.audit.timelines import BERLIN, LAGOS, LAPTOP, SCRIPT, Event, Raised, at, session


class Case(NamedTuple):
    """`settings` are the YAML's; `alerts` are all that the detection makes of the events."""

    detection: str
    name: str
    events: list[Event]
    alerts: list[Raised]
    settings: dict[str, Any] = {}

    @property
    def id(self) -> str:
        return f"{self.detection} {self.name}"


def rule(detection: str, **settings: Any) -> dict[str, Any]:
    return {"detections": {detection: settings}}


def people(count: int, type_: str, minutes: float, **payload: Any) -> list[Event]:
    return [at(n * minutes, type_, {"id": f"user-{n}", **payload}) for n in range(count)]


def things(count: int, type_: str, minutes: float, by: Event | None = None) -> list[Event]:
    return [at(n * minutes, type_, {"id": f"{type_[:3]}_{n}"}, by) for n in range(count)]


def failures(count: int, minutes: float, start: float = 0, **by: Any) -> list[Event]:
    return [at(start + n * minutes, "login.failed", by=session(**by)) for n in range(count)]


def spray(count: int, users: int, minutes: float) -> list[Event]:
    people = (session(f"user{n % users}", ip="198.51.100.9") for n in range(count))
    return [at(n * minutes, "login.failed", by=by) for n, by in enumerate(people)]


def allowlist(minutes: float, *networks: str, type_: str = "updated") -> Event:
    return at(minutes, f"ip_allowlist.{type_}", {"id": "list_1", "allowed_ips": list(networks)})


def organization(minutes: float, **asked: Any) -> Event:
    return at(minutes, "organization.updated", {"id": "org_1", "changes_requested": asked})


def assigned(role: str, where: str, to: str, minutes: float = 0) -> Event:
    payload = {
        "id": f"role_assignment_role-api-{where}-{role}__api-{where}__x_{to}",
        "principal_id": to,
        "principal_type": "user",
        "resource_id": "x",
        "resource_type": f"api.{where}",
    }
    return at(minutes, "role.assignment.created", payload)


def limit(minutes: float, most: int, id_: str = "rl_1") -> Event:
    asked = {"max_requests_per_1_minute": most}
    return at(minutes, "rate_limit.updated", {"id": id_, "changes_requested": asked})


DELETED_LIST = at(0, "ip_allowlist.deleted", {"id": "list_1", "name": "VPN"})
IN_LAGOS = session(place=LAGOS, ja4=SCRIPT, ip="192.0.2.66")
IN_BERLIN = session(place=BERLIN, ja4=LAPTOP)
UNRESTRICTED = {"id": "key_1", "data": {"scopes": ["all"]}}
A_KEY = {"id": "key_1", "data": {"scopes": ["api.model.read"]}}
