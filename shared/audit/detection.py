"""What a detection is: words for people, thresholds, and a pure function.

A `Detection` evaluates one event. A `Pattern` evaluates observations: it keeps what it needs of
each event in a set under a key, and whenever a set grows, it evaluates the whole window again in
the order of (time, id). So late, repeated or reordered events lead to the same findings.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, NamedTuple, Self, TypeVar

import msgspec

from shared.audit.events import AuditLog
from shared.audit.fitting import fitting
from shared.audit.rules import MOST_A_MINUTE, Baseline, Rule
from shared.audit.severity import Severity

R = TypeVar("R", bound=Rule)

_as_json = msgspec.json.Encoder().encode

HOUR = 3_600
DAY = 24 * HOUR
LONGEST_WHAT = 4_000  # bytes
POLLER = "poller"  # ourselves, as an actor
MOST_CONTEXT = 10  # pairs of a finding that is observed


def person_of_actor(actor: str) -> str:
    """The actor, with whichever key."""
    return actor.partition("/")[0]


class Unusual(NamedTuple):
    """What makes a finding worse unless others do the same, or the actor always does."""

    values: tuple[str, ...]  # what they would have in common: each of these
    severity: Severity
    most_others: int = 2  # of whom the same may be known
    own_days: int | None = None  # on which the actor did the same before: then it is theirs to do


class Verdict(NamedTuple):
    """How bad it is, what it is about, and what a person should know."""

    severity: Severity
    title: str
    target: str
    context: tuple[tuple[str, str], ...] = ()
    raised: Severity | None = None  # what else happened makes it this bad
    unusual: Unusual | None = None


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
        kept = tuple(fitting(each, LONGEST_WHAT) for each in what)
        return cls(event.time, event.id, by.acting, by.name, by.where, kept)

    @property
    def size(self) -> int:
        """Bytes in a row, near enough."""
        text = "".join((self.id, self.actor, self.who, self.where, *self.what))
        return 60 + (len(text) if text.isascii() else len(text.encode()))

    @property
    def text(self) -> str:
        try:
            return _as_json(self).decode()
        except UnicodeEncodeError:  # half of a pair of UTF-16, which is no text
            return json.dumps(self, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Self:
        time, id_, actor, who, where, what = json.loads(text)
        return cls(time, id_, actor, who, where, tuple(what))


class Match(NamedTuple):
    """A pattern was found: by which observation, and what it rests on."""

    by: Observation
    observations: Sequence[Observation]
    verdict: Verdict
    detection: str = ""  # whose finding it makes worse; empty: it is the pattern's own


class Keyed(NamedTuple):
    """An observation under the key of its set."""

    key: str
    observation: Observation


def without_repeats(observations: Sequence[Observation]) -> Sequence[Observation]:
    """Of neighbours that are alike only the first and the last; every change stays."""
    runs = (list(run) for _, run in groupby(observations, key=lambda each: each.what))
    return [each for run in runs for each in (run[:1] if len(run) == 1 else (run[0], run[-1]))]


def bounded(observations: Sequence[Observation]) -> Sequence[Observation]:
    """Keeps 10 observations a minute, and up to 20 if they bring something new."""
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
    """Of those that are the same, the first in every stretch of time."""
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
class Detection(Generic[R]):
    """Evaluates an event by itself."""

    about: About
    types: frozenset[str] | None  # None: any
    evaluate: Callable[[AuditLog, Baseline, R], Verdict | None]
    rule: R  # unless the team sets another
    version: str = ""  # of one that may change while the program does not


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
    context: tuple[tuple[str, str], ...]
    unusual: Unusual | None = None
    event_id: str = ""  # of the event that completed it

    @classmethod
    def about_ourselves(cls, detection: str, what: str, target: str, time: int, title: str) -> Self:
        """Of the watching itself, without an event.

        Each `what` has incidents of its own: one that is open already hides nothing else.
        """
        return cls(
            detection=detection,
            time=time,
            severity=Severity.HIGH,
            level=Severity.HIGH,
            title=title,
            actor=f"{POLLER}: {what}",
            target=target,
            who="Batchdrop's poller",
            where="this stack",
            event_ids=(),
            context=(),
        )

    @property
    def person(self) -> str:
        return person_of_actor(self.actor)

    @property
    def is_about_ourselves(self) -> bool:
        return self.actor.startswith(f"{POLLER}: ")

    @property
    def dedup(self) -> str:
        return f"{self.detection}|{self.actor}|{self.target}"


@dataclass(frozen=True, slots=True)
class Pattern(Generic[R]):
    """Evaluates what is known under a key."""

    about: About
    types: frozenset[str] | None  # None: any
    observe: Callable[[AuditLog, Baseline, R], Sequence[Keyed]]
    evaluate: Callable[[Sequence[Observation], R], Iterable[Match]]
    rule: R  # unless the team sets another
    window: Callable[[R], int]  # seconds that a finding looks back, at least
    bucket: int  # seconds of event time in one set
    condense: Callable[[Sequence[Observation]], Sequence[Observation]] = bounded
    # What has to stay of a set that has outgrown its space: the most important last.
    thin: Callable[[Sequence[Observation]], Sequence[Observation]] = without_repeats
    lookahead: Callable[[R], int] = lambda _: 0  # seconds that a finding looks forward
    # Which new observations matter, beside those that are known.
    novelty: Callable[[set[Observation], set[Observation]], set[Observation]] = lambda new, _: new
    version: str = ""  # of one that may change while the program does not

    @property
    def set(self) -> str:
        """Where its observations are kept: what another version observed is not its own."""
        return f"{self.about.id} {self.version}" if self.version else self.about.id


@dataclass(frozen=True, slots=True)
class DerivedPattern(Generic[R]):
    """Observes findings too, and makes them worse for what else happened."""

    observe: Callable[[Finding], Sequence[Keyed]]
    pattern: Pattern[R]


def observe_nothing(_: AuditLog, __: Baseline, ___: Rule) -> Sequence[Keyed]:
    """For a pattern that observes findings alone."""
    return ()


def observed(finding: Finding, *more: str) -> Observation:
    """A finding as an observation, from which it can be made again."""
    context = json.dumps(finding.context[:MOST_CONTEXT], ensure_ascii=False)
    what = (finding.detection, finding.level, finding.target, finding.title, context, *more)
    return Observation(
        finding.time, finding.event_id, finding.actor, finding.who, finding.where, what
    )


def worse(
    observation: Observation,
    severity: Severity,
    proof: Sequence[Observation] = (),
    context: tuple[tuple[str, str], ...] = (),
) -> Match:
    """The finding that was observed, as bad as this."""
    detection, level, target, title, known, *_ = observation.what
    pairs = tuple((name, text) for name, text in json.loads(known))
    verdict = Verdict(Severity(level), title, target, pairs + context, raised=severity)
    return Match(observation, (observation, *proof), verdict, detection)


class SlidingWindow(NamedTuple):
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
    """For each observation with so many different `what`s in the seconds up to it: those."""
    window = SlidingWindow(deque(), Counter())
    for observation in observations:
        window.add(observation, within)
        if len(window.counts) >= at_least:
            yield tuple(window.observations)
