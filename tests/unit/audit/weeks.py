"""Normal weeks of an organization, and attacks on it, as an analyst would write them down.

Each starts with forty days of everybody's life. Nothing here was chosen to suit the detections.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

from tests.unit.audit.timelines import DAY, LAPTOP, SCRIPT, Event, at, key, session

HOUR = 60  # minutes
BROWSERS = (LAPTOP, "t13d1717h2_5b57614c22b0_3d5424432f57", "t13d2014h2_a09f3c656075_14788d8d241b")
PROVIDERS = ("3320", "3209", "6805", "8881")
CITIES = {
    "Berlin": ("DE", 52.52, 13.40),
    "Munich": ("DE", 48.14, 11.58),
    "Hamburg": ("DE", 53.55, 9.99),
    "Lisbon": ("PT", 38.72, -9.14),
    "New York": ("US", 40.71, -74.01),
    "Tokyo": ("JP", 35.68, 139.69),
    "Amsterdam": ("NL", 52.37, 4.90),
    "Lagos": ("NG", 6.52, 3.38),
    "Bucharest": ("RO", 44.43, 26.10),
}


def place(city: str, asn: str) -> Event:
    country, latitude, longitude = CITIES[city]
    return {
        "country": country,
        "city": city,
        "asn": f"AS{asn}",
        "latitude": latitude,
        "longitude": longitude,
    }


class Person(NamedTuple):
    name: str
    city: str
    asn: str
    browser: str
    host: int

    def at_home(self) -> Event:
        return self.at(self.city, self.asn, f"203.0.{self.host // 200}.{self.host % 200}")

    def at(self, city: str, asn: str, ip: str) -> Event:
        return session(self.name, ip, place(city, asn), self.browser)


def staff(count: int, seed: int = 1) -> list[Person]:
    draw = random.Random(seed)
    cities = ("Berlin", "Munich", "Hamburg")
    return [
        Person(f"p{n}", draw.choice(cities), draw.choice(PROVIDERS), draw.choice(BROWSERS), n)
        for n in range(count)
    ]


def life(people: list[Person], first: int, last: int, seed: int = 2) -> Iterator[Event]:
    """From one day to another: everybody signs in, mistypes now and then, and does their work."""
    draw = random.Random(seed)
    for day in range(first, last):
        for person in people:
            morning = day * DAY + draw.randint(0, 90)
            if draw.random() < 0.1:
                yield at(morning - 1, "login.failed", by=person.at_home())
            yield at(morning, "login.succeeded", by=person.at_home())
            for n in range(draw.randint(0, 3)):
                when, id_ = morning + draw.randint(1, 8 * HOUR), f"{person.name}-{day}-{n}"
                yield at(when, *draw.choice(_work(id_)), person.at_home())


def _work(id_: str) -> list[tuple[str, Event]]:
    asked = {"title": "renamed"}
    key_ = {"id": f"key_{id_}", "data": {"scopes": ["model.request"]}}
    return [
        ("project.updated", {"id": f"proj_{id_}", "changes_requested": asked}),
        ("project.created", {"id": f"proj_{id_}"}),
        ("api_key.created", key_),
        ("logout.succeeded", {}),
    ]


def onboarding() -> list[Event]:
    """Forty join by invitation; each is put into a project, signs in, and makes a first key."""
    people, admin = staff(20), staff(20)[0]
    events = list(life(people, -40, 7))
    joining = [
        Person(f"new{n}", "Berlin", PROVIDERS[n % 4], BROWSERS[n % 3], 100 + n) for n in range(40)
    ]
    for n, person in enumerate(joining):
        email, user = f"{person.name}@example.com", f"user-{person.name}"
        day = n // 10 * DAY
        invite = {"id": f"inv_{n}", "data": {"email": email, "role": "reader"}}
        events += [
            at(day + 3 * n, "invite.sent", invite, admin.at_home()),
            at(day + 200 + n, "invite.accepted", {"id": f"inv_{n}"}, person.at_home()),
            at(
                day + 200 + n,
                "user.added",
                {"id": user, "data": {"role": "reader"}},
                person.at_home(),
            ),
            at(day + 201 + n, "login.succeeded", by=person.at_home()),
            at(day + 210 + n, "role.assignment.created", _member(user), admin.at_home()),
            at(day + 212 + n, "tenant.group.member.added", _joins(user), admin.at_home()),
            at(day + 260 + 2 * n, "api_key.created", {"id": f"key_new_{n}"}, person.at_home()),
        ]
    return events


def _member(user: str) -> Event:
    role = f"role_assignment_role-api-project-member__api-project__proj_1_{user}"
    return {
        "id": role,
        "principal_id": user,
        "principal_type": "user",
        "resource_type": "api.project",
    }


def _joins(user: str) -> Event:
    return {"id": "group_eng", "user_id": user, "group_name": "Engineering"}


def rotation() -> list[Event]:
    """Automation replaces two hundred keys in five nights, each old one an hour after."""
    robot = key("key_admin_rotation", "sa_rotation")
    events = list(life(staff(20), -40, 7))
    for n in range(200):
        start = n // 40 * DAY + 17 * HOUR + n % 40
        made = {"id": f"key_{n}_new", "data": {"scopes": ["all"]}}
        events.append(at(start, "api_key.created", made, robot))
        events.append(at(start + HOUR, "api_key.deleted", {"id": f"key_{n}_old"}, robot))
    return events


def travelling() -> list[Event]:
    """Ten fly out, work from hotels, airports and by phone, and come back in the same week."""
    people = staff(20)
    away, home = people[:10], people[10:]
    events = [*life(people, -40, 0), *life(home, 0, 7), *life(away, 6, 7)]
    for n, person in enumerate(away):
        city, hotel, mobile = [
            ("Lisbon", "3243", "2860"),
            ("New York", "7922", "21928"),
            ("Tokyo", "4713", "9605"),
        ][n % 3]
        work = {"id": f"proj_{n}", "changes_requested": {"title": "away"}}
        scopes = {"id": f"key_away_{n}", "data": {"scopes": ["model.request"]}}
        events.append(at(30, "login.succeeded", by=person.at_home()))
        for day in range(1, 5):
            in_hotel = person.at(city, hotel, f"198.51.{n}.{day}")
            by_phone = person.at(city, mobile, f"192.0.{n}.{day}")
            events += [
                at(day * DAY + 60, "login.succeeded", by=in_hotel),
                at(day * DAY + 90, "project.updated", work, in_hotel),
                at(day * DAY + 300, "project.updated", {**work, "day": day}, by_phone),
            ]
        events.append(
            at(2 * DAY + 200, "api_key.created", scopes, person.at(city, hotel, f"198.51.{n}.2"))
        )
        events.append(at(5 * DAY + 100, "login.succeeded", by=person.at_home()))
    return events


def vpn() -> list[Event]:
    """Thirty get a VPN that comes out in Amsterdam, and switch it on and off as they go."""
    people = staff(40)
    users = people[:30]
    events = [*life(people, -40, 0), *life(people, 0, 7)]
    for n, person in enumerate(users):
        for day in range(n // 6, 7):
            exit_ = person.at("Amsterdam", "9009", f"192.0.2.{n % 8}")
            work = {"id": f"proj_{n}_{day}", "changes_requested": {"title": "x"}}
            made = {"id": f"key_{n}_{day}", "data": {"scopes": ["model.request"]}}
            events += [
                at(day * DAY + 120 + n, "login.succeeded", by=exit_),
                at(day * DAY + 150 + n, "project.updated", work, exit_),
                at(day * DAY + 400 + n, "project.updated", {**work, "n": n}, person.at_home()),
                at(day * DAY + 430 + n, "api_key.created", made, exit_),
            ]
    return events


WEEKS = {  # with the incidents of medium or more that a person would bear
    "onboarding": (onboarding, 5),
    "rotation": (rotation, 5),
    "travelling": (travelling, 15),
    "vpn": (vpn, 20),
}


def _stranger(victim: Person) -> Event:
    return session(victim.name, "192.0.2.66", place("Bucharest", "9050"), SCRIPT)


def key_by_stolen_session() -> list[Event]:
    """The first thing seen of the stolen session is the key that it makes."""
    people = staff(20)
    return [
        *life(people, -40, 1),
        at(
            1_300,
            "api_key.created",
            {"id": "key_x", "data": {"scopes": ["model.request"]}},
            _stranger(people[0]),
        ),
    ]


def slow_spray() -> list[Event]:
    """Two days, one attempt in a quarter of an hour, each from another address and provider."""
    names = [f"p{n}" for n in range(60)]
    tries = (
        session(names[n % 60], f"198.51.{n}.7", place("Lagos", f"{60_000 + n}"), SCRIPT)
        for n in range(180)
    )
    return [
        *life(staff(20), -40, 3),
        *(at(n * 16, "login.failed", by=by) for n, by in enumerate(tries)),
    ]


def side_door() -> list[Event]:
    """A group gets the owner's role on Monday; on Friday somebody is put into it."""
    people = staff(20)
    bound = {
        "id": "role_assignment_role-api-organization-owner__api-organization__org_group_ops",
        "principal_id": "group_ops",
        "principal_type": "group",
    }
    joins = {"id": "group_ops", "user_id": "user-p7", "group_name": "Operations"}
    return [
        *life(people, -40, 7),
        at(
            100,
            "tenant.role_assignment.created",
            {**bound, "role_name": "owner"},
            people[0].at_home(),
        ),
        at(4 * DAY, "tenant.group.member.added", joins, people[0].at_home()),
    ]


