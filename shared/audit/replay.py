"""Events of any order and number, whole, to the alerts they make."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from shared.audit.alerts import Alert, distinct
from shared.audit.config import Config
from shared.audit.detection import Fact, Finding
from shared.audit.engine import Set, Watch
from shared.audit.events import AuditLog
from shared.audit.state import condensed


def replay(events: Iterable[AuditLog], config: Config) -> list[Alert]:
    """The alerts, in the order of time. The order of events, and repeats, make no difference."""
    watch = Watch(config)
    findings: list[Finding] = []
    sets: dict[Set, list[Fact]] = defaultdict(list)
    for event in unique(events):
        found, noticed = watch.look(event)
        findings += found
        for where, fact in noticed:
            sets[where].append(fact)
    findings += _judged(watch, sets)
    of_findings: dict[Set, list[Fact]] = defaultdict(list)
    for where, fact in watch.listen(findings):
        of_findings[where].append(fact)
    findings += _judged(watch, of_findings)
    return distinct(findings, config)


def _judged(watch: Watch, sets: Mapping[Set, list[Fact]]) -> Iterator[Finding]:
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
