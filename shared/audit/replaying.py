"""Events of any order and number, whole, to the alerts they make."""

from collections import defaultdict
from collections.abc import Iterable

from shared.audit.alerts import Alert, distinct
from shared.audit.config import Config
from shared.audit.detection import Fact
from shared.audit.events import AuditLog
from shared.audit.watch import Finding, Set, Watch


def replay(events: Iterable[AuditLog], config: Config) -> list[Alert]:
    """The alerts, in the order of time. The order of events, and repeats, make no difference."""
    watch = Watch(config)
    findings: list[Finding] = []
    sets: dict[Set, list[Fact]] = defaultdict(list)
    for event in unique(events):
        found, facts = watch.look(event)
        findings += found
        for where, fact in facts:
            sets[where].append(fact)
    for (pattern_id, _), known in sets.items():
        pattern = watch.patterns[pattern_id]
        findings += watch.judge(pattern, pattern.condense(sorted(known)))
    return distinct(findings, config)


def unique(events: Iterable[AuditLog]) -> Iterable[AuditLog]:
    """One event for each id; of copies that differ always the same one."""
    first: dict[str, AuditLog] = {}
    for event in events:
        known = first.setdefault(event.id, event)
        if (event.time, event.line) < (known.time, known.line):
            first[event.id] = event
    return first.values()
