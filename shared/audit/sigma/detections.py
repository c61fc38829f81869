"""Rules of a team's own as detections: of one event, or of so many within a window."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from shared.audit.config import OwnDetection, ordered
from shared.audit.detection import (
    About,
    Detection,
    Keyed,
    Match,
    Observation,
    Pattern,
    Verdict,
    bursts,
    first_of_each,
)
from shared.audit.detections.reading import target_of
from shared.audit.events import AuditLog
from shared.audit.fitting import fitting
from shared.audit.rules import Baseline, Rule
from shared.audit.sigma.fields import WHO, reader, shown
from shared.audit.sigma.rule import ReadRule, RuleFile

COUNT = "count"
LONGEST_VALUE = 300  # bytes of a field in a title, or of a group
EVERYBODY = "everybody"
FLOOD = 150  # events of one group within one window
_FIELD = re.compile(r"\{([^{}]+)\}")


def as_detection(read: ReadRule) -> OwnDetection:
    """As it is evaluated."""
    rule = read.rule
    settings = Rule(
        enabled=rule.enabled, suppress_minutes=max(rule.suppress // 60, 1), allow=rule.allow
    )
    about, version = _about(read), _version(rule)
    if rule.threshold == 1:
        return Detection(about, None, _single(read), settings, version)
    return Pattern(
        about,
        types=None,
        observe=_observed(read),
        evaluate=_burst(rule),
        rule=settings,
        window=lambda _: rule.window,
        bucket=max(rule.window, 60),
        condense=_enough(rule),
        version=version,
    )


def _about(read: ReadRule) -> About:
    rule = read.rule
    return About(
        id=read.name,
        name=_FIELD.sub("…", rule.title),
        attack=rule.techniques,
        runbook=rule.runbook,
        false_positives=" ".join(rule.falsepositives),
    )


def _version(rule: RuleFile) -> str:
    """Changes with whatever decides what is observed."""
    words = {"tests", "runbook", "falsepositives", "tags", "level", "suppress"}
    text = json.dumps(ordered(rule.model_dump(mode="json", exclude=words)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _looks(read: ReadRule) -> Callable[[AuditLog], bool]:
    hours, fits = read.rule.hours, read.fits
    if hours is None:
        return fits
    return lambda event: hours.hold(event.time) and fits(event)


def _single(read: ReadRule) -> Callable[[AuditLog, Baseline, Rule], Verdict | None]:
    rule, looks, values = read.rule, _looks(read), _values(read.rule)

    def evaluate(event: AuditLog, _: Baseline, __: Rule) -> Verdict | None:
        return _verdict(rule, target_of(event), values(event), 1) if looks(event) else None

    return evaluate


def _observed(read: ReadRule) -> Callable[[AuditLog, Baseline, Rule], Sequence[Keyed]]:
    rule, looks, values = read.rule, _looks(read), _values(read.rule)
    group = [(name, reader(name)) for name in rule.group_by]
    distinct = reader(rule.distinct) if rule.distinct else None
    is_one_actor = not WHO.isdisjoint(rule.group_by)

    def observe(event: AuditLog, _: Baseline, __: Rule) -> Sequence[Keyed]:
        if not looks(event):
            return ()
        parts = (f"{name} {_short(shown(event, field))}" for name, field in group)
        key = ", ".join(parts) or EVERYBODY
        # Which one it is counts, not how many times one page or another brought it.
        what = _short(shown(event, distinct)) if distinct else event.id
        seen = Observation.of(event, what, key, *values(event))
        if not is_one_actor:  # who completes it is chance: it is about what they have in common
            seen = seen._replace(actor=key, who=key)
        return (Keyed(key, seen),)

    return observe


def _burst(rule: RuleFile) -> Callable[[Sequence[Observation], Rule], Iterator[Match]]:
    def evaluate(observations: Sequence[Observation], _: Rule) -> Iterator[Match]:
        for found in bursts(observations, rule.threshold, rule.window):
            _what, key, *values = found[-1].what
            count = len({each.what[0] for each in found})
            yield Match(found[-1], found, _verdict(rule, key, values, count))

    return evaluate


def _enough(rule: RuleFile) -> Callable[[Sequence[Observation]], Sequence[Observation]]:
    """All of them; of a flood the first of each stretch of time that reach the threshold."""
    stretch = max(rule.window // 10, 1) if rule.distinct else rule.window

    def condense(observations: Sequence[Observation]) -> Sequence[Observation]:
        if len(observations) <= FLOOD:
            return observations
        kept: Counter[int] = Counter()
        result = []
        for each in first_of_each(observations, stretch, lambda each: each.what[0]):
            kept[each.time // stretch] += 1
            if kept[each.time // stretch] <= rule.threshold:
                result.append(each)
        return result

    return condense


def _shown_by(rule: RuleFile) -> list[str]:
    """The fields that people see: those that the title names, and `fields`."""
    names = dict.fromkeys((*_FIELD.findall(rule.title), *rule.fields))
    return [name for name in names if name != COUNT]


def _values(rule: RuleFile) -> Callable[[AuditLog], list[str]]:
    readers = [reader(name) for name in _shown_by(rule)]
    return lambda event: [_short(shown(event, read)) for read in readers]


def _verdict(rule: RuleFile, target: str, values: Sequence[str], count: int) -> Verdict:
    known = dict(zip(_shown_by(rule), values, strict=True)) | {COUNT: str(count)}
    title = _FIELD.sub(lambda found: known[found[1]], rule.title)
    return Verdict(rule.level, title, target, tuple((each, known[each]) for each in rule.fields))


def _short(text: str) -> str:
    return fitting(text, LONGEST_VALUE)
