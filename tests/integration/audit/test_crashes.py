"""The audit function killed at any of its calls, and started again: the same world."""

from typing import Any

import pytest

from shared.errors import Conflict, TryLater
from tests.support.audit_logs import event, events
from tests.support.audit_world import NOW, AuditWorld, audit_aws
from tests.support.interrupts import (
    WALK_STEP,
    Interrupt,
    InterruptedTransport,
    Killed,
    Side,
    interrupted_session,
)

# Two pages; an allow-list taken down, a person's failed logins and a good one, a burst of keys.
STORY = [
    *events(20, NOW + 70, 50),
    *(event(700 + 7 * n, NOW + 80 + n, "login.failed") for n in range(6)),
    event(777, NOW + 90, "login.succeeded"),
    *(event(800 + 7 * n, NOW + 91, "api_key.created", {"id": f"key_{n}"}) for n in range(5)),
]
SETTINGS = {"audit_first_days": 1, "audit_page": 20}
TICKS = 5

Final = dict[str, Any]


def final(world: AuditWorld) -> Final:
    """All that matters of a world at rest."""
    alerts = [each for each in world.stored_alerts() if each["detection"] != "O1"]
    return {
        "landed": sorted({line["id"] for line in world.lines()}),
        "rows": world.row_ids(),
        "alerts": [(alert["id"], int(alert["time"]), alert["severity"]) for alert in alerts],
        "in_s3": {alert["id"] for alert in world.alerts()} >= {alert["id"] for alert in alerts},
        "published": sorted(published_ids(world)),
        "on_bus": len(ids_on_bus(world)),
        "behind": world.clock.seconds() - world.cursor().high,
    }


def published_ids(world: AuditWorld) -> set[str]:
    messages = (each for each in world.published() if " O1 " not in each["Subject"])
    return {each["Message"].rsplit("id ", 1)[1] for each in messages}


def ids_on_bus(world: AuditWorld) -> set[str]:
    details = (e["detail"] for e in world.bus_events() if e["detail-type"] == "Alert Raised")
    return {detail["id"] for detail in details if detail["alert"]["detection"] != "O1"}


def story(interrupt: Interrupt) -> Final:
    with audit_aws():
        session = interrupted_session()
        world = AuditWorld(settings=SETTINGS)
        world.add(STORY)
        world.clock.advance(seconds=130)
        session.interrupt = interrupt
        edges = world.connect(session, InterruptedTransport(interrupt, world.small.transport()))
        for _ in range(TICKS):
            try:
                world.tick(0, edges)
            except Killed:
                session.interrupt = None
                edges = world.edges
            world.clock.advance(seconds=world.function_settings.audit_lease_seconds + 1)
        session.interrupt = None
        world.tick(0)
        return final(world)


@pytest.fixture(scope="module")
def undisturbed() -> tuple[Final, int]:
    """How the story ends when nobody dies, and after how many calls all has landed."""
    interrupt = Interrupt()
    return story(interrupt), len(interrupt.calls)


def test_the_story_has_something_to_lose(undisturbed: tuple[Final, int]) -> None:
    ended, _ = undisturbed

    assert len(ended["landed"]) == len(ended["rows"]) == len(STORY)
    assert 2 == len(ended["published"]) < len(ended["alerts"]) == 8
    assert ended["in_s3"]
    assert ended["behind"] == 0


# To die after a call is to die before the next one, but for what the process itself remembers.
@pytest.mark.parametrize(("side", "step"), [("before", 8), ("after", 24)])
@pytest.mark.parametrize("first", range(1, 9))
def test_a_function_killed_at_any_call_ends_in_the_same_world(
    undisturbed: tuple[Final, int],
    side: Side,
    step: int,
    first: int,
) -> None:
    expected, calls = undisturbed

    interrupts = [Interrupt(n, side) for n in range(first, calls + 1, step * WALK_STEP)]
    worlds = [(interrupt, story(interrupt)) for interrupt in interrupts]

    assert [(each.place, world) for each, world in worlds if world != expected] == []


def test_a_function_refused_for_a_while_loses_nothing(undisturbed: tuple[Final, int]) -> None:
    expected, _ = undisturbed
    with audit_aws():
        world = AuditWorld(settings=SETTINGS)
        world.add(STORY)
        world.clock.advance(seconds=130)
        for quirk in ("error_500_before", "rate_limited", "not_json", "cut_after"):
            world.small.misbehave(quirk, times=4)
        for _ in range(8):
            try:
                world.tick(60)
            except* (Conflict, TryLater):
                world.clock.advance(seconds=60)
        found = final(world)

    assert {name: found[name] for name in ("landed", "rows", "alerts", "published")} == {
        name: expected[name] for name in ("landed", "rows", "alerts", "published")
    }
