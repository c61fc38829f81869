"""Timelines of passwords and sessions in other hands: what fires, and near misses."""

from tests.unit.audit.cases.case import A_KEY, IN_BERLIN, IN_LAGOS, Case, failures, rule, spray
from tests.unit.audit.timelines import (
    BERLIN,
    DAY,
    LAGOS,
    POTSDAM,
    SCRIPT,
    Raised,
    at,
    quiet_life,
    session,
)

FIRES = [
    Case(
        "A1",
        "ten failures on five users",
        spray(10, 5, 3),
        [Raised(27, "high", "A1|198.51.100.9|logins")],
    ),
    Case(
        "A1",
        "the fifth user comes late",
        [*spray(12, 4, 1), *failures(1, 0, 14, name="builder", ip="198.51.100.9")],
        [Raised(14, "high", "A1|198.51.100.9|logins")],
    ),
    Case(
        "A2",
        "five addresses",
        [e for n in range(5) for e in failures(1, 0, n * 7, ip=f"198.51.100.{n}")],
        [Raised(28, "medium", "A2|user-owner|user-owner")],
    ),
    Case(
        "A3",
        "five failures and in",
        [*failures(5, 5), at(30, "login.succeeded")],
        [Raised(30, "high", "A3|user-owner|user-owner")],
    ),
    Case(
        "A3",
        "failures that know the address alone",
        [
            *(
                at(
                    n,
                    "login.failed",
                    by={"type": "session", "session": {"user": {"email": "owner@example.com"}}},
                )
                for n in range(5)
            ),
            at(5, "login.succeeded"),
        ],
        [Raised(5, "high", "A3|user-owner|user-owner")],
    ),
    Case(
        "A3",
        "all within one second",
        [*failures(5, 0.2), at(0.8, "login.succeeded")],
        [Raised(0.8, "high", "A3|user-owner|user-owner")],
    ),
    Case(
        "A4",
        "new country",
        [*quiet_life(), at(0, "login.succeeded", by=IN_LAGOS), at(90, "user.deleted", by=IN_LAGOS)],
        [Raised(0, "medium", "A4|user-owner|country NG")],
    ),
    Case(
        "A4",
        "new country, then power used",
        [
            *quiet_life(),
            at(0, "login.succeeded", by=IN_LAGOS),
            at(60, "api_key.created", A_KEY, by=IN_LAGOS),
        ],
        [Raised(0, "high", "A4|user-owner|country NG")],
    ),
    Case(
        "A4",
        "new device",
        [*quiet_life(), at(0, "login.succeeded", by=session(place=BERLIN, ja4=SCRIPT))],
        [Raised(0, "medium", f"A4|user-owner|JA4 {SCRIPT}")],
    ),
    Case(
        "A5",
        "Berlin to Lagos in an hour",
        [at(0, "login.succeeded", by=IN_BERLIN), at(60, "project.created", {}, IN_LAGOS)],
        [Raised(60, "high", "A5|user-owner|travel")],
    ),
    Case(
        "A6",
        "two fingerprints, power used by one",
        [at(0, "logout.succeeded", by=IN_BERLIN), at(15, "api_key.created", A_KEY, IN_LAGOS)],
        [Raised(15, "high", "A6|user-owner|session")],
    ),
]

NEAR_MISSES = [
    Case("A1", "nine failures", spray(9, 5, 1), []),
    Case("A1", "four users", spray(20, 4, 1), []),
    Case("A1", "too slow", spray(10, 5, 3.4), []),
    Case(
        "A2",
        "too slow",
        [e for n in range(5) for e in failures(1, 0, n * 7.6, ip=f"198.51.100.{n}")],
        [],
    ),
    Case("A3", "four failures", [*failures(4, 1), at(5, "login.succeeded")], []),
    Case("A3", "success first", [at(0, "login.succeeded"), *failures(5, 1, 1)], []),
    Case("A3", "too late", [*failures(5, 0.5), at(31, "login.succeeded")], []),
    Case(
        "A3",
        "another user",
        [*failures(5, 1), at(6, "login.succeeded", by=session("builder"))],
        [],
    ),
    Case("A4", "four logins", [*quiet_life(20)[:4], at(0, "login.succeeded", by=IN_LAGOS)], []),
    Case("A4", "thirteen days", [*quiet_life(13), at(0, "login.succeeded", by=IN_LAGOS)], []),
    Case(
        "A4",
        "was there before",
        [
            *quiet_life(40),
            at(-50 * DAY, "login.succeeded", by=IN_LAGOS),
            at(0, "login.succeeded", by=IN_LAGOS),
        ],
        [],
    ),
    Case(
        "A4",
        "fingerprints were not told before",
        [*quiet_life(ja4=None), at(0, "login.succeeded", by=IN_BERLIN)],
        [],
    ),
    Case(
        "A5",
        "Berlin to Potsdam at once",
        [
            at(0, "login.succeeded", by=IN_BERLIN),
            at(0, "project.created", {}, session(place=POTSDAM)),
        ],
        [],
    ),
    Case(
        "A5",
        "by plane",
        [at(0, "login.succeeded", by=IN_BERLIN), at(400, "project.created", {}, IN_LAGOS)],
        [],
    ),
    Case(
        "A5",
        "a place that is not known",
        [
            at(0, "login.succeeded", by=IN_BERLIN),
            at(1, "project.created", {}, session(place={"latitude": 0, "longitude": "0"})),
        ],
        [],
    ),
    Case(
        "A5",
        "over a VPN",
        [at(0, "login.succeeded", by=IN_BERLIN), at(60, "project.created", {}, IN_LAGOS)],
        [],
        rule("A5", vpn_asns=["AS37282"]),
    ),
    Case(
        "A5",
        "two people",
        [
            at(0, "login.succeeded", by=IN_BERLIN),
            at(1, "project.created", {}, session("builder", place=LAGOS)),
        ],
        [],
    ),
    Case(
        "A6",
        "a quarter of an hour and more",
        [at(0, "logout.succeeded", by=IN_BERLIN), at(16, "api_key.created", A_KEY, IN_LAGOS)],
        [],
    ),
    Case(
        "A6",
        "no power used",
        [at(0, "logout.succeeded", by=IN_BERLIN), at(1, "login.succeeded", by=IN_LAGOS)],
        [],
    ),
    Case(
        "A6",
        "one is not told",
        [at(0, "user.deleted", {"id": "u"}), at(1, "api_key.created", A_KEY, IN_LAGOS)],
        [],
    ),
]
