"""What happens in an organization where nothing happens: invented people at their work."""

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Event = dict[str, Any]

MINUTE, HOUR, DAY = 60, 3_600, 86_400
QUIET_DAYS = 20
EVERY = 20  # seconds between two events of a working day

LISBON = {"country": "PT", "city": "Lisbon", "asn": "3243", "latitude": "38.7", "longitude": "-9.1"}
BERLIN = {"country": "DE", "city": "Berlin", "asn": "3320", "latitude": "52.5", "longitude": "13.4"}
LAPTOP = "t13d1516h2_8daaf6152771_e5627efa2ab1"


class Person(NamedTuple):
    name: str
    place: Event
    ip: str


PEOPLE = (
    Person("owner", BERLIN, "203.0.113.7"),
    Person("li", LISBON, "203.0.113.9"),
    Person("ada", BERLIN, "203.0.113.11"),
    Person("sam", LISBON, "203.0.113.12"),
)


def session(name: str, place: Event, ja4: str = LAPTOP, ip: str = "203.0.113.7") -> Event:
    user = {"id": f"user-{name}", "email": f"{name}@example.com"}
    seen = {"ip_address": ip, "user_agent": "Mozilla/5.0", "ja4": ja4, "ip_address_details": place}
    return {"type": "session", "session": {"user": user, **seen}}


def event(time: int, type_: str, actor: Event, payload: Event | None = None) -> Event:
    return {"type": type_, "effective_at": time, "actor": actor, type_: payload or {}}


class Everyday:
    """Days that are over when it begins, then an event every twenty seconds, as time passes."""

    def __init__(self, start: float, seed: int, add: Callable[[Event], object]) -> None:
        self._draw = random.Random(seed)
        self._next = int(start)
        self._add = add
        for each in self._past(int(start)):
            add(each)

    def until(self, now: float) -> None:
        while self._next <= now:
            self._add(self._work(self._next))
            self._next += EVERY

    def _past(self, start: int) -> Iterator[Event]:
        for day in range(QUIET_DAYS, 0, -1):
            for n, person in enumerate(PEOPLE):
                by, morning = _at_home(person), start - day * DAY + n * 10 * MINUTE
                yield event(morning, "login.succeeded", by)
                yield event(morning + HOUR, "project.updated", by, {"id": "proj_search"})
                yield event(morning + 8 * HOUR, "logout.succeeded", by)
            if day == QUIET_DAYS:
                limit = {"max_requests_per_1_minute": 500}
                asked = {"id": "rl_gpt5", "changes_requested": limit}
                yield event(start - day * DAY, "rate_limit.updated", _at_home(PEOPLE[0]), asked)

    def _work(self, time: int) -> Event:
        types = ("project.updated", "login.succeeded", "logout.succeeded", "project.updated")
        return event(time, self._draw.choice(types), _at_home(self._draw.choice(PEOPLE)))


def _at_home(person: Person) -> Event:
    return session(person.name, person.place, ip=person.ip)
