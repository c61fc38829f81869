"""The detection of a place or device that is new for a person: A4."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated

from pydantic import Field

from shared.audit.actors import IpAddressDetails
from shared.audit.addresses import bare_asn, browser_of
from shared.audit.detection import (
    DAY,
    HOUR,
    About,
    Keyed,
    Match,
    Observation,
    Pattern,
    Unusual,
    Verdict,
    first_of_each,
)
from shared.audit.detections.presence import is_sensitive, person_at
from shared.audit.events import AuditLog
from shared.audit.rules import Baseline, Minutes, Positive, Rule
from shared.audit.severity import Severity


class Habits(Rule):
    suppress_minutes: Minutes = 24 * 60
    days: Annotated[int, Field(ge=2, le=365)] = 90
    logins: Positive = 5
    over_days: Positive = 14
    followed_within_minutes: Minutes = 8 * 60  # a working day


_KINDS = ("country", "ASN", "JA4")
_COUNTRY, _ASN, _JA4 = range(3)
TRIP = 7 * DAY


def _habit(event: AuditLog, baseline: Baseline, _: Habits) -> Sequence[Keyed]:
    person, session, place = person_at(event), event.by.session, event.by.place
    if person is None or session is None or baseline.trusts(event.by.ip, place.asn):
        return ()
    kind = "login" if event.type == "login.succeeded" else _sensitivity(event)
    browser = browser_of(session.ja4) if session.ja4 else ""
    return (Keyed(person, Observation.of(event, kind, *_network(place), browser)),)


def _sensitivity(event: AuditLog) -> str:
    return "sensitive" if is_sensitive(event) else ""


@lru_cache(maxsize=10_000)
def _network(place: IpAddressDetails) -> tuple[str, str]:
    return (place.country or "").upper(), bare_asn(place.asn or "")


def _unhabitual(observations: Sequence[Observation], rule: Habits) -> Iterator[Match]:
    life = _Life(rule)
    sensitive = [observation for observation in observations if observation.what[0] == "sensitive"]
    for observation in observations:
        new = life.news(observation)
        if new and new != [_JA4] and life.has_habits(observation):
            yield _new(observation, new, sensitive, rule, is_trip=life.is_trip(observation))
        life.add(observation)


class _Life:
    """What was seen of a person so far, in order."""

    def __init__(self, rule: Habits) -> None:
        self._rule = rule
        self._logins: list[int] = []  # one an hour: a storm of logins is no habit
        self._last: dict[tuple[int, str], int] = {}
        self._last_all: dict[tuple[str, ...], int] = {}
        self._since: dict[int, int] = {}
        self._first: dict[tuple[int, str], int] = {}

    def is_trip(self, observation: Observation) -> bool:
        """Whether the country is new itself: its hotels and airports are no news any more."""
        first = self._first.get((_COUNTRY, observation.what[1]))
        return first is not None and observation.time - first <= TRIP

    def add(self, observation: Observation) -> None:
        hour = observation.time // HOUR * HOUR
        if observation.what[0] == "login" and (not self._logins or self._logins[-1] != hour):
            self._logins.append(hour)
        self._last_all[observation.what[1:]] = observation.time
        for kind, value in enumerate(observation.what[1:]):
            if value:
                self._last[kind, value] = observation.time
                self._since.setdefault(kind, observation.time)
                self._first.setdefault((kind, value), observation.time)

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
    observation: Observation,
    kinds: list[int],
    sensitive: Sequence[Observation],
    rule: Habits,
    *,
    is_trip: bool,
) -> Match:
    """A new country is news, or a network together with a browser; a network alone becomes news
    if something sensitive is done from it. What is sensitive may be the first that is seen."""
    values = [f"{_KINDS[kind]} {observation.what[1 + kind]}" for kind in kinds]
    within = rule.followed_within_minutes * 60
    followed = [f for f in sensitive if 0 <= f.time - observation.time <= within][:1]
    title = f"{observation.who} is seen with a new {' and '.join(values)}"
    severity = _severity(kinds, is_followed=bool(followed), is_trip=is_trip)
    most_others = 4 if followed else 2
    unusual = Unusual(tuple(values), severity, most_others) if severity else None
    verdict = Verdict(Severity.SIGNAL, title, values[0], (), None, unusual)
    return Match(observation, (observation, *followed), verdict)


def _severity(kinds: list[int], *, is_followed: bool, is_trip: bool) -> Severity | None:
    """None: a signal alone."""
    if _COUNTRY in kinds or _JA4 in kinds:
        return Severity.HIGH if is_followed else Severity.MEDIUM
    return Severity.MEDIUM if is_followed and not is_trip else None


def _first_sightings(observations: Sequence[Observation]) -> Sequence[Observation]:
    """Each day's first sight of a place, each hour's first login and first use of power."""
    sights = first_of_each(observations, DAY, lambda each: each.what[1:])
    acts = first_of_each(
        [observation for observation in observations if observation.what[0]],
        HOUR,
        lambda each: each.what,
    )
    return sorted({*sights, *acts})


def _one_a_day(observations: Sequence[Observation]) -> Sequence[Observation]:
    """Habits show in days, and logins make them; only the last day is kept as it is."""
    last = observations[-1].time // DAY
    older = [each for each in observations if each.time // DAY < last]
    logins_first = sorted(older, key=lambda each: each.what[0] != "login")
    daily = first_of_each(logins_first, DAY, lambda each: each.what[1:])
    logins = [each for each in daily if each.what[0] == "login"]
    return [*sorted(daily), *(each for each in observations if each.time // DAY == last), *logins]


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
    observe=_habit,
    evaluate=_unhabitual,
    rule=Habits(),
    window=lambda rule: rule.days * DAY,
    bucket=90 * DAY,
    condense=_first_sightings,
    thin=_one_a_day,
    lookahead=lambda rule: rule.followed_within_minutes * 60,
    novelty=_tells_something,
)
