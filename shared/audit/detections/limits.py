"""Detections of guard-rails for spending and rates taken down: S2."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

from shared.audit.detection import (
    DAY,
    About,
    Keyed,
    Match,
    Observation,
    Pattern,
    Verdict,
    without_repeats,
)
from shared.audit.detections.reading import target_of
from shared.audit.events import AuditLog
from shared.audit.fitting import fitting
from shared.audit.rules import Baseline, Comparison
from shared.audit.severity import Severity

MOST_NUMBERS, LONGEST_NAME = 30, 80  # of an event, and bytes of a name
_SWITCHES = frozenset({"enabled", "active", "is_enabled", "status"})
_LIMITS = ("limit", "threshold", "budget", "amount", "max")
HUGE = 10**15  # no limit is that high; Python's integers are


class GuardRails(Comparison):
    factor: Annotated[float, Field(gt=1)] = 2
    with_keys_within_hours: Annotated[int, Field(ge=1, le=168)] = 24


def _limit(event: AuditLog, _: Baseline, __: GuardRails) -> Sequence[Keyed]:
    is_off = event.type.endswith("deleted") or any(_switches_off(event.details))
    done = "removed" if is_off else _kind(event)
    numbers = json.dumps(dict(sorted(_numbers(event.details))[:MOST_NUMBERS]))
    observation = Observation.of(event, done, target_of(event), numbers)
    return (Keyed(observation.what[1], observation),)


def _kind(event: AuditLog) -> str:
    """Rate limits are set all day; of spending each change counts, unless it is known to lower."""
    return "set" if event.type.startswith("rate_limit.") else "spending"


def _switches_off(value: dict[str, Any]) -> Iterator[bool]:
    """`enabled: false`, or a limit that is set to nothing."""
    for name, each in value.items():
        if isinstance(each, dict):
            yield from _switches_off(each)
        elif name in _SWITCHES:
            yield each is False or str(each).lower() in {"false", "disabled", "off"}
        else:
            yield each is None and any(word in name.lower() for word in _LIMITS)


def _numbers(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, each in value.items():
        if isinstance(each, dict) and name not in {"data", "changes_requested"}:
            yield from _numbers(each, f"{prefix}{name}.")
        elif isinstance(each, int | float) and not isinstance(each, bool) and abs(each) < HUGE:
            yield fitting(f"{prefix}{name}", LONGEST_NAME), each


def _guard_rail_down(observations: Sequence[Observation], rule: GuardRails) -> Iterator[Match]:
    known: dict[str, float] = {}
    for observation in observations:
        done, target, text = observation.what
        numbers = json.loads(text)
        is_new = done == "spending" and not numbers.keys() & known.keys()
        raised = tuple(_raised(numbers, known, rule.factor))
        title = {"removed": "removed", "spending": "changed" if is_new else ""}.get(done, "")
        title = "raised" if raised else title
        if title:
            new = tuple((name, f"not known → {each:g}") for name, each in numbers.items())
            shown = raised or new
            verdict = Verdict(Severity.MEDIUM, f"Limit {target} {title}", target, shown)
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
        false_positives="Growing projects: allow who looks after limits.",
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


LIMITS = (S2,)
