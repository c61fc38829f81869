"""Incidents: what alerts about one actor, close in time, are together. People hear of those.

Whoever rotates two hundred keys raises hundreds of alerts, and a thief a few of many kinds: each is
one incident. It is told when it begins, again when it gets worse, and at last when it is over.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from shared.audit.alerts import Alert
from shared.audit.lateness import DAY, HOUR
from shared.audit.severity import Severity
from shared.model import FrozenModel

QUIET = HOUR  # without an alert that is loud: it is over
LONGEST = DAY  # then another begins, so that nobody is hidden by what never ends
MOST_LATE = 3 * DAY  # then an incident is forgotten: what comes later is another
MOST_MEMBERS = 1_000  # alerts that one incident remembers


class Member(NamedTuple):
    """What an incident remembers of an alert."""

    time: int
    last: int  # of what it covers
    id: str
    detection: str
    severity: Severity


class Incident(FrozenModel):
    """As it is shown; times are unix seconds."""

    id: str
    actor: str
    severity: Severity
    detections: tuple[str, ...]
    first: int
    last: int
    alerts: int


class KnownIncident(FrozenModel):
    """As it is stored."""

    id: str
    members: tuple[Member, ...]
    told: Severity | None = None  # the severity it had when people heard of it
    told_alerts: int = 0  # how many they heard of
    is_closed: bool = False

    @property
    def severity(self) -> Severity:
        return max((each.severity for each in self.members), key=lambda each: each.rank)

    @property
    def last(self) -> int:
        return max(each.last for each in self.members)

    def shown(self, actor: str) -> Incident:
        return Incident(
            id=self.id,
            actor=actor,
            severity=self.severity,
            detections=tuple(sorted({each.detection for each in self.members})),
            first=min(each.time for each in self.members),
            last=self.last,
            alerts=len(self.members),
        )


class ActorIncidents(FrozenModel):
    """All of one actor that may still change, as one row."""

    actor: str
    incidents: tuple[KnownIncident, ...] = ()
    rev: int = 0
    due: int | None = None  # when one of them may be over


def grouped(alerts: Iterable[Alert]) -> list[tuple[Incident, list[Alert]]]:
    """The incidents that alerts are, by time, each with its alerts."""
    by_actor: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_actor.setdefault(alert.actor, []).append(alert)
    found = [
        (known.shown(actor), [each for each in some if each.id in _ids(known.members)])
        for actor, some in by_actor.items()
        for known in regrouped(actor, (), some, most=None)
    ]
    return sorted(found, key=lambda each: (each[0].first, each[0].id))


def regrouped(
    actor: str,
    known: Sequence[KnownIncident],
    alerts: Iterable[Alert],
    most: int | None = MOST_MEMBERS,
) -> list[KnownIncident]:
    """One actor's incidents, with more alerts, or alerts that have changed.

    Which belong together is a matter of all of them; so late ones may join two incidents, which
    then are the first of the two.
    """
    members = {each.id: each for incident in known for each in incident.members}
    members |= {each.id: _member(each) for each in alerts}
    left = sorted(known, key=lambda each: each.members[0])
    incidents = []
    for cluster in _cut(sorted(members.values())):
        ids = _ids(cluster)
        before = [each for each in left if not ids.isdisjoint(_ids(each.members))]
        left = [each for each in left if each not in before]
        incidents.append(_of(actor, cluster[:most], before))
    return incidents


def _of(actor: str, cluster: Sequence[Member], before: Sequence[KnownIncident]) -> KnownIncident:
    told = [each.told for each in before if each.told is not None]
    heard = max((each.told_alerts for each in before), default=0)
    return KnownIncident(
        id=before[0].id if before else _id(actor, cluster[0]),
        members=tuple(cluster),
        told=max(told, key=lambda each: each.rank) if told else None,
        told_alerts=heard,
        is_closed=any(each.is_closed for each in before) and len(cluster) <= heard,
    )


def _cut(members: Sequence[Member]) -> Iterator[list[Member]]:
    """Quiet ones join what is there, and keep nothing open that is loud."""
    cluster: list[Member] = []
    reach, is_loud = 0, False
    for each in members:
        if cluster and (each.time - reach > QUIET or each.time - cluster[0].time > LONGEST):
            yield cluster
            cluster, is_loud = [], False
        louder = each.severity.rank >= Severity.MEDIUM.rank
        if not cluster or louder or not is_loud:
            reach = max(reach, each.last) if cluster else each.last
        is_loud |= louder
        cluster.append(each)
    if cluster:
        yield cluster


def _member(alert: Alert) -> Member:
    return Member(alert.time, alert.last, alert.id, alert.detection, alert.severity)


def _ids(members: Iterable[Member]) -> set[str]:
    return {each.id for each in members}


def _id(actor: str, first: Member) -> str:
    content = json.dumps([actor, first.id])
    return hashlib.sha256(content.encode()).hexdigest()[:32]
