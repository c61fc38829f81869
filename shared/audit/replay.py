"""Events of any order and number, whole, to the alerts they make."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from shared.audit.alerts import Alert
from shared.audit.config import Config
from shared.audit.detection import Finding, Observation
from shared.audit.engine import Engine, Kept, SetKey
from shared.audit.events import AuditLog
from shared.audit.state import condensed
from shared.audit.suppression import settle


def replay(events: Iterable[AuditLog], config: Config) -> list[Alert]:
    """The alerts, in the order of time. The order of events, and repeats, make no difference."""
    engine = Engine(config)
    findings: list[Finding] = []
    keyed: list[Kept] = []
    for event in unique(events):
        found, observations = engine.evaluate_event(event)
        findings += found
        keyed += observations
    first, later = engine.in_stages(keyed)
    findings += _found(engine, first)
    findings += _found(engine, later + engine.derive(findings))
    return [settled.alert for settled in settle(findings, (), config)]


def _found(engine: Engine, keyed: Iterable[Kept]) -> Iterator[Finding]:
    sets: dict[SetKey, list[Observation]] = defaultdict(list)
    for where, observation in keyed:
        sets[where].append(observation)
    for (set_, _), observations in sets.items():
        pattern = engine.patterns[set_]
        yield from engine.evaluate(pattern, condensed(pattern, observations))


def unique(events: Iterable[AuditLog]) -> Iterable[AuditLog]:
    """One event for each id; of copies that differ always the same one."""
    first: dict[str, AuditLog] = {}
    for event in events:
        known = first.setdefault(event.id, event)
        if (event.time, event.line) < (known.time, known.line):
            first[event.id] = event
    return first.values()
