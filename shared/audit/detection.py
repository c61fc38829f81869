"""What a detection is: words for people, and a pure function of an event or of what is known.

A `Detection` judges one event. A `Pattern` judges observations: it keeps what it needs of each
event in a set under a key, and whenever a set grows, it judges the whole window again in the
order of (time, id). So late, repeated or reordered events lead to the same findings.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from shared.audit.config import MOST_A_MINUTE, Config
from shared.audit.events import AuditLog
from shared.audit.severity import Severity

HOUR = 3_600
DAY = 24 * HOUR


class Verdict(NamedTuple):
    """What a detection says: how bad, of what, and what a person should know about it."""

    severity: Severity
    title: str
    target: str
    about: tuple[tuple[str, str], ...] = ()
    raised: Severity | None = None  # what else happened makes it this bad


class Observation(NamedTuple):
    """What a pattern keeps of an event."""

    time: int
    id: str
    actor: str
    who: str
    where: str
    what: tuple[str, ...]

    @classmethod
    def of(cls, event: AuditLog, *what: str) -> Self:
        by = event.by
        return cls(event.time, event.id, by.acting, by.name, by.where, what)

    @property
    def text(self) -> str:
        return json.dumps(self, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Self:
        time, id_, actor, who, where, what = json.loads(text)
        return cls(time, id_, actor, who, where, tuple(what))


class Completed(NamedTuple):
    """A pattern's verdict: the fact that completed it, and all it rests on."""

    by: Observation
    observations: Sequence[Observation]
    verdict: Verdict


class Noticed(NamedTuple):
    key: str
    observation: Observation


def bounded(observations: Sequence[Observation]) -> Sequence[Observation]:
    """Of a flood, what proves it: so many a minute, and of the rest what brings something new."""
    if len(observations) <= MOST_A_MINUTE:
        return observations
    same: Counter[tuple[int, tuple[str, ...]]] = Counter()
    kept: Counter[int] = Counter()
    result = []
    for observation in observations:
        minute = observation.time // 60
        same[minute, observation.what] += 1
        is_new = same[minute, observation.what] == 1
        if kept[minute] < (2 * MOST_A_MINUTE if is_new else MOST_A_MINUTE):
            kept[minute] += 1
            result.append(observation)
    return result


def first_of_each(
    observations: Sequence[Observation], seconds: int, same: Callable[[Observation], object]
) -> Sequence[Observation]:
    """The first of those that are the same, in every stretch of time."""
    seen: dict[tuple[int, object], Observation] = {}
    for observation in observations:
        seen.setdefault((observation.time // seconds, same(observation)), observation)
    return list(seen.values())


@dataclass(frozen=True, slots=True)
class About:
    """The part of a detection that is for people."""

    id: str
    name: str
    attack: tuple[str, ...]  # ATT&CK v19
    runbook: tuple[str, ...]  # at most six steps
    false_positives: str


@dataclass(frozen=True, slots=True)
class Detection:
    """Judges an event by itself."""

    about: About
    types: frozenset[str] | None  # None: any
    judge: Callable[[AuditLog, Config], Verdict | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detection found."""

    detection: str
    time: int  # of the event that completed it
    severity: Severity
    level: Severity  # the severity without what raised it: part of the alert's identity
    title: str
    actor: str
    target: str
    who: str
    where: str
    event_ids: tuple[str, ...]
    about: tuple[tuple[str, str], ...]

    @property
    def dedup(self) -> str:
        return f"{self.detection}|{self.actor}|{self.target}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Judges what is known under a key."""

    about: About
    types: frozenset[str] | None  # None: any
    notice: Callable[[AuditLog, Config], Sequence[Noticed]]
    judge: Callable[[Sequence[Observation], Config], Iterable[Completed]]
    window: Callable[[Config], int]  # seconds that a finding looks back, at least
    bucket: int  # seconds of event time in one set
    condense: Callable[[Sequence[Observation]], Sequence[Observation]] = bounded
    lookahead: Callable[[Config], int] = lambda _: 0  # seconds that a finding looks forward
    novelty: Callable[[set[Observation], set[Observation]], set[Observation]] = lambda new, _: (
        new
    )  # beside what is known


@dataclass(frozen=True, slots=True)
class DerivedPattern:
    """Facts that are findings of other detections, for a pattern to judge."""

    of: frozenset[str]
    notice: Callable[[Finding], Noticed]
    pattern: Pattern


def hear_nothing(_: AuditLog, __: Config) -> Sequence[Noticed]:
    """For a pattern that looks at findings alone."""
    return ()


class Sliding(NamedTuple):
    """The observations of the last `within` seconds."""

    observations: deque[Observation]
    counts: Counter[str]

    def add(self, observation: Observation, within: int) -> None:
        self.observations.append(observation)
        self.counts[observation.what[0]] += 1
        while self.observations[0].time < observation.time - within:
            self._drop(self.observations.popleft())

    def _drop(self, observation: Observation) -> None:
        self.counts[observation.what[0]] -= 1
        if not self.counts[observation.what[0]]:
            del self.counts[observation.what[0]]


def bursts(
    observations: Sequence[Observation], at_least: int, within: int
) -> Iterator[Sequence[Observation]]:
    """For each fact that has so many different `what`s within so many seconds up to it: those."""
    window = Sliding(deque(), Counter())
    for observation in observations:
        window.add(observation, within)
        if len(window.counts) >= at_least:
            yield tuple(window.observations)
