"""Detections of guard-rails for spending and rates taken down: S2."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

from shared.audit.detection import (
    DAY,
    HOUR,
    About,
    DerivedPattern,
    Finding,
    Keyed,
    Match,
    Observation,
    Pattern,
    Verdict,
    first_of_each,
    observe_nothing,
    without_repeats,
)
from shared.audit.detections.reading import target_of
from shared.audit.events import AuditLog
from shared.audit.fitting import fitting
from shared.audit.rules import Baseline, Comparison
from shared.audit.severity import Severity

MOST_NUMBERS, LONGEST_NAME = 30, 80  # of an event, and bytes of a name
HUGE = 10**15  # no limit is that high; Python's integers are


class GuardRails(Comparison):
    factor: Annotated[float, Field(gt=1)] = 2
    with_keys_within_hours: Annotated[int, Field(ge=1, le=168)] = 24


def _limit(event: AuditLog, _: Baseline, __: GuardRails) -> Sequence[Keyed]:
    done = "removed" if event.type.endswith("deleted") else "set"
    numbers = json.dumps(dict(sorted(_numbers(event.details))[:MOST_NUMBERS]))
    observation = Observation.of(event, done, target_of(event), numbers)
    return (Keyed(observation.what[1], observation),)


def _numbers(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, each in value.items():
        if isinstance(each, dict) and name not in {"data", "changes_requested"}:
            yield from _numbers(each, f"{prefix}{name}.")
        elif isinstance(each, int | float) and not isinstance(each, bool) and abs(each) < HUGE:
            yield fitting(f"{prefix}{name}", LONGEST_NAME), each


def _guard_rail_down(observations: Sequence[Observation], rule: GuardRails) -> Iterator[Match]:
    known: dict[str, float] = {}
    for observation in observations:
        done, target, numbers = observation.what
        if done == "removed":
            verdict = Verdict(Severity.SIGNAL, f"Limit {target} removed", target)
            yield Match(observation, (observation,), verdict)
        raised = tuple(_raised(json.loads(numbers), known, rule.factor))
        if raised:
            verdict = Verdict(Severity.SIGNAL, f"Limit {target} raised", target, raised)
            yield Match(observation, (observation,), verdict)


def _changes(observations: Sequence[Observation]) -> Sequence[Observation]:
    """What tells the numbers of today is the most important."""
    latest: dict[str, Observation] = {}
    for observation in observations:
        for name in json.loads(observation.what[2]):
            latest[name] = observation
    return [*without_repeats(observations), *latest.values()]


def _raised(
    numbers: dict[str, float], known: dict[str, float], factor: float
) -> Iterator[tuple[str, str]]:
    """The event has the new number alone; the old one is known from events before."""
    for name, number in numbers.items():
        before = known.get(name)
        if before is not None and number > before and number >= factor * before:
            yield name, f"{before:g} → {number:g}"
        known[name] = number


S2 = Pattern(
    About(
        id="S2",
        name="Spend or rate guard-rail raised or removed",
        attack=("T1496",),
        runbook=(
            "Ask whoever acted why the limit was changed.",
            "Set the limit back if nobody can explain it.",
            "With new keys beside it: treat them as stolen capacity.",
            "Look at cost by key and project since.",
        ),
        false_positives="Growing projects, so alone it is stored and not sent.",
    ),
    types=frozenset(
        {
            "rate_limit.updated",
            "rate_limit.deleted",
            "tenant.billing.overage_limit.updated",
            "tenant.billing.alerts.updated",
            "tenant.usage_limit.workspace.updated",
            "tenant.usage_limit.group.updated",
            "tenant.usage_limit.user.updated",
            "tenant.usage_limit.increase_request.updated",
            "tenant.usage_limit.increase_request.resolved",
        }
    ),
    observe=_limit,
    evaluate=_guard_rail_down,
    rule=GuardRails(),
    window=lambda _: 90 * DAY,
    bucket=90 * DAY,
    thin=_changes,
)


def _limit_or_key(finding: Finding) -> Keyed:
    what = (finding.detection, finding.target, finding.title, json.dumps(finding.context))
    observation = Observation(
        finding.time, finding.event_ids[0], finding.actor, finding.who, finding.where, what
    )
    person = finding.actor.partition("/")[0]
    return Keyed(person, observation)


def _beside_keys(observations: Sequence[Observation], rule: GuardRails) -> Iterator[Match]:
    within = rule.with_keys_within_hours * HOUR
    keys = [each for each in observations if each.what[0] != "S2"]
    limits = [each for each in observations if each.what[0] == "S2"]
    for limit in limits:
        near = next((key for key in keys if abs(key.time - limit.time) <= within), None)
        if near is not None:
            _, target, title, context = limit.what
            pairs = tuple((name, text) for name, text in json.loads(context))
            verdict = Verdict(Severity.SIGNAL, title, target, pairs, raised=Severity.HIGH)
            yield Match(limit, (limit, near), verdict)


S2_BESIDE_KEYS = DerivedPattern(
    of=frozenset({"S2", "K1", "K3"}),
    observe=_limit_or_key,
    pattern=Pattern(
        S2.about,
        types=frozenset(),
        observe=observe_nothing,
        evaluate=_beside_keys,
        rule=S2.rule,
        window=lambda rule: rule.with_keys_within_hours * HOUR,
        bucket=DAY,
        condense=lambda observations: first_of_each(observations, HOUR, lambda each: each.what[:2]),
        lookahead=lambda rule: rule.with_keys_within_hours * HOUR,
    ),
)


LIMITS = (S2,)
