"""What others do, and what somebody always does, makes a finding no worse."""

import pytest

from shared.audit.detection import DAY, Finding, Unusual
from shared.audit.detections.unusual import UNUSUAL
from shared.audit.rules import Rule
from shared.audit.severity import Severity
from tests.unit.audit.timelines import START

Seen = tuple[str, int]  # who, on which day


def found(who: str, day: int, own_days: int | None) -> Finding:
    return Finding(
        detection="A4",
        time=START + day * DAY,
        severity=Severity.MEDIUM,
        level=Severity.MEDIUM,
        title="from a new network",
        actor=who,
        target="AS1",
        who=who,
        where="there",
        event_ids=(f"{who}-{day}",),
        context=(),
        unusual=Unusual(("AS1",), Severity.HIGH, most_others=2, own_days=own_days),
    )


def made_worse(seen: list[Seen], own_days: int | None = None) -> list[Seen]:
    """Which of these findings are high, by who and when."""
    findings = [found(who, day, own_days) for who, day in seen]
    observations = [kept.observation for each in findings for kept in UNUSUAL.observe(each)]
    matches = UNUSUAL.pattern.evaluate(sorted(observations), Rule())
    return [(each.by.actor, (each.by.time - START) // DAY) for each in matches]


@pytest.mark.parametrize(("own_days", "nights"), [(None, [0, 1, 2, 3, 4]), (3, [0, 1, 2])])
def test_automation_is_unusual_on_its_first_nights(own_days: int | None, nights: list[int]) -> None:
    seen = made_worse([("robot", day) for day in range(5)], own_days)

    assert seen == [("robot", night) for night in nights]


def test_what_one_did_before_makes_it_no_more_usual() -> None:
    seen = [("a", 0), ("b", 1), ("c", 2), ("c", 3), ("d", 4)]

    assert made_worse(seen) == seen[:4]  # d is the fourth


def test_what_others_did_long_ago_counts_no_more() -> None:
    assert made_worse([("a", 0), ("b", 0), ("c", 0), ("d", 31)])[-1] == ("d", 31)
    assert made_worse([("a", 0), ("b", 0), ("c", 0), ("d", 29)])[-1] != ("d", 29)


def test_what_comes_late_is_as_unusual_as_it_was() -> None:
    """Many have done the same since, and nobody had before."""
    crowd = [found(f"p{n}", 5, None) for n in range(9)]
    known = {kept.observation for each in crowd for kept in UNUSUAL.observe(each)}
    late, again = (
        {kept.observation for kept in UNUSUAL.observe(found("a", day, None))} for day in (1, 6)
    )

    assert UNUSUAL.pattern.novelty(late, known) == late
    assert UNUSUAL.pattern.novelty(again, known) == set()
