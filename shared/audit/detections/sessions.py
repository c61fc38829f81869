"""Detections of sessions in other hands: A4 to A6."""

import math
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from shared.audit.actors import IpAddressDetails, bare_asn
from shared.audit.config import Config, Habits
from shared.audit.detection import (
    DAY,
    HOUR,
    About,
    Completed,
    Noticed,
    Observation,
    Pattern,
    Sliding,
    Verdict,
    first_of_each,
)
from shared.audit.detections.defence import DEFENCE
from shared.audit.detections.keys import KEYS
from shared.audit.detections.privilege import PRIVILEGE
from shared.audit.detections.sharing import SHARING
from shared.audit.events import AuditLog
from shared.audit.severity import Severity

PRIVILEGED = frozenset[str]().union(
    *(each.types or () for each in (*DEFENCE, *PRIVILEGE, *KEYS, *SHARING))
)
_KINDS = ("country", "ASN", "JA4")


def _habit(event: AuditLog, _: Config) -> Sequence[Noticed]:
    person = _person(event)
    if person is None or event.by.session is None:
        return ()
    kind = "login" if event.type == "login.succeeded" else _privileged(event)
    observation = Observation.of(event, kind, *_network(event.by.place), event.by.session.ja4 or "")
    return (Noticed(person, observation),)


def _person(event: AuditLog) -> str | None:
    """Who sits at the session; a failed login and an event by key say nothing of that."""
    if event.by.session is None or event.type == "login.failed":
        return None
    return event.by.user.id or event.by.email


@lru_cache(maxsize=10_000)
def _network(place: IpAddressDetails) -> tuple[str, str]:
    return place.country or "", bare_asn(place.asn or "")


def _privileged(event: AuditLog) -> str:
    return "privileged" if event.type in PRIVILEGED else ""


def _unhabitual(observations: Sequence[Observation], config: Config) -> Iterator[Completed]:
    rule = config.detections.A4
    life = _Life(rule)
    privileged = [
        observation for observation in observations if observation.what[0] == "privileged"
    ]
    for observation in observations:
        new = life.news(observation)
        if new and life.has_habits(observation):
            yield _new(observation, new, privileged, rule)
        life.add(observation)


class _Life:
    """What was seen of a person so far, in order."""

    def __init__(self, rule: Habits) -> None:
        self._rule = rule
        self._logins: list[int] = []  # one an hour: a storm of logins is no habit
        self._last: dict[tuple[int, str], int] = {}
        self._last_all: dict[tuple[str, ...], int] = {}
        self._since: dict[int, int] = {}

    def add(self, observation: Observation) -> None:
        hour = observation.time // HOUR * HOUR
        if observation.what[0] == "login" and (not self._logins or self._logins[-1] != hour):
            self._logins.append(hour)
        self._last_all[observation.what[1:]] = observation.time
        for kind, value in enumerate(observation.what[1:]):
            if value:
                self._last[kind, value] = observation.time
                self._since.setdefault(kind, observation.time)

    def has_habits(self, observation: Observation) -> bool:
        start = bisect_left(self._logins, observation.time - self._rule.days * DAY)
        enough = len(self._logins) - start >= self._rule.logins
        return enough and self._logins[start] <= observation.time - self._rule.over_days * DAY

    def news(self, observation: Observation) -> list[int]:
        """The kinds whose value is unseen; most are as they were the last time."""
        oldest = observation.time - self._rule.days * DAY
        if self._last_all.get(observation.what[1:], -1) >= oldest:
            return []
        return [
            kind
            for kind, value in enumerate(observation.what[1:])
            if value
            and self._last.get((kind, value), -1) < oldest
            and self._is_told(kind, observation)
        ]

    def _is_told(self, kind: int, observation: Observation) -> bool:
        """For long enough to know what is usual."""
        known_for = observation.time - self._since.get(kind, observation.time)
        return known_for >= self._rule.over_days * DAY


def _new(
    observation: Observation, kinds: list[int], privileged: Sequence[Observation], rule: Habits
) -> Completed:
    values = [f"{_KINDS[kind]} {observation.what[1 + kind]}" for kind in kinds]
    within = rule.followed_within_minutes * 60
    followed = [f for f in privileged if f > observation and f.time - observation.time <= within][
        :1
    ]
    title = f"{observation.who} is seen with a new {' and '.join(values)}"
    raised = Severity.HIGH if followed else None
    return Completed(
        observation,
        (observation, *followed),
        Verdict(Severity.MEDIUM, title, values[0], (), raised),
    )


def _first_sightings(observations: Sequence[Observation]) -> Sequence[Observation]:
    """Each day's first sight of a place, each hour's first login and first use of power."""
    sights = first_of_each(observations, DAY, lambda each: each.what[1:])
    acts = first_of_each(
        [observation for observation in observations if observation.what[0]],
        HOUR,
        lambda each: each.what,
    )
    return sorted({*sights, *acts})


