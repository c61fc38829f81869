"""Alerts: ids from content, published once, texts for people."""

from collections.abc import Sequence
from typing import Any

import pytest

from shared.audit.alert_text import alert_text, record, subject
from shared.audit.alerts import Alert
from shared.audit.catalogue import ABOUT
from shared.audit.config import Config
from shared.audit.detection import Finding
from shared.audit.severity import Severity
from shared.audit.suppression import MOST_PARTS, Settled, settle
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
        "context": (("allowed now", "0.0.0.0/0"),),
    }
    return Finding(**given | more)


def alert(minutes: float, severity: Severity = Severity.HIGH, **more: Any) -> Alert:
    return Alert.of(finding(minutes, severity, **more), HOUR, ABOUT["D2"])


def test_an_id_comes_from_detection_key_level_and_window() -> None:
    base = alert(0).id

    assert alert(5).id == base
    assert alert(-60).id != base
    assert alert(0, target="list_2").id != base
    assert alert(0, actor="user-builder").id != base
    assert alert(0, Severity.CRITICAL).id != base


def settled(
    *found: Finding, stored: Sequence[Alert] = (), config: Config | None = None
) -> list[Settled]:
    return settle(found, stored, config or Config())


def test_a_new_alert_is_stored_and_published() -> None:
    assert settled(finding(0)) == [Settled(alert(0), notify=True)]


@pytest.mark.parametrize("severity", [Severity.SIGNAL, Severity.INFO])
def test_a_low_severity_is_stored_not_published(severity: Severity) -> None:
    assert settled(finding(0, severity)) == [Settled(alert(0, severity), notify=False)]


@pytest.mark.parametrize(("severity", "notify"), [(Severity.SIGNAL, False), (Severity.INFO, True)])
def test_a_signal_is_never_published(severity: Severity, notify: bool) -> None:
    (found,) = settled(finding(0, severity), config=Config(notify_from=Severity.SIGNAL))

    assert found.notify == notify


def test_the_same_finding_again_changes_nothing() -> None:
    assert settled(finding(0), stored=[alert(0)]) == []


@pytest.mark.parametrize("minutes", [1, 59.9])
def test_a_repeat_within_the_hour_is_remembered_not_published(minutes: float) -> None:
    (found,) = settled(finding(minutes), stored=[alert(0)])

    assert (found.alert.without_parts, found.notify, found.is_news) == (alert(0), False, False)
    assert found.alert.parts == (alert(0), alert(minutes))
    assert settled(finding(minutes), stored=[found.alert]) == []


def test_suppression_counts_from_the_alert_not_from_its_repeats() -> None:
    (covering,) = settled(finding(1), stored=[alert(0)])

    (found,) = settled(finding(60), stored=[covering.alert])

    assert found == Settled(alert(60), notify=True)


def test_an_alert_that_began_earlier_keeps_its_id_unpublished() -> None:
    (found,) = settled(finding(-10), stored=[alert(0)])

    assert found.alert.id == alert(0).id
    assert found.alert.time == alert(-10).time
    assert not found.notify


def test_a_repeat_no_longer_covered_becomes_an_alert() -> None:
    (covering,) = settled(finding(55), stored=[alert(0)])

    earlier, later = settled(finding(-10), stored=[covering.alert])

    assert (earlier.alert.id, earlier.notify) == (alert(0).id, False)
    assert (later.alert.time, later.notify) == (alert(55).time, True)
    assert later.alert.id != earlier.alert.id


def test_an_alert_that_gets_worse_is_published_again() -> None:
    raised = finding(0, event_ids=("event-0", "x"), severity=Severity.CRITICAL, level=Severity.HIGH)

    (found,) = settled(raised, stored=[alert(0)])

    assert (found.alert.id, found.alert.severity, found.notify) == (alert(0).id, "critical", True)
    assert found.alert.event_ids == ("event-0", "x")
    assert settled(finding(0), stored=[found.alert]) == []


def test_something_worse_is_an_alert_of_its_own() -> None:
    found = settled(finding(5, Severity.CRITICAL), stored=[alert(0)])

    assert found == [Settled(alert(5, Severity.CRITICAL), notify=True)]


def test_a_lower_severity_after_it_is_stored_not_published() -> None:
    found = settled(finding(5), stored=[alert(0, Severity.CRITICAL)])

    assert found == [Settled(alert(5), notify=False)]


def test_distinct_keeps_the_first_of_each_window() -> None:
    found = settled(finding(130), finding(59), finding(0), finding(60))

    assert [(each.alert.time - START) / MINUTE for each in found] == [0, 60, 130]


def test_a_flood_is_remembered_in_part() -> None:
    (found,) = settled(*(finding(n / 10) for n in range(590)))

    assert len(found.alert.parts) <= MOST_PARTS
    assert found.alert.parts[-1].time >= alert(55).time


def test_an_alert_text_names_what_who_where_and_what_to_do() -> None:
    text = alert_text(alert(0), ABOUT["D2"])

    assert subject(alert(0)) == "HIGH D2 IP allow-list opened"
    assert text.startswith("HIGH: IP allow-list opened\n")
    assert "What      IP allow-list opened wide (D2, ATT&CK T1686.001)" in text
    assert "When      2025-10-09 08:53:20 UTC" in text
    assert "Who       owner@example.com" in text
    assert "From      203.0.113.5" in text
    assert "Allowed now 0.0.0.0/0" in text
    assert "1. Ask whoever acted" in text


def test_a_record_is_for_systems() -> None:
    found = record(alert(0), ABOUT["D2"])

    assert {"id", "time", "detection", "severity", "title", "dedup", "event_ids"} <= found.keys()
    assert found["attack"] == ["T1686.001"]
    assert "level" not in found
