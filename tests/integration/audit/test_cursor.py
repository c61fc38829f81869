"""However the audit log comes, every event lands once, and every alert is raised once."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest

from functions.audit.flow import tick
from shared.audit.config import Config
from shared.audit.events import read_event
from shared.audit.replay import replay
from tests.support.audit_logs import (
    BURST,
    DAY,
    HOUR,
    LATE,
    MINUTE,
    PAST,
    TIES,
    Event,
    Shown,
    events,
    on_time,
)
from tests.support.audit_world import NOW, AuditWorld, audit_aws


@pytest.fixture
def world() -> Iterator[AuditWorld]:
    with audit_aws():
        yield AuditWorld()


def expected_alerts(shown: Sequence[Shown]) -> set[tuple[str, str, int]]:
    found = [read_event(json.dumps(each.event).encode()) for each in shown]
    return {(a.detection, a.dedup, a.time) for a in replay(found, Config())}


def doubled(ids: Iterator[str]) -> list[str]:
    return [id_ for id_, times in Counter(ids).items() if times > 1]


def assert_everything_landed_once(world: AuditWorld, shown: Sequence[Shown]) -> None:
    ids = {each.event["id"] for each in shown}
    assert {line["id"] for line in world.lines()} == ids
    assert world.row_ids() == sorted(ids)
    alerts = [each for each in world.stored_alerts() if each["detection"] != "O1"]
    assert {(a["detection"], a["dedup"], int(a["time"])) for a in alerts} == expected_alerts(shown)
    assert len(alerts) == len({alert["id"] for alert in alerts}) == len(expected_alerts(shown))
    assert {alert["id"] for alert in alerts} <= {alert["id"] for alert in world.alerts()}


def live(world: AuditWorld, shown: Sequence[Shown], *, hours: float, every: float) -> None:
    """The clock ticks, and events show when their time has come."""
    waiting = sorted(shown, key=lambda each: each.event["effective_at"])
    world.tick(0)
    for _ in range(round(hours * HOUR / every)):
        world.clock.advance(seconds=every)
        while waiting and waiting[0].event["effective_at"] <= world.clock.seconds():
            each = waiting.pop(0)
            world.add([each.event], each.late)
        world.tick(0)


@pytest.mark.parametrize(
    ("shown", "quirks", "hours", "every"),
    [
        pytest.param(BURST, [], 0.1, 60, id="1,230 events in a minute"),
        pytest.param(BURST, ["audit_reversed"], 0.1, 60, id="oldest first"),
        pytest.param(TIES, [], 0.15, 60, id="300 events in a second"),
        pytest.param(TIES, ["audit_reversed"], 0.15, 60, id="300 in a second, oldest first"),
        pytest.param(LATE, [], 13, 15 * MINUTE, id="a fifth late, some by five hours"),
        pytest.param(
            BURST[:300],
            ["audit_many_documents", "audit_trailing_comma", "audit_ids_missing"],
            0.1,
            60,
            id="odd bodies",
        ),
    ],
)
def test_every_event_lands_once(
    world: AuditWorld, shown: list[Shown], quirks: list[str], hours: float, every: float
) -> None:
    for quirk in quirks:
        world.small.misbehave(quirk, times=None)

    live(world, shown, hours=hours, every=every)

    assert_everything_landed_once(world, shown)


class Arriving(httpx.BaseTransport):
    """Before each page that is asked for, a few more events happen, and a few late ones show."""

    def __init__(self, world: AuditWorld) -> None:
        self._world = world
        self._inner = world.small.transport()
        self.shown: list[Shown] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if len(self.shown) < 240:
            self._arrive(len(self.shown) + 5_000)
        return self._inner.handle_request(request)

    def _arrive(self, first: int) -> None:
        now = self._world.clock.seconds()
        some = events(6, now, 0.1, first) + events(6, now - 4 * MINUTE, 240, first + 6)
        self._world.add(some)
        self.shown += on_time(some)


def test_events_that_arrive_while_pages_are_walked_land_once(world: AuditWorld) -> None:
    arriving = Arriving(world)
    edges = world.connect(transport=arriving)
    world.tick(60)
    world.add(each.event for each in BURST)
    world.clock.advance(seconds=200)

    for _ in range(25):
        world.tick(60, edges)

    assert len(arriving.shown) == 240
    assert_everything_landed_once(world, [*BURST, *arriving.shown])


def test_the_past_lands_once_when_the_function_is_new() -> None:
    with audit_aws():
        world = AuditWorld(settings={"audit_first_days": 10})
        world.add(each.event for each in PAST)

        world.tick()
        world.tick()

        assert_everything_landed_once(world, PAST)
        rung = [alert_text for alert_text in world.published() if " D1 " in alert_text["Subject"]]
        assert len(rung) == 5_200 // 50 // 9, "of the past only the last day is news"


def test_the_past_lands_once_when_it_is_asked_for(world: AuditWorld) -> None:
    world.add(each.event for each in PAST)
    world.tick()

    world.backfill("2026-10-20", "2026-11-05", "on")
    world.backfill("2026-10-20", "2026-11-05", "on")
    world.tick()
    world.tick()

    assert_everything_landed_once(world, PAST)
    (backfill,) = (each for each in world.edges.tables.cursors().values() if each.is_backfill)
    assert backfill.is_over


def test_a_walk_that_runs_out_of_time_goes_on_in_the_next_tick(world: AuditWorld) -> None:
    world.tick()
    world.add(each.event for each in BURST)
    world.clock.advance(seconds=200)

    pages = [_hurried(world) for _ in range(25)]

    assert max(pages) == 1
    assert_everything_landed_once(world, BURST)


def _hurried(world: AuditWorld) -> int:
    world.clock.advance(seconds=10)
    return tick(world.edges, world.clock())["AuditPages"]


def test_an_event_five_hours_late_is_found_by_the_hourly_sweep(
    world: AuditWorld,
) -> None:
    stray: Any = events(1, NOW + MINUTE, 1)[0]
    world.tick()
    world.add([stray], late=5 * HOUR - MINUTE)

    for _ in range(6 * 4):
        world.tick(15 * MINUTE)

    assert [line["id"] for line in world.lines()] == [stray["id"]]


def test_an_event_days_late_is_found_by_the_daily_check(world: AuditWorld) -> None:
    world.tick()
    stray: Any = events(1, NOW + HOUR, 1)[0]
    world.add([stray], late=2 * DAY)

    for _ in range(4 * 24):
        world.tick(HOUR)

    assert [line["id"] for line in world.lines()] == [stray["id"]]
    manifest = json.loads(world.read("manifests/dt=2026-11-01/organization.json"))
    assert (manifest["count"], manifest["first"]) == (1, stray["effective_at"])
    assert manifest["checks"] >= 3


def test_a_manifest_is_the_same_whatever_the_order(world: AuditWorld) -> None:
    some: list[Event] = events(150, NOW + HOUR, HOUR)
    world.add(some)

    for _ in range(32):
        world.tick(HOUR)
    first = json.loads(world.read("manifests/dt=2026-11-01/organization.json"))
    world.small.misbehave("audit_reversed", times=None)
    for _ in range(24):
        world.tick(HOUR)
    second = json.loads(world.read("manifests/dt=2026-11-01/organization.json"))

    assert first["count"] == second["count"] == 150
    assert first["digest"] == second["digest"]
    assert not second["changed_since_last_check"]
    assert second["checks"] == first["checks"] + 1
