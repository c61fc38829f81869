"""Detections of sessions in other hands: A5 and A6."""

import json
import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, pairwise

from shared.audit.actors import IpAddressDetails
from shared.audit.addresses import bare_asn, browser_of, near_of, program_of
from shared.audit.detection import (
    DAY,
    HOUR,
    About,
    Keyed,
    Match,
    Observation,
    Pattern,
    SlidingWindow,
    Unusual,
    Verdict,
    first_of_each,
)
from shared.audit.detections.presence import is_sensitive, person_at
from shared.audit.events import AuditLog
from shared.audit.rules import Baseline, Comparison, Minutes, Positive, Rule
from shared.audit.severity import Severity


class Travel(Comparison):
    kilometres_an_hour: Positive = 900
    kilometres: Positive = 500


class Fingerprints(Rule):
    within_minutes: Minutes = 15


MOST_HANDS = 12  # compared with each other
_EARTH = 6_371.0  # kilometres


def _position(event: AuditLog, baseline: Baseline, _: Travel) -> Sequence[Keyed]:
    person = person_at(event)
    if person is None or baseline.trusts(event.by.ip, event.by.place.asn):
        return ()
    found = _coordinates(event.by.place)
    if found is None:
        return ()
    near = near_of(event.by.ip) if event.by.ip else ""
    network = bare_asn(event.by.place.asn or "")
    return (Keyed(person, Observation.of(event, *found, near, network)),)


@lru_cache(maxsize=10_000)
def _coordinates(place: IpAddressDetails) -> tuple[str, str, str] | None:
    """Nobody lives at 0, 0: it is where unknown addresses are put."""
    if place.latitude is None or place.longitude is None:
        return None
    if place.latitude == 0 and place.longitude == 0:
        return None
    where = ", ".join(each for each in (place.city, place.country) if each)
    return f"{place.latitude:.3f}", f"{place.longitude:.3f}", where or "somewhere"


def _travel(observations: Sequence[Observation], rule: Travel) -> Iterator[Match]:
    """Where an address is thought to be changes at times; whoever keeps it did not move."""
    if not observations:
        return
    home = _place(observations[0])
    for here, there in pairwise(observations):
        if here.what[:2] == there.what[:2] or _is_one_address(here, there):
            continue
        distance, seconds = kilometres(here, there), there.time - here.time
        if distance > rule.kilometres and distance * HOUR > rule.kilometres_an_hour * seconds:
            title = f"{there.who}: {distance:,.0f} km in {seconds / 60:.0f} min"
            context = (("before", here.what[2]), ("after", there.what[2]))
            away = _place(here if _place(there) == home else there)
            unusual = Unusual((away,), Severity.HIGH)
            verdict = Verdict(Severity.SIGNAL, title, "travel", context, None, unusual)
            yield Match(there, (here, there), verdict)


def _is_one_address(here: Observation, there: Observation) -> bool:
    """The same, or a neighbour of the same network."""
    near, network = here.what[3:5]
    return bool(near) and (near, network) == (there.what[3], there.what[4])


def _place(observation: Observation) -> str:
    """Where a VPN comes out is one for all who use it."""
    latitude, longitude, _, near, network = observation.what
    return f"{network or near} at {float(latitude):.0f}, {float(longitude):.0f}"


def kilometres(here: Observation, there: Observation) -> float:
    """The great-circle distance."""
    lat1, lon1, lat2, lon2 = (math.radians(float(x)) for x in (*here.what[:2], *there.what[:2]))
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH * math.asin(min(1.0, math.sqrt(half)))


A5 = Pattern(
    About(
        id="A5",
        name="Impossible travel",
        attack=("T1078.004",),
        runbook=(
            "Ask the person, over another channel, where they are.",
            "Neither place is a VPN or proxy of theirs: end their sessions, reset the password.",
            "Look at everything done from the place where they are not.",
            "A VPN or an office: add it to trusted_asns or trusted_networks.",
        ),
        false_positives="VPNs, phones that leave the network abroad, wrong places of addresses.",
    ),
    types=None,
    observe=_position,
    evaluate=_travel,
    rule=Travel(),
    window=lambda _: DAY,
    bucket=DAY,
    condense=lambda observations: first_of_each(observations, 5 * 60, lambda each: each.what),
)


def _fingerprint(event: AuditLog, baseline: Baseline, _: Fingerprints) -> Sequence[Keyed]:
    """A fingerprint that is half known is like any other, so it is left out."""
    person, session, place = person_at(event), event.by.session, event.by.place
    if person is None or not session or baseline.trusts(event.by.ip, place.asn):
        return ()
    if not session.ja4 or not place.country:
        return ()
    hand = json.dumps(
        [
            browser_of(session.ja4),
            place.country,
            bare_asn(place.asn or ""),
            event.by.host,
            program_of(session.user_agent or ""),
        ]
    )
    sensitive = "sensitive" if is_sensitive(event) else ""
    return (Keyed(person, Observation.of(event, hand, sensitive)),)


def _two_hands(observations: Sequence[Observation], rule: Fingerprints) -> Iterator[Match]:
    if len({observation.what[0] for observation in observations}) == 1:
        return
    window = SlidingWindow(deque(), Counter())
    for observation in observations:
        window.add(observation, rule.within_minutes * 60)
        if len(window.counts) == 1 or not any(each.what[1] for each in window.observations):
            continue
        severity = _apart(tuple(window.counts))
        if severity is not None:
            shown = "; ".join(sorted(" ".join(filter(None, _parts(e))) for e in window.counts))
            title = f"{observation.who} acts with {len(window.counts)} fingerprints at once"
            verdict = Verdict(severity, title, "session", (("fingerprints", shown),))
            yield Match(observation, tuple(window.observations), verdict)


@lru_cache(maxsize=10_000)
def _parts(hand: str) -> tuple[str, ...]:
    return tuple(json.loads(hand))


def _apart(hands: Sequence[str]) -> Severity | None:
    """Another browser in another country; or in another network, and another program too.

    The same browser elsewhere is a VPN or a phone's network, which A4 and A5 look at; another
    browser at the same address is a person with two.
    """
    found: list[Severity] = []
    for one, other in combinations(map(_parts, hands[-MOST_HANDS:]), 2):
        browser, country, network, host, program = (
            first != second for first, second in zip(one, other, strict=True)
        )
        if browser and host and country:
            found.append(Severity.HIGH)
        elif browser and host and network and program:
            found.append(Severity.MEDIUM)
    return max(found, key=lambda each: each.rank, default=None)


A6 = Pattern(
    About(
        id="A6",
        name="Session used from two fingerprints",
        attack=("T1539", "T1550.004"),
        runbook=(
            "Ask the person whether they use two devices right now.",
            "Not them: end all their sessions; a password reset alone leaves a stolen one alive.",
            "Look at everything done with the fingerprint that is not theirs.",
            "Look for malware on the device whose session was stolen.",
        ),
        false_positives="Laptop and phone, or two browsers, used for administration at once.",
    ),
    types=None,
    observe=_fingerprint,
    evaluate=_two_hands,
    rule=Fingerprints(),
    window=lambda rule: rule.within_minutes * 60,
    bucket=DAY,
    condense=lambda observations: first_of_each(observations, 60, lambda each: each.what),
)

SESSIONS = (A5, A6)
