"""Every detection as timelines: what fires and when, what does not, in whatever order it comes."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from shared.audit.alerts import Alert
from shared.audit.catalogue import ABOUT
from shared.audit.config import Config
from shared.audit.events import AuditLog
from shared.audit.replay import replay
from shared.audit.severity import Severity
from tests.unit.audit.cases import access, defence, keys, operations, privilege, sharing
from tests.unit.audit.cases.case import Case
from tests.unit.audit.timelines import MINUTE, Memory, at, key, read, seen, session

GROUPS = (defence, privilege, keys, access, sharing, operations)
FIRES = [case for group in GROUPS for case in group.FIRES]
NEAR_MISSES = [case for group in GROUPS for case in group.NEAR_MISSES]
WITHOUT_EVENTS = {"O1", "O3", "O4", "O5"}
Delivery = Callable[[list[AuditLog]], list[AuditLog]]


def _config(case: Case) -> Config:
    return Config.model_validate(case.settings)


def _alerts(case: Case, events: list[AuditLog]) -> list[Alert]:
    return [a for a in replay(events, _config(case)) if a.detection == case.detection]


def _shuffled(seed: int) -> Delivery:
    return lambda events: random.Random(seed).sample(events, len(events))


def _late(seed: int) -> Delivery:
    """In the order of arrival: up to five hours after they happened."""
    lateness = random.Random(seed)
    return lambda events: sorted(
        events, key=lambda event: event.time + lateness.uniform(0, 5 * 60 * MINUTE)
    )


@pytest.mark.parametrize("case", FIRES, ids=lambda case: case.id)
def test_it_fires_at_the_event_that_completes_it(case: Case) -> None:
    assert seen(_alerts(case, read(case.events))) == case.alerts


@pytest.mark.parametrize("case", NEAR_MISSES, ids=lambda case: case.id)
def test_a_near_miss_does_not_fire(case: Case) -> None:
    assert _alerts(case, read(case.events)) == []


@pytest.mark.parametrize(
    "delivery",
    [
        pytest.param(lambda events: events[::-1], id="newest first"),
        pytest.param(lambda events: events + events, id="twice"),
        pytest.param(_shuffled(1), id="shuffled"),
        pytest.param(_shuffled(2), id="shuffled otherwise"),
    ],
)
@pytest.mark.parametrize("case", FIRES, ids=lambda case: case.id)
def test_the_order_of_a_file_makes_no_difference(case: Case, delivery: Delivery) -> None:
    events = read(case.events)

    assert replay(delivery(events), _config(case)) == replay(events, _config(case))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("case", FIRES, ids=lambda case: case.id)
def test_late_and_repeated_events_give_the_same_alerts_once(case: Case, seed: int) -> None:
    memory = Memory(_config(case))
    events = read(case.events)

    for event in _late(seed)(events):
        memory.deliver([event])
        memory.deliver([event])

    stored = [alert for alert in memory.alerts.values() if alert.detection == case.detection]
    assert seen(sorted(stored, key=lambda alert: alert.order)) == case.alerts


@pytest.mark.parametrize("case", FIRES, ids=lambda case: case.id)
def test_events_in_order_are_notified_once_for_each_alert(case: Case) -> None:
    memory = Memory(_config(case))

    for event in read(sorted(case.events, key=lambda event: event["effective_at"])):
        memory.deliver([event])

    rung = {alert.id for alert in memory.notified if alert.detection == case.detection}
    loud = [each for each in case.alerts if Severity(each.severity).rank >= Severity.MEDIUM.rank]
    assert len(rung) == len(loud)


@pytest.mark.parametrize("case", FIRES, ids=lambda case: case.id)
def test_the_same_again_within_the_window_is_not_another_alert(case: Case) -> None:
    suppress = _config(case).rule(case.detection).suppress_minutes
    again = [_moved(event, 1) for event in case.events]

    alerts = _alerts(case, read([*case.events, *again]))

    assert len(alerts) == len(case.alerts)
    assert suppress > 1


@pytest.mark.parametrize("case", FIRES, ids=lambda case: case.id)
def test_dedup_names_the_actor_and_the_target(case: Case) -> None:
    for alert in case.alerts:
        detection, actor, target = alert.dedup.split("|")
        assert detection == case.detection
        assert actor
        assert target


def _moved(event: dict[str, Any], minutes: float) -> dict[str, Any]:
    time = event["effective_at"] + round(minutes * MINUTE)
    return {**event, "id": event["id"] + "-again", "effective_at": time}


def test_the_same_after_the_window_is_another_alert() -> None:
    first = at(0, "ip_allowlist.deleted", {"id": "list_1"})
    then = _moved(_moved(first, 30), 30)

    alerts = replay(read([first, _moved(first, 59), then]), Config())

    assert [each.minutes for each in seen(alerts)] == [0, 60]


def test_every_detection_has_timelines_that_fire_and_near_misses() -> None:
    tested = ABOUT.keys() - WITHOUT_EVENTS

    assert {case.detection for case in FIRES} == tested
    assert {case.detection for case in NEAR_MISSES} == tested


@pytest.mark.parametrize("about", ABOUT.values(), ids=lambda about: about.id)
def test_every_detection_tells_a_person_what_to_do(about: Any) -> None:
    assert 1 <= len(about.runbook) <= 6
    assert about.false_positives
    assert about.attack
    assert all(technique.startswith("T1") for technique in about.attack)


@pytest.mark.parametrize("case", FIRES, ids=lambda case: case.id)
def test_different_api_keys_never_share_a_dedup_key(case: Case) -> None:
    """Two keys of one person, two of one account, and two that are all we know."""
    actors = [
        key("key_a", user="owner"),
        key("key_b", user="owner"),
        key("key_c", account="sa_1"),
        key("key_d", account="sa_1"),
        key("key_e", account=None),
        key("key_f", account=None),
    ]

    dedups = [
        {alert.dedup for alert in replay(read(_by(case, actor)), _config(case))} for actor in actors
    ]

    assert sum(map(len, dedups)) == len(set().union(*dedups))


def _by(case: Case, actor: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**event, "actor": actor} for event in case.events]


def test_an_event_without_an_actor_still_alerts() -> None:
    event = at(0, "scim.disabled", {"id": "org_1"}) | {"actor": None}

    assert seen(replay(read([event]), Config())) == [(0, "high", "D3|unknown|org_1")]


def test_a_detection_that_is_off_says_nothing() -> None:
    config = Config.model_validate({"detections": {"D1": {"enabled": False}}})

    assert replay(read([at(0, "ip_allowlist.deleted", {"id": "list_1"})]), config) == []


def test_a_severity_can_be_set() -> None:
    config = Config.model_validate({"detections": {"D1": {"severity": "medium"}}})

    alerts = replay(read([at(0, "ip_allowlist.deleted", {"id": "list_1"})]), config)

    assert [each.severity for each in alerts] == ["medium"]


@pytest.mark.parametrize(
    "allow",
    [
        {"actors": ["user-owner"]},
        {"actors": ["owner@example.com"]},
        {"domains": ["example.com"]},
        {"networks": ["203.0.113.0/24"]},
        {"projects": ["proj_1"]},
        {"hours": ["8-9"]},
    ],
    ids=str,
)
def test_what_is_allowed_is_left_alone(allow: dict[str, Any]) -> None:
    config = Config.model_validate({"detections": {"D1": {"allow": allow}}})
    event = at(0, "ip_allowlist.deleted", {"id": "list_1"}, project={"id": "proj_1"})

    assert replay(read([event]), config) == []


def test_what_is_not_quite_allowed_is_not_left_alone() -> None:
    allow = {
        "actors": ["user-builder"],
        "domains": ["ample.com"],
        "networks": ["198.51.100.0/24"],
        "keys": ["key_1"],
        "projects": ["proj_2"],
        "hours": ["9-8"],
    }
    config = Config.model_validate({"detections": {"D1": {"allow": allow}}})

    assert len(replay(read([at(0, "ip_allowlist.deleted", {"id": "list_1"})]), config)) == 1


def test_a_key_can_be_allowed() -> None:
    config = Config.model_validate({"detections": {"D1": {"allow": {"keys": ["key_ci"]}}}})

    assert replay(read([at(0, "ip_allowlist.deleted", {"id": "l"}, key())]), config) == []


def test_a_flood_does_not_hide_the_login_that_follows_it() -> None:
    flood = [at(n / 60, "login.failed") for n in range(1_800)]
    memory = Memory(Config())

    memory.deliver(read(flood))
    memory.deliver(read([at(30, "login.succeeded")]))

    assert [a for a in seen(memory.alerts.values()) if a.dedup.startswith("A3")] == [
        (30, "high", "A3|user-owner|user-owner")
    ]


def test_a_flood_alerts_about_once_an_hour() -> None:
    flood = [
        at(n / 10, "login.failed", by=session(f"user{n % 50}", ip="192.0.2.1"))
        for n in range(2_000)
    ]

    alerts = [a for a in replay(read(flood), Config()) if a.detection == "A1"]

    assert [round(each.minutes) for each in seen(alerts)] == [1, 61, 121, 181]
    assert all(len(alert.event_ids) <= 100 for alert in alerts)
