"""Timelines of passwords and sessions in other hands: what fires, and near misses."""

from tests.unit.audit.cases.case import A_KEY, IN_BERLIN, IN_LAGOS, Case, failures, rule, spray
from tests.unit.audit.timelines import (
    BERLIN,
    DAY,
    LAGOS,
    LAPTOP,
    POTSDAM,
    SCRIPT,
    Event,
    Raised,
    at,
    quiet_life,
    session,
)

BERLIN_MOBILE = BERLIN | {"asn": "AS6805"}
LAGOS_HOTEL = LAGOS | {"asn": "AS29465"}
RESUMED = "t13d1517h2_8daaf6152771_b0da82dd1658"  # LAPTOP's, with one extension more
OVER_QUIC = "q13d1516h3_8daaf6152771_e5627efa2ab1"
ONE_NETWORK = [
    "2001:db8:1:2::1",
    "2001:0DB8:0001:0002:0:0:0:2",
    "[2001:db8:1:2::3]",
    "2001:db8:1:2::4%eth0",
    *(f"2001:db8:1:2:{n}::" for n in range(6)),
]


def _with(by: Event, user_agent: str) -> Event:
    return {**by, "session": {**by["session"], "user_agent": user_agent}}


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
        "A1",
        "from one IPv6 network, its addresses spelt in any way",
        [at(n, "login.failed", by=session(f"u{n}", ip)) for n, ip in enumerate(ONE_NETWORK)],
        [Raised(9, "high", "A1|2001:db8:1:2::/64|logins")],
    ),
    Case(
        "A1",
        "from one IPv4 address, written as IPv6 too",
        [
            at(n, "login.failed", by=session(f"u{n}", ("", "::ffff:")[n % 2] + "198.51.100.9"))
            for n in range(10)
        ],
        [Raised(9, "high", "A1|198.51.100.9|logins")],
    ),
    Case(
        "A1",
        "nobody is named",
        [
            at(
                n * 0.1,
                "login.failed",
                by={"type": "session", "session": {"ip_address": "198.51.100.9"}},
            )
            for n in range(200)
        ],
        [Raised(0.9, "high", "A1|198.51.100.9|logins")],
    ),
    Case(
        "A1",
        "slowly, from a provider's many addresses",
        [at(n * 20, "login.failed", by=session(f"u{n}", f"192.0.2.{n}", LAGOS)) for n in range(20)],
        [Raised(19 * 20, "high", "A1|AS37282|logins")],
    ),
    Case(
        "A1",
        "slowly, by one program from everywhere, nobody named",
        [
            at(
                n * 20,
                "login.failed",
                by={"type": "session", "session": {"ip_address": f"192.0.{n}.1", "ja4": SCRIPT}},
            )
            for n in range(20)
        ],
        [Raised(19 * 20, "high", "A1|JA4 1319_9dc949149365|logins")],
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
        [
            *quiet_life(),
            at(0, "login.succeeded", by=IN_LAGOS),
            at(500, "user.deleted", {"id": "user-1"}, by=IN_LAGOS),
        ],
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
        "power is the first thing used",
        [*quiet_life(), at(0, "api_key.created", A_KEY, by=IN_LAGOS)],
        [Raised(0, "high", "A4|user-owner|country NG")],
    ),
    Case(
        "A4",
        "another network and another browser at home",
        [*quiet_life(), at(0, "login.succeeded", by=session(place=BERLIN_MOBILE, ja4=SCRIPT))],
        [Raised(0, "medium", "A4|user-owner|ASN 6805")],
    ),
    Case(
        "A4",
        "another network alone",
        [*quiet_life(), at(0, "login.succeeded", by=session(place=BERLIN_MOBILE, ja4=LAPTOP))],
        [Raised(0, "signal", "A4|user-owner|ASN 6805")],
    ),
    Case(
        "A4",
        "another network alone, then power used",
        [*quiet_life(), at(0, "api_key.created", A_KEY, session(place=BERLIN_MOBILE, ja4=LAPTOP))],
        [Raised(0, "medium", "A4|user-owner|ASN 6805")],
    ),
    Case(
        "A4",
        "the hotels of a journey",
        [
            *quiet_life(),
            at(0, "login.succeeded", by=session(place=LAGOS, ja4=LAPTOP)),
            at(2 * DAY, "api_key.created", A_KEY, session(place=LAGOS_HOTEL, ja4=LAPTOP)),
        ],
        [
            Raised(0, "medium", "A4|user-owner|country NG"),
            Raised(2 * DAY, "signal", "A4|user-owner|ASN 29465"),
        ],
    ),
    Case(
        "A4",
        "the fourth of whom a network is new is no news",
        [
            *(e for name in "abcd" for e in quiet_life(name=name)),
            *(
                at(n * DAY, "login.succeeded", by=session(name, place=LAGOS, ja4=LAPTOP))
                for n, name in enumerate("abcd")
            ),
        ],
        [
            *(
                Raised(n * DAY, "medium", f"A4|user-{name}|country NG")
                for n, name in enumerate("abc")
            ),
            Raised(3 * DAY, "signal", "A4|user-d|country NG"),
        ],
    ),
    Case(
        "A5",
        "Berlin to Lagos in an hour",
        [at(0, "login.succeeded", by=IN_BERLIN), at(60, "project.created", {}, IN_LAGOS)],
        [Raised(60, "high", "A5|user-owner|travel")],
    ),
    Case(
        "A5",
        "the fourth whose VPN comes out there",
        [
            e
            for n, name in enumerate("abcd")
            for e in (
                at(n * DAY, "login.succeeded", by=session(name, place=BERLIN)),
                at(n * DAY + 5, "project.created", {}, session(name, "192.0.2.66", LAGOS)),
            )
        ],
        [
            *(
                Raised(n * DAY + 5, "high", f"A5|user-{name}|travel")
                for n, name in enumerate("abc")
            ),
            Raised(3 * DAY + 5, "signal", "A5|user-d|travel"),
        ],
    ),
    Case(
        "A6",
        "another browser and program in another network of the country",
        [
            at(0, "logout.succeeded", by=IN_BERLIN),
            at(
                5,
                "api_key.created",
                A_KEY,
                _with(session(ip="192.0.2.9", place=BERLIN_MOBILE, ja4=SCRIPT), "curl/8"),
            ),
        ],
        [Raised(5, "medium", "A6|user-owner|session")],
    ),
    Case(
        "A6",
        "two fingerprints, power used by one",
        [at(0, "logout.succeeded", by=IN_BERLIN), at(15, "api_key.created", A_KEY, IN_LAGOS)],
        [Raised(15, "high", "A6|user-owner|session")],
    ),
]

