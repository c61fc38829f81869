"""Detections of sessions in other hands: A5 and A6."""

import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from shared.audit.actors import IpAddressDetails, bare_asn
from shared.audit.detection import (
    DAY,
    HOUR,
    About,
    Keyed,
    Match,
    Observation,
    Pattern,
    SlidingWindow,
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
    vpn_asns: frozenset[str] = frozenset()


class Fingerprints(Rule):
    within_minutes: Minutes = 15


_EARTH = 6_371.0  # kilometres


def _position(event: AuditLog, _: Baseline, rule: Travel) -> Sequence[Keyed]:
    person = person_at(event)
    if person is None:
        return ()
    found = _coordinates(event.by.place)
    if found is None or _is_vpn(event.by.place.asn, rule):
        return ()
    return (Keyed(person, Observation.of(event, *found)),)


@lru_cache(maxsize=10_000)
def _coordinates(place: IpAddressDetails) -> tuple[str, str, str] | None:
    """Nobody lives at 0, 0: it is where unknown addresses are put."""
    if place.latitude is None or place.longitude is None:
        return None
    if place.latitude == 0 and place.longitude == 0:
        return None
    where = ", ".join(each for each in (place.city, place.country) if each)
    return f"{place.latitude:.3f}", f"{place.longitude:.3f}", where or "somewhere"


def _is_vpn(asn: str | None, rule: Travel) -> bool:
    return asn is not None and bare_asn(asn) in {bare_asn(each) for each in rule.vpn_asns}


def _travel(observations: Sequence[Observation], rule: Travel) -> Iterator[Match]:
    for here, there in pairwise(observations):
        if here.what[:2] == there.what[:2]:
            continue
        distance, seconds = kilometres(here, there), there.time - here.time
        if distance > rule.kilometres and distance * HOUR > rule.kilometres_an_hour * seconds:
            title = f"{there.who}: {distance:,.0f} km in {seconds / 60:.0f} min"
            context = (("before", here.what[2]), ("after", there.what[2]))
            verdict = Verdict(Severity.HIGH, title, "travel", context)
            yield Match(there, (here, there), verdict)


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
            "A VPN: add its ASN to detections.A5.vpn_asns.",
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


def _fingerprint(event: AuditLog, _: Baseline, __: Fingerprints) -> Sequence[Keyed]:
    """A fingerprint that is half known is like any other, so it is left out."""
    person = person_at(event)
    if person is None or not event.by.session:
        return ()
    ja4, country = event.by.session.ja4, event.by.place.country
    if not ja4 or not country:
        return ()
    observation = Observation.of(
        event, f"{ja4} {country}", "sensitive" if is_sensitive(event) else ""
    )
    return (Keyed(person, observation),)


def _two_hands(observations: Sequence[Observation], rule: Fingerprints) -> Iterator[Match]:
    if len({observation.what[0] for observation in observations}) == 1:
        return
    window = SlidingWindow(deque(), Counter())
    for observation in observations:
        window.add(observation, rule.within_minutes * 60)
        if len(window.counts) > 1 and any(each.what[1] for each in window.observations):
            shown = ", ".join(sorted(window.counts))
            title = f"{observation.who} acts with {len(window.counts)} fingerprints at once"
            verdict = Verdict(Severity.HIGH, title, "session", (("fingerprints", shown),))
            yield Match(observation, tuple(window.observations), verdict)


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
