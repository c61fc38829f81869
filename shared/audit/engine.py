"""Every detection that is switched on, over events and what is remembered of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.audit.catalogue import ALL, DERIVED
from shared.audit.config import Config
from shared.audit.detection import Detection, Finding, Observation, Pattern, Verdict
from shared.audit.detections.reading import domain_of, is_actor, is_within
from shared.audit.event_types import KNOWN
from shared.audit.events import AuditLog
from shared.audit.rules import Allow, Rule, folded, is_in
from shared.text import shorten

LONGEST_TEXT = 400  # characters
MOST_IDS = 100  # of the events in an alert: a message stays below 64 KB

SetKey = tuple[str, str]  # a pattern's id, and the key its observations are kept under
Kept = tuple[SetKey, Observation]
AnyDetection = Detection[Any]
AnyPattern = Pattern[Any]


class Engine:
    """Reaches the detections by the types of events they look at."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._all: list[AnyDetection | AnyPattern] = [*ALL, *config.own.values()]
        self.patterns: dict[str, AnyPattern] = {
            each.set: each for each in self._all if isinstance(each, Pattern)
        } | {name: derived.pattern for name, derived in DERIVED.items()}
        self._by_type = {type_: self._looking_at(type_) for type_ in KNOWN}
        self._at_any = self._looking_at("")

    def evaluate_event(self, event: AuditLog) -> tuple[list[Finding], list[Kept]]:
        """What the event is by itself, and the observations to keep of it."""
        findings: list[Finding] = []
        observations: list[Kept] = []
        detections, patterns = self._by_type.get(event.type, self._at_any)
        for detection, rule in detections:
            verdict = detection.evaluate(event, self.config, rule)
            if verdict is not None and not is_allowed(event, rule.allow):
                of_event = Observation.of(event)
                about = detection.about.id
                findings.append(_finding(about, of_event, (event.id,), verdict, rule))
        for name, pattern, rule in patterns:
            for key, observation in pattern.observe(event, self.config, rule):
                if not is_allowed(event, rule.allow):
                    observations.append(((name, key), observation))
        return findings, observations

    def evaluate(
        self, pattern: AnyPattern, observations: Sequence[Observation]
    ) -> Iterable[Finding]:
        """What a pattern finds in the observations of one key, which are in order."""
        rule = self.rule(pattern)
        for by, proof, verdict, worse in pattern.evaluate(observations, rule):
            ids = tuple(dict.fromkeys(observation.id for observation in proof))[-MOST_IDS:]
            about = self.config.rule(worse) if worse else rule
            yield _finding(worse or pattern.about.id, by, ids, verdict, about)

    def derive(self, findings: Iterable[Finding]) -> list[Kept]:
        """The observations to keep of findings."""
        return [
            ((name, key), observation)
            for finding in findings
            for name, each in DERIVED.items()
            for key, observation in each.observe(finding)
        ]

    def in_stages(self, keyed: Iterable[Kept]) -> tuple[list[Kept], list[Kept]]:
        """What is evaluated at once, and what only beside the findings of that."""
        stages: tuple[list[Kept], list[Kept]] = ([], [])
        for each in keyed:
            stages[each[0][0] in DERIVED].append(each)
        return stages

    def rule(self, each: AnyDetection | AnyPattern) -> Any:
        return self.config.rule(each.about.id)

    def _looking_at(
        self, type_: str
    ) -> tuple[list[tuple[AnyDetection, Any]], list[tuple[str, AnyPattern, Any]]]:
        detections = (each for each in self._all if isinstance(each, Detection))
        patterns = self.patterns.items()
        return (
            [(each, self.rule(each)) for each in detections if self._looks(each, type_)],
            [(name, each, self.rule(each)) for name, each in patterns if self._looks(each, type_)],
        )

    def _looks(self, each: AnyDetection | AnyPattern, type_: str) -> bool:
        return self.rule(each).enabled and (each.types is None or type_ in each.types)


def is_allowed(event: AuditLog, allow: Allow) -> bool:
    """Whether a detection leaves this event alone."""
    if allow.empty:
        return False
    return (
        is_actor(event, allow.actors)
        or _is_named(event.by.key, allow.keys)
        or _is_named(event.project.id, allow.projects)
        or is_within(domain_of(event.by.email or ""), allow.domains)
        or is_in(event.by.ip or "", allow.networks)
        or allow.at_hour(event.time // 3_600 % 24)
    )


def _is_named(id_: str | None, allowed: frozenset[str]) -> bool:
    return id_ is not None and folded(id_) in allowed


def _finding(
    detection: str,
    by: Observation,
    ids: tuple[str, ...],
    verdict: Verdict,
    rule: Rule,
) -> Finding:
    level = rule.severity or verdict.severity
    return Finding(
        detection=detection,
        time=by.time,
        severity=rule.severity or verdict.raised or verdict.severity,
        level=level,
        title=_short(verdict.title),
        actor=by.actor,
        target=_short(verdict.target),
        who=_short(by.who),
        where=_short(by.where),
        event_ids=ids,
        context=tuple((name, _short(text)) for name, text in verdict.context),
        unusual=verdict.unusual,
        event_id=by.id,
    )


def _short(text: str) -> str:
    """A text from outside on one line; so an alert stays far below 64 KB."""
    line = "".join(each if each.isprintable() else " " for each in text)
    return shorten(line, LONGEST_TEXT)
