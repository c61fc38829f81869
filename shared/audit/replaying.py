"""Events of any order and number, whole, to the alerts they make."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from shared.audit.alerts import Alert, distinct
from shared.audit.config import Config
from shared.audit.detection import Fact, Finding
from shared.audit.events import AuditLog
from shared.audit.state import condensed
from shared.audit.watch import Set, Watch


def replay(events: Iterable[AuditLog], config: Config) -> list[Alert]:
    """The alerts, in the order of time. The order of events, and repeats, make no difference."""
    watch = Watch(config)
    findings: list[Finding] = []
    noticed: list[tuple[Set, Fact]] = []
    for event in unique(events):
        found, facts = watch.look(event)
        findings += found
        noticed += facts
    findings += _judged(watch, noticed)
    findings += _judged(watch, watch.listen(findings))
    return distinct(findings, config)


def _judged(watch: Watch, noticed: Iterable[tuple[Set, Fact]]) -> Iterator[Finding]:
    sets: dict[Set, list[Fact]] = defaultdict(list)
    for where, fact in noticed:
        sets[where].append(fact)
    for (set_, _), facts in sets.items():
        pattern = watch.patterns[set_]
        yield from watch.judge(pattern, condensed(pattern, facts))


def unique(events: Iterable[AuditLog]) -> Iterable[AuditLog]:
    """One event for each id; of copies that differ always the same one."""
    first: dict[str, AuditLog] = {}
    for event in events:
        known = first.setdefault(event.id, event)
        if (event.time, event.line) < (known.time, known.line):
            first[event.id] = event
    return first.values()
