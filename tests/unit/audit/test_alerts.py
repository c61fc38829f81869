"""Alerts: ids from content, incidents that ring once, letters for people."""

from typing import Any

import pytest

from shared.audit.alerts import Alert, Settled, alert_text, distinct, record, settle, subject
from shared.audit.config import Config
from shared.audit.detection import Finding
from shared.audit.severity import Severity
from tests.unit.audit.timelines import MINUTE, START

HOUR = 3_600


def finding(minutes: float, severity: Severity = Severity.HIGH, **more: Any) -> Finding:
    given: dict[str, Any] = {
        "detection": "D2",
        "time": START + round(minutes * MINUTE),
        "severity": severity,
        "level": severity,
        "title": "IP allow-list opened",
        "actor": "user-owner",
        "target": "list_1",
        "who": "owner@example.com",
        "where": "203.0.113.5",
        "event_ids": (f"event-{minutes}",),
        "about": (("allowed now", "0.0.0.0/0"),),
    }
    return Finding(**given | more)


def alert(minutes: float, severity: Severity = Severity.HIGH, **more: Any) -> Alert:
    return Alert.of(finding(minutes, severity, **more), HOUR)


def test_an_id_comes_from_detection_key_level_and_window() -> None:
    base = alert(0).id

    assert alert(5).id == base
    assert alert(-60).id != base
    assert alert(0, target="list_2").id != base
    assert alert(0, actor="user-builder").id != base
    assert alert(0, Severity.CRITICAL).id != base


def test_what_is_new_is_stored_and_rings() -> None:
    assert settle(alert(0), [], Config()) == Settled(alert(0), rings=True)


@pytest.mark.parametrize("severity", [Severity.SIGNAL, Severity.INFO])
def test_what_is_quiet_does_not_ring(severity: Severity) -> None:
    assert settle(alert(0, severity), [], Config()) == Settled(alert(0, severity), rings=False)


def test_a_signal_never_rings_whatever_is_configured() -> None:
    loud = Config(ring_from=Severity.SIGNAL)

    assert settle(alert(0, Severity.SIGNAL), [], loud) == Settled(
        alert(0, Severity.SIGNAL), rings=False
    )
    assert settle(alert(0, Severity.INFO), [], loud) == Settled(alert(0, Severity.INFO), rings=True)


@pytest.mark.parametrize("minutes", [0, 1, 59.9])
def test_the_same_again_is_nothing(minutes: float) -> None:
    assert settle(alert(minutes), [alert(0)], Config()) is None


def test_what_began_earlier_than_was_known_is_amended_and_does_not_ring() -> None:
    settled = settle(alert(-10), [alert(0)], Config())

    assert settled is not None
    assert settled.alert.id == alert(0).id
    assert settled.alert.time == alert(-10).time
    assert not settled.rings


def test_an_id_that_is_taken_by_another_incident_is_not_taken_again() -> None:
    began_earlier = alert(0).model_copy(update={"time": alert(-65).time})

    settled = settle(alert(0), [began_earlier], Config())

    assert settled is not None
    assert settled.alert.id != began_earlier.id
    assert settled.rings


def test_what_turns_out_worse_is_amended_and_rings() -> None:
    raised = alert(0).model_copy(update={"severity": Severity.CRITICAL, "event_ids": ("a", "b")})

    assert settle(raised, [alert(0)], Config()) == Settled(raised, rings=True)
    assert settle(alert(0), [raised], Config()) is None


def test_something_worse_is_an_alert_of_its_own() -> None:
    settled = settle(alert(5, Severity.CRITICAL), [alert(0)], Config())

    assert settled == Settled(alert(5, Severity.CRITICAL), rings=True)


def test_something_less_beside_it_is_stored_and_does_not_ring() -> None:
    settled = settle(alert(5), [alert(0, Severity.CRITICAL)], Config())

    assert settled == Settled(alert(5), rings=False)


def test_distinct_keeps_the_first_of_each_window() -> None:
    found = distinct([finding(130), finding(59), finding(0), finding(60)], Config())

    assert [(each.time - START) / MINUTE for each in found] == [0, 60, 130]


def test_a_letter_says_what_who_where_before_and_after_and_what_to_do() -> None:
    text = alert_text(alert(0))

    assert subject(alert(0)) == "HIGH D2 IP allow-list opened"
    assert text.startswith("HIGH: IP allow-list opened\n")
    assert "What      IP allow-list opened wide (D2, ATT&CK T1686.001)" in text
    assert "When      2025-10-09 08:53:20 UTC" in text
    assert "Who       owner@example.com" in text
    assert "From      203.0.113.5" in text
    assert "Allowed now 0.0.0.0/0" in text
    assert "1. Ask whoever acted" in text


def test_a_record_is_for_systems() -> None:
    found = record(alert(0))

    assert {"id", "time", "detection", "severity", "title", "dedup", "event_ids"} <= found.keys()
    assert found["attack"] == ["T1686.001"]
    assert "level" not in found
