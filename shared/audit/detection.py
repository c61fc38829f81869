"""What a detection is: words for people, and a pure function of an event or of what is known.

A `Detection` judges one event. A `Pattern` judges facts: it keeps of each event what it needs, in a
set under a key, and whenever a set grows, the whole window is judged again in the order of
(time, id). So late, repeated or reordered events lead to the same findings.
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


class Fact(NamedTuple):
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

    by: Fact
    facts: Sequence[Fact]
    verdict: Verdict


class Noticed(NamedTuple):
    key: str
    fact: Fact


def bounded(facts: Sequence[Fact]) -> Sequence[Fact]:
    """Of a flood, what proves it: so many a minute, and of the rest what brings something new."""
    if len(facts) <= MOST_A_MINUTE:
        return facts
    same: Counter[tuple[int, tuple[str, ...]]] = Counter()
    kept: Counter[int] = Counter()
    result = []
    for fact in facts:
        minute = fact.time // 60
        same[minute, fact.what] += 1
        is_new = same[minute, fact.what] == 1
        if kept[minute] < (2 * MOST_A_MINUTE if is_new else MOST_A_MINUTE):
            kept[minute] += 1
            result.append(fact)
    return result


def first_of_each(
    facts: Sequence[Fact], seconds: int, same: Callable[[Fact], object]
) -> Sequence[Fact]:
    """The first of those that are the same, in every stretch of time."""
    seen: dict[tuple[int, object], Fact] = {}
    for fact in facts:
        seen.setdefault((fact.time // seconds, same(fact)), fact)
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
    judge: Callable[[Sequence[Fact], Config], Iterable[Completed]]
    window: Callable[[Config], int]  # seconds that a finding looks back, at least
    bucket: int  # seconds of event time in one set
    condense: Callable[[Sequence[Fact]], Sequence[Fact]] = bounded
    ahead: Callable[[Config], int] = lambda _: 0  # seconds that a finding looks forward
    worth: Callable[[set[Fact], set[Fact]], set[Fact]] = lambda new, _: new  # beside what is known


@dataclass(frozen=True, slots=True)
class Echo:
    """Facts that are findings of other detections, for a pattern to judge."""

    of: frozenset[str]
    notice: Callable[[Finding], Noticed]
    pattern: Pattern


def hear_nothing(_: AuditLog, __: Config) -> Sequence[Noticed]:
    """For a pattern that looks at findings alone."""
    return ()


class Sliding(NamedTuple):
    """The facts of the last `within` seconds."""

    facts: deque[Fact]
    counts: Counter[str]

    def add(self, fact: Fact, within: int) -> None:
        self.facts.append(fact)
        self.counts[fact.what[0]] += 1
        while self.facts[0].time < fact.time - within:
            self._drop(self.facts.popleft())

    def _drop(self, fact: Fact) -> None:
        self.counts[fact.what[0]] -= 1
        if not self.counts[fact.what[0]]:
            del self.counts[fact.what[0]]


def bursts(facts: Sequence[Fact], at_least: int, within: int) -> Iterator[Sequence[Fact]]:
    """For each fact that has so many different `what`s within so many seconds up to it: those."""
    window = Sliding(deque(), Counter())
    for fact in facts:
        window.add(fact, within)
        if len(window.counts) >= at_least:
            yield tuple(window.facts)