def rails_then_key() -> list[Event]:
    """Billing alerts go off, the limit goes up, and a day later a modest key is made."""
    people = staff(20)
    insider = people[3].at_home()
    return [
        *life(people[:3] + people[4:], -40, 3),
        *life(people[3:4], -40, 0),
        at(100, "tenant.billing.alerts.updated", {"id": "ba", "enabled": False}, insider),
        at(110, "tenant.billing.overage_limit.updated", {"id": "ol", "limit": 10**6}, insider),
        at(
            1_300,
            "api_key.created",
            {"id": "key_y", "data": {"scopes": ["model.request"]}},
            insider,
        ),
    ]


def another_directory() -> list[Event]:
    """A second directory is set up, which can make anybody an owner."""
    people = staff(20)
    return [
        *life(people, -40, 3),
        at(
            500,
            "tenant.microsoft_entra_mapping.upserted",
            {"id": "m", "entra_tenant_id": "t"},
            people[1].at_home(),
        ),
    ]


def ownership_moved() -> list[Event]:
    """A new owner, made by a stolen session, removes whoever made them."""
    people = staff(20)
    granted = {"id": "user-p9", "changes_requested": {"role": "owner"}}
    return [
        *life(people, -40, 3),
        at(500, "tenant.user.updated", granted, people[0].at_home()),
        at(560, "tenant.user.removed", {"id": "user-p0"}, people[9].at_home()),
    ]


ATTACKS = {
    each.__name__: each
    for each in (
        key_by_stolen_session,
        slow_spray,
        side_door,
        rails_then_key,
        another_directory,
        ownership_moved,
    )
}
