"""Calm where life is normal, loud where it matters: incidents of whole weeks."""

import random
from collections.abc import Callable

import pytest

from shared.audit.config import Config
from shared.audit.incidents import Incident, grouped
from shared.audit.replay import replay
from shared.audit.severity import Severity
from tests.unit.audit.timelines import START, Event, read
from tests.unit.audit.weeks import ATTACKS, WEEKS


def incidents(events: list[Event]) -> list[Incident]:
    return [incident for incident, _ in grouped(replay(read(events), Config()))]


def loud(events: list[Event], least: Severity) -> list[Incident]:
    found = incidents(events)
    return [each for each in found if each.severity.rank >= least.rank and each.last >= START]


@pytest.mark.parametrize("name", WEEKS)
def test_a_normal_week_is_calm(name: str) -> None:
    week, most = WEEKS[name]

    found = loud(week(), Severity.MEDIUM)

    assert len(found) <= most, [(each.actor, each.detections, each.severity) for each in found]


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_is_loud(attack: Callable[[], list[Event]]) -> None:
    assert loud(attack(), Severity.HIGH)


@pytest.mark.parametrize("name", [*WEEKS, *ATTACKS])
def test_late_doubled_and_shuffled_events_make_the_same_incidents(name: str) -> None:
    events = (WEEKS[name][0] if name in WEEKS else ATTACKS[name])()
    shuffled = random.Random(1).sample(events, len(events))

    assert incidents(shuffled + events[:50]) == incidents(events)