NEAR_MISSES = [
    Case(
        "A4",
        "another browser at home, and the same one resumed",
        [
            *quiet_life(),
            *(
                at(n, "api_key.created", A_KEY, session(place=BERLIN, ja4=ja4))
                for n, ja4 in enumerate((SCRIPT, RESUMED, OVER_QUIC))
            ),
        ],
        [],
    ),
    Case(
        "A4",
        "from a network that is trusted",
        [*quiet_life(), at(0, "api_key.created", A_KEY, by=IN_LAGOS)],
        [],
        {"trusted_asns": ["as37282"]},
    ),
    Case(
        "A6",
        "from an address that is trusted",
        [at(0, "logout.succeeded", by=IN_BERLIN), at(15, "api_key.created", A_KEY, IN_LAGOS)],
        [],
        {"trusted_networks": ["192.0.2.0/24"]},
    ),
    Case(
        "A6",
        "the same browser, resumed and over QUIC, in two networks",
        [
            at(n, "api_key.created", A_KEY, session(ip=f"192.0.2.{n}", place=place, ja4=ja4))
            for n, (place, ja4) in enumerate(
                [(BERLIN, LAPTOP), (BERLIN_MOBILE, RESUMED), (LAGOS, OVER_QUIC)]
            )
        ],
        [],
    ),
    Case(
        "A6",
        "two browsers at one address",
        [
            at(0, "logout.succeeded", by=IN_BERLIN),
            at(1, "api_key.created", A_KEY, _with(session(place=BERLIN, ja4=SCRIPT), "Firefox")),
        ],
        [],
    ),
    Case(
        "A5",
        "an address whose place is looked up anew",
        [
            at(0, "login.succeeded", by=IN_BERLIN),
            at(1, "project.created", {}, session(place=LAGOS | {"asn": "AS3320"})),
            at(2, "project.created", {}, session(ip="203.0.113.99", place=BERLIN)),
        ],
        [],
    ),
    Case(
        "A1",
        "people who mistype, and then sign in",
        [
            e
            for n in range(40)
            for e in (
                at(n * 60, "login.failed", by=session(f"u{n}", f"192.0.2.{n}", BERLIN, LAPTOP)),
                at(
                    n * 60 + 1,
                    "login.succeeded",
                    by=session(f"u{n}", f"192.0.2.{n}", BERLIN, LAPTOP),
                ),
            )
        ],
        [],
    ),
    Case(
        "A2",
        "one host whose addresses change",
        [e for n in range(9) for e in failures(1, 0, n, ip=f"2001:db8::{n + 1}")],
        [],
    ),
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
