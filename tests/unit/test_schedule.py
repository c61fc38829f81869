"""A tick that Lambda delivers late is known for one, and nothing else is taken for it."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.schedule import is_late

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("event", "late"),
    [
        ({"scheduled": "2026-03-01T11:59:00Z"}, False),  # the next one is due just now
        ({"scheduled": "2026-03-01T11:58:59Z"}, True),
        ({"scheduled": "2026-03-01T13:58:59+02:00"}, True),
        ({"scheduled": "2026-03-01T12:00:30Z"}, False),  # clocks differ
        ({"scheduled": "2025-03-01T12:00:00Z"}, True),
        ({"scheduled": "<aws.scheduler.scheduled-time>"}, False),
        ({"scheduled": "2026-03-01T11:00:00"}, False),  # of which zone?
        ({"scheduled": None}, False),
        ({"sweep": True}, False),
        ({}, False),
    ],
)
def test_a_tick_is_late_once_the_next_has_been_due(event: dict[str, object], late: bool) -> None:
    assert is_late(event, NOW, MINUTE) is late


def test_a_slower_clock_is_late_later() -> None:
    tick = {"scheduled": "2026-03-01T11:01:00Z"}

    assert is_late(tick, NOW, MINUTE)
    assert not is_late(tick, NOW, 60 * MINUTE)
