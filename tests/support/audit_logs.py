"""Audit logs as they may come: each event with when it happened and when it shows."""

import random
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tests.support.audit_world import NOW

Event = dict[str, Any]
MINUTE, HOUR, DAY = 60, 3_600, 86_400


class Shown(NamedTuple):
    event: Event
    late: float = 0  # seconds


def event(number: int, time: float, type_: str, payload: Event | None = None) -> Event:
    person = f"p{number % 7}"
    user = {"id": f"user-{person}", "email": f"{person}@example.com"}
    seen = {"country": "DE", "city": "Berlin", "asn": "3320", "latitude": 52.5, "longitude": 13.4}
    return {
        "id": f"audit_log-{number:06d}",
        "type": type_,
        "effective_at": int(time),
        "actor": {
            "type": "session",
            "session": {
                "user": user,
                "ip_address": f"203.0.113.{number % 7}",
                "ip_address_details": seen,
                "ja4": "t13d1516h2_8daaf6152771_e5627efa2ab1",
            },
        },
        type_: payload or {},
    }


def events(count: int, start: float, seconds: float, first: int = 0) -> list[Event]:
    """Mostly harmless; every fiftieth takes an allow-list down, every tenth makes a key."""
    return [_some(first + n, start + n * seconds / count) for n in range(count)]


def _some(number: int, time: float) -> Event:
    if number % 50 == 7:
        return event(number, time, "ip_allowlist.deleted", {"id": f"list_{number}"})
    if number % 10 == 3:
        scopes = {"scopes": ["api.model.read"]}
        return event(number, time, "api_key.created", {"id": f"key_{number}", "data": scopes})
    return event(number, time, "project.updated", {"id": f"proj_{number}"})


def on_time(found: Iterable[Event]) -> list[Shown]:
    return [Shown(each) for each in found]


def late(found: Iterable[Event], seed: int) -> Iterator[Shown]:
    """A fifth comes 1 to 20 minutes late, one in a hundred up to five hours."""
    chance = random.Random(seed)
    for each in found:
        luck = chance.random()
        if luck < 0.01:
            yield Shown(each, chance.uniform(HOUR, 5 * HOUR))
        elif luck < 0.21:
            yield Shown(each, chance.uniform(MINUTE, 20 * MINUTE))
        else:
            yield Shown(each)


BURST = on_time(events(1_230, NOW + 120, 60))
TIES = on_time([*events(304, NOW + 120, 0.5), *events(20, NOW + 121, 300, first=400)])
LATE = list(late(events(760, NOW + 60, 6 * HOUR), seed=4))
PAST = on_time(events(5_200, NOW - 9 * DAY, 9 * DAY))
