"""What patterns remember has bounds, and a flood neither blinds them nor passes unnoticed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from shared.audit.config import Config
from shared.audit.losses import memory_full
from shared.audit.severity import Severity
from tests.unit.audit.timelines import (
    BERLIN,
    DAY,
    LAGOS,
    SCRIPT,
    START,
    Event,
    Memory,
    at,
    key,
    read,
    seen,
    session,
)

ROW_BYTES = 400_000  # what a row of DynamoDB holds
BOT = key("key_bot", account="sa_bot")
YEAR = START // (365 * 86_400) * 365 * DAY - START / 60  # minutes: the year's first


def logging(minutes: float, mode: str = "", by: Event | None = None, **asked: Any) -> Event:
    changes = ({"api_call_logging": mode} if mode else {}) | asked
    return at(minutes, "organization.updated", {"id": "org_1", "changes_requested": changes}, by)


def limit(minutes: float, most: int, by: Event | None = None) -> Event:
    asked = {"max_requests_per_1_minute": most}
    return at(minutes, "rate_limit.updated", {"id": "rl_1", "changes_requested": asked}, by)


def delivered(events: Sequence[Event], page: int = 100) -> Memory:
    memory = Memory(Config())
    found = read(events)
    for start in range(0, len(found), page):
        memory.deliver(found[start : start + page])
    return memory


def largest_row(memory: Memory) -> int:
    sizes: Counter[object] = Counter()
    for row, observations in memory.rows.items():
        sizes[row.whole] += sum(len(each.text.encode()) for each in observations)
    return max(sizes.values())


@pytest.mark.parametrize("before", [10, 1_499, 1_500, 3_000])
def test_logging_turned_down_is_found_after_any_number_of_repeats(before: int) -> None:
    repeats = [logging(YEAR + n * 60, "enabled_for_all_projects", BOT) for n in range(before)]
    off = logging(YEAR + before * 60, "disabled")

    memory = delivered([*repeats, off])

    assert [each.dedup for each in seen(memory.alerts.values())] == ["D5|user-owner|org_1"]
    assert largest_row(memory) < ROW_BYTES
    assert not memory.lost


@pytest.mark.parametrize("before", [1_499, 2_500])
def test_a_raised_limit_beside_a_key_is_found_after_any_number_of_repeats(before: int) -> None:
    repeats = [limit(YEAR + n * 30, 500, BOT) for n in range(before)]
    raised = limit(YEAR + before * 30, 500_000)
    a_key = at(YEAR + before * 30 + 1, "api_key.created", {"id": "k", "data": {"scopes": ["all"]}})

    memory = delivered([*repeats, raised, a_key])

    assert ("high", "S2|user-owner|rl_1") in [each[1:] for each in seen(memory.alerts.values())]
    assert largest_row(memory) < ROW_BYTES


def test_a_new_place_is_found_after_months_of_work_at_one() -> None:
    at_home, away = session(place=BERLIN, ja4="t13d1516h2_a_b"), session(place=LAGOS, ja4=SCRIPT)
    work = [
        at(YEAR + day * DAY + hour * 60, type_, {"id": f"i{day}_{hour}"}, at_home)
        for day in range(70)
        for hour in range(14)
        for type_ in ("login.succeeded", "project.updated", "invite.sent")
    ]
    theft = at(YEAR + 71 * DAY, "login.succeeded", by=away)

    memory = delivered([*work, theft], page=500)

    assert "A4|user-owner|country NG" in [each.dedup for each in seen(memory.alerts.values())]
    assert largest_row(memory) < ROW_BYTES
    assert not memory.lost


def test_a_flood_of_changes_is_forgotten_from_its_oldest_and_counted() -> None:
    ids = [",".join(f"proj_{n}_{m:03d}" for m in range(100)) for n in range(200)]
    flood = [
        logging(YEAR + n, by=BOT, api_call_logging_project_ids=text) for n, text in enumerate(ids)
    ]
    first = logging(YEAR - 1, "enabled_for_all_projects", BOT)

    memory = delivered([first, *flood, logging(YEAR + 400, "enabled_per_call")])

    assert memory.lost["D5", "org_1"] > 100
    assert largest_row(memory) < ROW_BYTES
    last = max(memory.alerts.values(), key=lambda alert: alert.time)
    assert (last.dedup, dict(last.context)["after"].split()[0]) == (
        "D5|user-owner|org_1",
        "enabled_per_call",
    )


@pytest.mark.parametrize("letter", ["a", "ü", "日", "😀"])
def test_a_row_counts_in_bytes_whatever_the_names(letter: str) -> None:
    spray = [
        at(n / 20, "login.failed", by=session(f"{letter * 200}{n}", ip="203.0.113.9"))
        for n in range(1_200)
    ]

    memory = delivered(spray)

    assert largest_row(memory) < ROW_BYTES
    assert seen(memory.alerts.values())[0].dedup == "A1|203.0.113.9|logins"


def test_a_full_memory_is_a_finding_that_names_pattern_and_key() -> None:
    finding = memory_full(("S2+", "user-owner"), 12, START)

    assert finding.dedup == "O3|poller: memory|memory/S2+/user-owner"
    assert finding.title == "S2 forgot 12 observations: too many of user-owner"
    assert finding.severity == Severity.HIGH


def test_a_number_that_no_limit_has_is_passed_over() -> None:
    events = [limit(0, 500), limit(1, 10**400), limit(2, 1_000)]

    assert [each.minutes for each in seen(delivered(events).alerts.values())] == [2]
