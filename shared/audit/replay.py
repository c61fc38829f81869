"""Events of any order and number, whole, to the alerts they make."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from shared.audit.alerts import Alert
from shared.audit.config import Config
from shared.audit.detection import Finding, Observation
from shared.audit.engine import Engine, SetKey
from shared.audit.events import AuditLog
from shared.audit.state import condensed
from shared.audit.suppression import settle


def replay(events: Iterable[AuditLog], config: Config) -> list[Alert]:
    """The alerts, in the order of time. The order of events, and repeats, make no difference."""
    engine = Engine(config)
    findings: list[Finding] = []
    sets: dict[SetKey, list[Observation]] = defaultdict(list)
    later: dict[SetKey, list[Observation]] = defaultdict(list)
    for event in unique(events):
        found, keyed = engine.evaluate_event(event)
        findings += found
        for where, observation in keyed:
            (later if engine.is_derived(where[0]) else sets)[where].append(observation)
    findings += _found(engine, sets)
    for where, observation in engine.derive(findings):
        later[where].append(observation)
    findings += _found(engine, later)
    return [settled.alert for settled in settle(findings, (), config)]


def _found(engine: Engine, sets: Mapping[SetKey, list[Observation]]) -> Iterator[Finding]:
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
