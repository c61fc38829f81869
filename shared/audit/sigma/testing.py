"""Runs the test events that a rule brings with it."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shared.audit.config import Config
from shared.audit.events import AuditLog, Unreadable, read_event
from shared.audit.replay import replay
from shared.audit.sigma.detections import as_detection
from shared.audit.sigma.rule import ReadRule, Test

# When a test event happens that does not say it: a Monday at noon, UTC.
MONDAY_NOON = int(datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp())


class Tested(NamedTuple):
    """How a test ended."""

    name: str
    failure: str  # empty: it passed
    titles: tuple[str, ...]  # of the alerts that were made


def run_tests(read: ReadRule) -> Iterator[Tested]:
    """Each test of the rule, with the rule as it is but switched on."""
    rule = read._replace(rule=read.rule.model_copy(update={"enabled": True}))
    config = Config().with_own({read.name: as_detection(rule)})
    for number, test in enumerate(read.rule.tests, 1):
        yield _run(test, test.name or f"test {number}", config, read.name)


def _run(test: Test, name: str, config: Config, detection: str) -> Tested:
    try:
        events = list(_events(test.events))
    except Unreadable as error:
        return Tested(name, f"an event can't be read: {error}", ())
    alerts = [each for each in replay(events, config) if each.detection == detection]
    titles = tuple(each.title for each in alerts)
    if len(alerts) == test.alerts:
        return Tested(name, "", titles)
    return Tested(name, f"{_alerts(len(alerts))} instead of {test.alerts}", titles)


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count} alerts"


def _events(given: Iterable[dict[str, Any]]) -> Iterator[AuditLog]:
    """Of what is left out: an id, and a time a second after the one before."""
    for number, event in enumerate(given):
        default = {"id": f"test-{number}", "effective_at": MONDAY_NOON + number}
        yield read_event(json.dumps({**default, **event}).encode())
