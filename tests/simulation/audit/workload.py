"""One seed's audit log: days of everybody's life, hours in which somebody does what alerts."""

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.simulation.audit.faults import AuditProfile
from tests.support.audit_logs import DAY, HOUR, MINUTE, event
from tests.unit.audit.timelines import LAGOS, SCRIPT, session

Event = dict[str, Any]
PAST = 2 * DAY  # of life before the first tick
STORY = 3 * HOUR  # in which somebody acts
LONG = "x" * 1_900  # bytes
FLOOD = 120  # events, of about so many bytes


class Shown(NamedTuple):
    """An event, from when it is listed, and what is strange about it."""

    event: Event
    visible_at: float
    faults: tuple[str, ...] = ()

    @property
    def is_tenant(self) -> bool:
        return str(self.event["type"]).startswith("tenant.")


class Act(NamedTuple):
    after: int  # seconds
    type: str
    payload: Event
    actor: Event | None = None  # somebody of the staff, where nobody is named


STRANGER = session("p1", "192.0.2.66", LAGOS, SCRIPT)
INSIDER = session("p2", "203.0.113.2")
KEYS = {"data": {"scopes": ["api.all"]}}
OWNERS = {
    "id": "role_assignment_role-api-organization-owner__api-organization__org_group_ops",
    "principal_id": "group_ops",
    "principal_type": "group",
    "role_name": "owner",
}


def _list_down() -> list[Act]:
    return [Act(0, "ip_allowlist.deleted", {"id": "list_1"})]


def _forced_door() -> list[Act]:
    tries = [Act(5 * n, "login.failed", {}, STRANGER) for n in range(8)]
    return [*tries, Act(60, "login.succeeded", {}, STRANGER)]


def _burst() -> list[Act]:
    return [Act(3 * n, "api_key.created", {"id": f"key_b{n}", **KEYS}, INSIDER) for n in range(6)]


def _rails_down_then_key() -> list[Act]:
    off = {"id": "org_1", "changes_requested": {"api_call_logging": "disabled"}}
    made = {"id": "key_r", **KEYS}
    return [
        Act(0, "organization.updated", off, INSIDER),
        Act(20 * MINUTE, "api_key.created", made, INSIDER),
    ]


def _stolen_session() -> list[Act]:
    return [Act(0, "api_key.created", {"id": "key_s", **KEYS}, STRANGER)]


def _side_door() -> list[Act]:
    joins = {"id": "group_ops", "user_id": "user-p3", "group_name": "Operations"}
    return [
        Act(0, "tenant.role_assignment.created", OWNERS, INSIDER),
        Act(30 * MINUTE, "tenant.group.member.added", joins, INSIDER),
    ]


def _clean_sweep() -> list[Act]:
    return [Act(7 * n, "user.deleted", {"id": f"user-q{n}"}, STRANGER) for n in range(12)]


def _directory_off() -> list[Act]:
    return [Act(0, "scim.disabled", {"id": "org_1"}), Act(MINUTE, "tenant.scim.disabled", {})]


ATTACKS: tuple[Callable[[], list[Act]], ...] = (
    *(_list_down, _forced_door, _burst, _rails_down_then_key, _stolen_session),
    *(_side_door, _clean_sweep, _directory_off),
)
ODD: tuple[Event, ...] = (
    {"actor": {"type": "session", "session": {"user": {"email": "ü" * 1_500}}}},
    {"actor": {"type": "api_key", "api_key": {"id": "k" * 2_500}}},
    {"actor": None},
    {"actor": {"type": "session", "session": None}},
    {"project": {"id": "p" * 2_100}},
    {"type": "nobody.knows.this"},
    {"type": "x." + "y" * 4_000},
    {"type": ""},  # nothing can be made of it
    {"id": "i" * 1_100},
    {"api_key.created": "no object", "type": "api_key.created"},
    {"login.failed": {"error_code": None, "error_message": ["a", 1]}, "type": "login.failed"},
)


class Workload:
    """Everything is known from the start; it shows when its time has come."""

    def __init__(self, draw: random.Random, profile: AuditProfile, now: int) -> None:
        self._draw = draw
        self._profile = profile
        self._now = now
        self._number = 0

    def events(self) -> list[Shown]:
        life = [self._some(self._now - PAST + n * PAST // 60) for n in range(60)]
        found = [Shown(each, each["effective_at"]) for each in life]
        return [*found, *map(self._shown, self._story())]

    def _story(self) -> Iterator[Event]:
        for _ in range(self._draw.randint(10, 60)):
            yield self._some(self._time())
        for attack in self._draw.sample(ATTACKS, self._draw.randint(1, 4)):
            begin = self._time()
            for act in attack():
                yield self._event(begin + act.after, act.type, act.payload, act.actor)
        if self._profile.flood:
            begin = self._time()
            for n in range(FLOOD):
                made = {"id": f"key_{n}_{LONG}"}
                yield self._event(begin + 20 * n, "api_key.created", made, INSIDER)

    def _time(self) -> int:
        return self._now + self._draw.randrange(MINUTE, STORY)

    def _some(self, time: int) -> Event:
        types = ("project.updated", "login.succeeded", "login.succeeded", "api_key.created")
        return self._event(time, self._draw.choice(types), {"id": f"it_{self._number}"})

    def _event(self, time: int, type_: str, payload: Event, actor: Event | None = None) -> Event:
        self._number += 1
        made = event(self._number, time, type_, payload)
        return made | ({"actor": actor} if actor else {})

    def _odd(self, made: Event) -> Event:
        odd = self._draw.choice(ODD)
        return {**made, **odd} | ({"id": f"{self._number}{odd['id']}"} if "id" in odd else {})

    def _shown(self, made: Event) -> Shown:
        late = self._lateness() if self._draw.random() < self._profile.late else 0
        faults = ("event late",) if late else ()
        if self._draw.random() < self._profile.odd:
            made, faults = self._odd(made), (*faults, "event odd")
        return Shown(made, made["effective_at"] + late, faults)

    def _lateness(self) -> float:
        luck = self._draw.random()
        if luck < 0.8:
            return self._draw.uniform(MINUTE, 20 * MINUTE)
        return self._draw.uniform(HOUR, 5 * HOUR if luck < 0.97 else 30 * HOUR)
