"""What may still come is waited for, from the first sign, for a bounded time, and told."""

from datetime import timedelta

import httpx
import pytest

from functions.land.answers import PATIENCE
from functions.poll.flow import poll
from shared.jobs.cancel import CANCEL_DEADLINE, cancel
from shared.jobs.model import JobState
from shared.jobs.observe import LOST_AFTER
from shared.jobs.part import PartState
from tests.support.batch_files import chats
from tests.support.wires import TwistedWire, named, refused
from tests.support.world import World

LISTED = "GET /v1/batches"


def twisted(world: World) -> TwistedWire:
    wire = TwistedWire(world.small.transport())
    world.edges = world.connect(transport=wire)
    return wire


def is_single(request: httpx.Request) -> bool:
    return named(request).startswith("GET /v1/batches/")


def hidden(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
    """Batches are neither listed nor found."""
    if named(request) == LISTED:
        return httpx.Response(200, json=response.json() | {"data": [], "has_more": False})
    return refused(404, "No batch found with that id.") if is_single(request) else None


def submitted(world: World, requests: int = 3) -> str:
    """A job whose batch runs for hours."""
    world.small.misbehave("stuck_in_progress", seconds=3_600 * 20)
    job = world.drop("a.jsonl", chats(requests))
    world.run_functions()
    for _ in range(3):
        world.tick()
    return job


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("ticks", [1, 30])
def test_batch_that_is_not_found_for_a_while_is_not_lost(
    world: World, ticks: int, status: int
) -> None:
    wire, job = twisted(world), submitted(world)
    world.clock.advance(hours=9)

    def after(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        found = hidden(request, response)
        return refused(status, "Gone?") if found is not None and is_single(request) else found

    wire.after = after
    for _ in range(ticks):
        world.tick()
    (part,) = world.parts(job)
    assert part.state is PartState.SUBMITTED
    assert "does not find" in part.reason

    wire.after = lambda *_: None
    world.tick()
    (part,) = world.parts(job)
    assert (part.missing_since, part.reason) == (None, "")
    world.run_until_over(job)
    assert len(world.small.billed) == 3


def test_patience_counts_anew_after_the_batch_was_seen(world: World) -> None:
    wire, job = twisted(world), submitted(world)

    for _ in range(3):  # together longer than the patience
        wire.after = hidden
        world.tick()
        world.tick(seconds=LOST_AFTER.total_seconds() * 0.6)
        wire.after = lambda *_: None
        world.tick()

    assert [part.state for part in world.parts(job)] == [PartState.SUBMITTED]
    assert len(world.small.batches) == 1


def test_batch_that_stays_away_is_given_up_and_told(world: World) -> None:
    wire, job = twisted(world), submitted(world)
    wire.after = hidden
    world.tick()
    world.tick(seconds=LOST_AFTER.total_seconds())

    parts = world.parts(job)

    assert len(parts) == 2
    assert parts[0].batch_status == "gone"
    assert "has not known this batch since" in parts[0].reason


@pytest.mark.parametrize(("status", "fails"), [(404, 0), (405, 0), (501, 0), (400, 1)])
def test_list_that_is_refused_does_not_stop_polling(world: World, status: int, fails: int) -> None:
    wire = twisted(world)
    wire.before = lambda request: (
        refused(status, "No list here.") if named(request) == LISTED else None
    )
    jobs = [world.drop(f"{n}.jsonl", chats(2)) for n in range(3)]
    world.run_functions()
    failed: list[ExceptionGroup[Exception]] = []
    while not all(world.job(job).over for job in jobs):
        try:
            world.tick()
        except ExceptionGroup as error:
            failed.append(error)
            world.run_functions()

    assert {world.job(job).state for job in jobs} == {JobState.COMPLETED}
    assert bool(failed) == bool(fails)


def test_every_batch_has_its_turn_without_a_list(world: World) -> None:
    wire = twisted(world)
    world.small.misbehave("stuck_in_progress", times=None, seconds=3_600)
    for n in range(60):
        world.drop(f"{n}.jsonl", chats(1))
    world.run_functions()
    wire.before = lambda request: (
        refused(404, "No list here.") if named(request) == LISTED else None
    )
    wire.calls.clear()
    for _ in range(2):
        world.clock.advance(seconds=60)
        poll(world.edges)

    asked = {call for call, _ in wire.calls if call.startswith(f"{LISTED}/")}
    assert len(asked) == 60
    assert len(wire.calls) <= 2 * 51


@pytest.mark.parametrize("status", [404, 400, 422])
def test_answers_that_are_refused_for_a_while_still_land(world: World, status: int) -> None:
    wire, job = twisted(world), world.drop("a.jsonl", chats(3))
    world.run_functions()
    wire.before = lambda request: (
        refused(status, "Not this file.") if named(request).endswith("/content") else None
    )
    for _ in range(30):
        world.tick()
    (part,) = world.parts(job)
    assert part.state is PartState.ENDED
    assert "Not this file." in part.reason

    wire.before = lambda _: None
    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED
    assert len(world.small.billed) == 3
    assert world.report(world.job(job))["parts"][0]["reason"] == ""


def test_answers_that_stay_refused_are_missing_with_the_reason(world: World) -> None:
    wire = twisted(world)
    job = world.drop("a.jsonl", chats(3), max_attempts="1")
    world.run_functions()
    wire.before = lambda request: (
        refused(400, "Not this file.") if named(request).endswith("/content") else None
    )
    for _ in range(int(PATIENCE.total_seconds() // 900) + 10):
        world.tick(seconds=900)

    assert world.job(job).state is JobState.FAILED
    (error,) = world.report(world.job(job))["errors"]
    assert "Not this file." in error["message"]


def test_server_that_fails_is_waited_for_with_its_last_error(world: World) -> None:
    wire, job = twisted(world), world.drop("a.jsonl", chats(3))
    world.run_functions()
    wire.before = lambda request: (
        refused(500, "Disk on fire.") if named(request).endswith("/content") else None
    )
    for _ in range(2 * int(PATIENCE.total_seconds() // 900)):
        world.tick(seconds=900)
    (part,) = world.parts(job)
    assert part.state is PartState.ENDED
    assert "Disk on fire." in part.reason

    wire.before = lambda _: None
    world.run_until_over(job)
    assert world.job(job).state is JobState.COMPLETED
    assert len(world.small.billed) == 3


def test_file_without_a_description_is_downloaded_all_the_same(world: World) -> None:
    wire, job = twisted(world), world.drop("a.jsonl", chats(3))
    wire.before = lambda request: (
        refused(404, "No such File object.")
        if named(request).startswith("GET /v1/files/") and "content" not in named(request)
        else None
    )

    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED


def test_cancelled_job_ends_though_its_batch_does_not(world: World) -> None:
    wire, job = twisted(world), submitted(world)

    def after(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        if "batches" not in named(request) or response.is_error:
            return None
        body = response.json()
        for each in body.get("data", [body]):
            each |= {"status": "cancelling"}
        return httpx.Response(200, json=body)

    wire.after = after
    cancel(world.edges, job)
    for _ in range(5):
        world.tick()
    assert not world.job(job).over

    world.tick(seconds=CANCEL_DEADLINE.total_seconds())
    world.tick()

    assert world.job(job).state is JobState.CANCELLED
    (part,) = world.parts(job)
    assert "did not end its batch" in part.reason
    assert [each.used for each in world.edges.ledger.capacities()] == [0]
    wire.after = lambda *_: None
    for _ in range(3):  # the batch ends later
        world.tick(seconds=3_600)
    assert world.job(job).state is JobState.CANCELLED


def test_cancelled_job_ends_though_its_batch_is_gone(world: World) -> None:
    wire, job = twisted(world), submitted(world)
    cancel(world.edges, job)
    wire.after = lambda request, response: (
        refused(404, "No batch.") if "cancel" in named(request) else hidden(request, response)
    )

    for _ in range(8):
        world.tick(seconds=3_600)

    assert world.job(job).state is JobState.CANCELLED
    assert len(world.small.batches) == 1


def test_patience_is_bounded() -> None:
    assert timedelta(hours=1) <= PATIENCE <= timedelta(days=1)
    assert timedelta(hours=1) <= LOST_AFTER <= timedelta(days=1)
    assert timedelta(hours=1) <= CANCEL_DEADLINE <= timedelta(days=1)
