"""Incidents: what alerts about one actor, close in time, are together. People hear of those.

Whoever rotates two hundred keys raises hundreds of alerts, and a thief a few of many kinds: each is
one incident. It is told when it begins, again when it gets worse, and at last when it is over.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self

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
    then are the first of the two, or show that one was two.
    """
    members = {each.id: each for incident in known for each in incident.members}
    members |= {each.id: _member(each) for each in alerts}
    clusters = list(_cut(sorted(members.values())))
    in_order = sorted(known, key=lambda each: each.members[0])
    shares = [[_Share.of(incident, cluster) for cluster in clusters] for incident in in_order]
    names = _names(shares)
    incidents = []
    for n, cluster in enumerate(clusters):
        name = names.get(n) or _new_name(actor, cluster[0], known)
        incidents.append(_of(name, cluster[:most], [each[n] for each in shares]))
    return incidents


def _names(shares: Iterable[Sequence["_Share"]]) -> dict[int, str]:
    """By a cluster's place: an incident goes on where the worst of it is, under one name."""
    names: dict[int, str] = {}
    for each in shares:
        worst = max(range(len(each)), key=lambda n: each[n].rank)
        names.setdefault(worst, each[worst].incident.id)
    return names


def _new_name(actor: str, first: Member, known: Iterable[KnownIncident]) -> str:
    """An incident that lost its first alerts to another leaves it the alerts, and not the name."""
    name = _id(actor, first)
    return name if name not in {each.id for each in known} else _id(name, first)


class _Share(NamedTuple):
    """What of a known incident is in a cluster, perhaps nothing."""

    incident: KnownIncident
    severities: Sequence[Severity]

    @classmethod
    def of(cls, incident: KnownIncident, cluster: Iterable[Member]) -> Self:
        ids = _ids(cluster)
        return cls(incident, [each.severity for each in incident.members if each.id in ids])

    @property
    def rank(self) -> int:
        return max(map(_rank, self.severities), default=-1)

    @property
    def told(self) -> Severity | None:
        """How bad people know it to be."""
        told = self.incident.told
        return min(told, max(self.severities, key=_rank), key=_rank) if told else None


def _of(name: str, cluster: Sequence[Member], shares: Iterable[_Share]) -> KnownIncident:
    before = [each for each in shares if each.severities]
    heard = max((each.incident.told_alerts for each in before), default=0)
    return KnownIncident(
        id=name,
        members=tuple(cluster),
        told=max((each.told for each in before if each.told), key=_rank, default=None),
        told_alerts=heard,
        is_closed=any(each.incident.is_closed for each in before) and len(cluster) <= heard,
    )


def _rank(severity: Severity) -> int:
    return severity.rank


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