def _tells_something(new: set[Observation], known: set[Observation]) -> set[Observation]:
    """Of what was seen on a day before, when exactly it is seen again does not matter."""
    days = {(observation.time // DAY, observation.what[1:]) for observation in known}
    hours = {(observation.time // HOUR, observation.what) for observation in known}
    since: dict[tuple[str, ...], int] = {}
    for day, seen in days:
        since[seen] = min(day, since.get(seen, day))
    return {
        observation
        for observation in new
        if (day := observation.time // DAY) <= since.get(seen := observation.what[1:], day)
        or (day, seen) not in days
        or (observation.what[0] and (observation.time // HOUR, observation.what) not in hours)
    }


A4 = Pattern(
    About(
        id="A4",
        name="New country, network or device for this person",
        attack=("T1078.004",),
        runbook=(
            "Ask the person, over another channel, whether they are there.",
            "Not them: end their sessions, reset the password, revoke keys made since.",
            "Look at everything done by them since; raised to high means there is something.",
            "Look for others seen with the same network or device.",
        ),
        false_positives="Travel, a new laptop, a new provider at home, a browser's new version.",
    ),
    types=None,
    notice=_habit,
    judge=_unhabitual,
    window=lambda config: config.detections.A4.days * DAY,
    bucket=90 * DAY,
    condense=_first_sightings,
    lookahead=lambda config: config.detections.A4.followed_within_minutes * 60,
    novelty=_tells_something,
)

_EARTH = 6_371.0  # kilometres


def _position(event: AuditLog, config: Config) -> Sequence[Noticed]:
    person = _person(event)
    if person is None:
        return ()
    found = _coordinates(event.by.place)
    if found is None or _is_vpn(event.by.place.asn, config):
        return ()
    return (Noticed(person, Observation.of(event, *found)),)


@lru_cache(maxsize=10_000)
def _coordinates(place: IpAddressDetails) -> tuple[str, str, str] | None:
    """Nobody lives at 0, 0: it is where unknown addresses are put."""
    if place.latitude is None or place.longitude is None:
        return None
    if place.latitude == 0 and place.longitude == 0:
        return None
    where = ", ".join(each for each in (place.city, place.country) if each)
    return f"{place.latitude:.3f}", f"{place.longitude:.3f}", where or "somewhere"


def _is_vpn(asn: str | None, config: Config) -> bool:
    known = config.detections.A5.vpn_asns
    return bool(asn and known) and bare_asn(asn or "") in {bare_asn(each) for each in known}


def _travel(observations: Sequence[Observation], config: Config) -> Iterator[Completed]:
    rule = config.detections.A5
    for here, there in pairwise(observations):
        if here.what[:2] == there.what[:2]:
            continue
        distance, seconds = kilometres(here, there), there.time - here.time
        if distance > rule.kilometres and distance * HOUR > rule.kilometres_an_hour * seconds:
            title = f"{there.who}: {distance:,.0f} km in {seconds / 60:.0f} min"
            about = (("before", here.what[2]), ("after", there.what[2]))
            verdict = Verdict(Severity.HIGH, title, "travel", about)
            yield Completed(there, (here, there), verdict)


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
    notice=_position,
    judge=_travel,
    window=lambda _: DAY,
    bucket=DAY,
    condense=lambda observations: first_of_each(observations, 5 * 60, lambda each: each.what),
)


def _fingerprint(event: AuditLog, _: Config) -> Sequence[Noticed]:
    """A fingerprint that is half known is like any other, so it is left out."""
    person = _person(event)
    if person is None or not event.by.session:
        return ()
    ja4, country = event.by.session.ja4, event.by.place.country
    if not ja4 or not country:
        return ()
    observation = Observation.of(event, f"{ja4} {country}", _privileged(event))
    return (Noticed(person, observation),)


def _two_hands(observations: Sequence[Observation], config: Config) -> Iterator[Completed]:
    if len({observation.what[0] for observation in observations}) == 1:
        return
    window = Sliding(deque(), Counter())
    for observation in observations:
        window.add(observation, config.detections.A6.within_minutes * 60)
        if len(window.counts) > 1 and any(each.what[1] for each in window.observations):
            shown = ", ".join(sorted(window.counts))
            title = f"{observation.who} acts with {len(window.counts)} fingerprints at once"
            verdict = Verdict(Severity.HIGH, title, "session", (("fingerprints", shown),))
            yield Completed(observation, tuple(window.observations), verdict)


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
    notice=_fingerprint,
    judge=_two_hands,
    window=lambda config: config.detections.A6.within_minutes * 60,
    bucket=DAY,
    condense=lambda observations: first_of_each(observations, 60, lambda each: each.what),
)

SESSIONS = (A4, A5, A6)
