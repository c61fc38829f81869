"""Incidents: which alerts belong together, in whatever order they come."""

from collections.abc import Sequence

import pytest

from shared.audit.alerts import Alert
from shared.audit.incidents import KnownIncident, grouped, regrouped
from shared.audit.severity import Severity
from tests.unit.audit.test_alerts import alert

HIGH, SIGNAL = Severity.HIGH, Severity.SIGNAL


def sizes(alerts: Sequence[Alert]) -> list[int]:
    return [incident.alerts for incident, _ in grouped(alerts)]


def at(minutes: float, severity: Severity = HIGH) -> Alert:
    return alert(minutes, severity, target=f"list_{minutes}_{severity}")


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([0, 59], [2]),
        ([0, 60, 120, 180], [4]),
        ([0, 61], [1, 1]),
        ([0, 30, 120, 150], [2, 2]),
        ([n * 50 for n in range(60)], [29, 29, 2]),
    ],
)
def test_an_hour_without_an_alert_ends_an_incident_and_so_does_a_day(
    minutes: list[float], expected: list[int]
) -> None:
    alerts = [at(each) for each in minutes]

    assert sizes(alerts) == expected
    assert sizes(alerts[::-1]) == expected


def test_quiet_alerts_join_and_keep_nothing_loud_open() -> None:
    quiet = [at(30, SIGNAL), at(80, SIGNAL), at(130, SIGNAL)]

    assert sizes([at(0), *quiet[:1]]) == [2]
    assert sizes([at(0), *quiet, at(140)])[0] < 4
    assert [incident.severity for incident, _ in grouped([at(0), *quiet, at(140)])][-1] == HIGH


def test_another_actor_is_another_incident() -> None:
    assert sizes([at(0), alert(0, actor="user-builder")]) == [1, 1]


def test_two_keys_of_one_person_are_one_actor() -> None:
    keys = [alert(n, actor=f"user-owner/key_{n}", target=f"t{n}") for n in range(2)]

    assert sizes(keys) == [2]


def test_an_alert_that_comes_late_joins_two_incidents_and_is_not_told_again() -> None:
    first, last = (regrouped("user-owner", (), [at(minutes)])[0] for minutes in (50, 150))
    known = [each.model_copy(update={"told": HIGH, "told_alerts": 1}) for each in (first, last)]

    (joined,) = regrouped("user-owner", known, [at(0), at(100)])

    assert (joined.id, joined.told, len(joined.members)) == (first.id, HIGH, 4)


def test_an_incident_that_turns_out_to_be_two_goes_on_where_the_worst_is() -> None:
    """Quiet alerts hold it together until one between them is loud."""
    (known,) = regrouped("user-owner", (), [at(0, SIGNAL), at(59, SIGNAL), at(87, SIGNAL), at(110)])
    known = known.model_copy(update={"told": HIGH, "told_alerts": 4})
    loud = at(39, Severity.MEDIUM)

    first, last = regrouped("user-owner", [known], [loud])

    assert first.id != last.id == known.id
    assert (last.told, last.severity) == (HIGH, HIGH)
    assert (first.told, len(first.members)) == (SIGNAL, 4)
    assert regrouped("user-owner", [first, last], [loud]) == [first, last]


def test_the_same_alert_again_changes_nothing() -> None:
    known = regrouped("user-owner", (), [at(0), at(10)])

    assert regrouped("user-owner", known, [at(0)]) == known


def test_an_incident_is_as_bad_as_its_worst_alert() -> None:
    ((incident, _),) = grouped([at(0), at(5, Severity.CRITICAL), at(9, SIGNAL)])

    assert incident.severity == Severity.CRITICAL
    assert (incident.first, incident.last) == (at(0).time, at(9).time)
    assert isinstance(regrouped("a", (), [at(0)])[0], KnownIncident)
