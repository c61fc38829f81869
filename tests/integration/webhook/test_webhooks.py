"""OpenAI says that a batch has ended, and its results land; whatever comes, nothing else does."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from functions.land.look import look
from functions.poll.safety import tell_of_safety
from local.openai import SmallSettings
from shared.jobs.model import JobState
from shared.jobs.part import PartState
from shared.objects import BatchRef
from tests.support.batch_files import chat, chats, lines
from tests.support.interrupts import Interrupt, interrupted_session
from tests.support.published_events import watched
from tests.support.webhooks import OTHER, event, signed
from tests.support.world import HOOK, HOOKED, World


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield hooked()


def hooked(**settings: Any) -> World:
    world = World(openai_settings=SmallSettings(working=20), settings=settings)
    world.turn_webhooks_on()
    return world


def run_without_poll(world: World, *jobs: str, seconds: float = 120, step: float = 1) -> float:
    """Webhooks and functions alone; how long it took."""
    begun = world.clock()
    while (world.clock() - begun).total_seconds() < seconds:
        world.small.deliver_webhooks()
        world.run_functions()
        if all(world.job(job).over for job in jobs):
            break
        world.clock.advance(seconds=step)
    return (world.clock() - begun).total_seconds()


def test_results_land_when_the_webhook_comes_and_no_poll_is_waited_for(world: World) -> None:
    job = world.drop("a.jsonl", chats(5))
    world.run_functions()

    took = run_without_poll(world, job)

    assert world.job(job).state is JobState.COMPLETED
    assert took <= 4 + 20 + 2 + 0.1 + 1  # validated, worked at, finalized
    assert world.webhooks == ["batch_ended"]


def test_what_waits_for_capacity_goes_on_at_once() -> None:
    with mock_aws():
        world = hooked(enqueued_limits="*=400", max_part_requests=10)
        job = world.drop("a.jsonl", chats(40))
        world.run_functions()
        assert [part.state for part in world.parts(job)].count(PartState.WAITING) > 0

        run_without_poll(world, job, seconds=400)

        assert world.job(job).state is JobState.COMPLETED


@pytest.mark.parametrize(
    ("quirk", "came"),
    [
        ("webhook_doubled", ["batch_ended"] * 4),
        ("webhook_forged", ["batch_ended", "stranger"] * 2),
        ("webhook_unknown", ["batch_ended", "unknown"] * 2),
        ("webhook_old", ["stranger", "batch_ended"] * 2),
        ("webhook_reversed", ["batch_ended"] * 2),
        ("webhook_late", ["batch_ended"] * 2),
        ("webhook_lost", []),
    ],
)
def test_whatever_comes_of_the_webhooks_everything_lands_once(
    world: World, quirk: str, came: list[str]
) -> None:
    world.small.misbehave(quirk, times=None)
    mixed = [chat(f"r{n}", model=("gpt-5-mini", "gpt-4.1")[n % 2]) for n in range(8)]
    job = world.drop("a.jsonl", lines(mixed))

    world.run_until_over(job)
    for _ in range(30):  # what is late comes after the end
        world.tick()

    assert world.job(job).state is JobState.COMPLETED
    assert len(world.results(world.job(job))) == len(world.small.billed) == 8
    assert sorted(world.webhooks) == sorted(came)
    assert world.subjects().count("Job Completed") == 1


def test_a_batch_that_fails_expires_or_is_cancelled_is_looked_at_too(world: World) -> None:
    kinds: dict[str, Any] = {"validation_fails": {"code": "invalid"}, "cancelled_by_someone": {}}
    jobs = []
    for quirk, where in kinds.items():
        world.small.misbehave(quirk, **where)
        jobs.append(world.drop(f"{quirk}.jsonl", chats(3)))
        world.run_functions()

    run_without_poll(world, *jobs, seconds=60)

    assert world.webhooks == ["batch_ended"] * 2
    assert all(part.state is PartState.LANDED for job in jobs for part in world.parts(job)[:1])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": "a"},
        {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"},
    ],
)
def test_strangers_do_nothing(world: World, headers: dict[str, str]) -> None:
    job = world.drop("a.jsonl", chats(2))
    world.run_functions()
    batch = next(iter(world.small.batches))

    assert world.receive(headers, event("batch.completed", batch)) == 401

    assert world.edges.ledger.part(job, 1).state is PartState.SUBMITTED  # type: ignore[union-attr]
    assert world.queued("land") == []


def test_a_body_of_a_million_bytes_is_nobodys(world: World) -> None:
    body = event("batch.completed", "x" * 1_000_000)

    assert world.receive(world.sign(body), body) == 401


def test_a_secret_that_was_rotated_counts_at_once_and_the_old_one_for_a_while(
    world: World,
) -> None:
    (endpoint,) = world.ask_openai("GET", "/webhook_endpoints")["data"]
    job = world.drop("a.jsonl", chats(2))
    world.run_functions()
    rotated = world.ask_openai(
        "POST",
        f"/webhook_endpoints/{endpoint['id']}/rotate_secret",
        keep_old_secret_active_for_24_hours=True,
    )

    run_without_poll(world, job)  # signed with both, and only the old one is known
    world.store_secret(rotated["signing_secret"])
    world.clock.advance(hours=25)
    late = world.drop("b.jsonl", chats(2))
    world.run_functions()
    run_without_poll(world, late)

    assert world.webhooks == ["batch_ended"] * 2
    assert world.job(late).state is JobState.COMPLETED


def test_a_secret_that_changed_is_read_again_but_not_for_every_stranger(world: World) -> None:
    session = interrupted_session()
    session.interrupt = Interrupt()
    world.turn_webhooks_on(session)
    reads = session.interrupt.calls
    body = event("batch.completed")
    assert world.receive(world.sign(body), body) == 200
    world.store_secret(OTHER)
    headers = signed(body, world.clock(), OTHER)

    assert world.receive(headers, body) == 200

    before = len(reads)
    for _ in range(50):
        assert world.receive(headers | {"webhook-id": "x"}, body) == 401
    assert len(reads) == before
    world.clock.advance(seconds=6)
    assert world.receive(headers | {"webhook-id": "x"}, body) == 401
    assert len(reads) == before + 1


def test_what_nobody_knows_is_kept_as_it_came(world: World) -> None:
    body = event("weather.changed", "sunny")
    not_json = b"no JSON"

    assert world.receive(world.sign(body, "wh_a/../b"), body) == 200
    assert world.receive(world.sign(not_json, "wh_c"), not_json) == 200

    keys = world.keys("webhooks/")
    assert keys == ["webhooks/dt=2026-11-01/wh_a/_/b.json", "webhooks/dt=2026-11-01/wh_c.json"]
    assert [world.read(key) for key in keys] == [body, not_json]


def test_a_batch_of_somebody_else_is_left_alone(world: World) -> None:
    upload = world.upload("mine.jsonl")
    made = world.ask_openai(
        "POST",
        "/batches",
        input_file_id=upload,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"job_id": "other", "part": "x", "attempt": "1"},
    )
    for batch in (made["id"], "batch_of_nobody"):
        body = event("batch.completed", batch)
        assert world.receive(world.sign(body), body) == 200

    world.run_functions()

    assert world.queued("land") == []


def test_a_webhook_that_is_faster_than_the_truth_is_looked_at_again(world: World) -> None:
    """It says completed while the batch is still shown as running."""
    job = world.drop("a.jsonl", chats(2))
    world.run_functions()
    batch = next(iter(world.small.batches))
    body = event("batch.completed", batch)
    assert world.receive(world.sign(body), body) == 200

    world.run_functions()
    assert not world.job(job).over
    assert world.delayed("land") == 1
    world.clock.advance(seconds=30)
    assert look(world.edges, BatchRef(batch=batch, looks=1)) == "completed"


def test_it_is_not_looked_at_for_ever(world: World) -> None:
    world.drop("a.jsonl", chats(2))
    world.run_functions()
    batch = next(iter(world.small.batches))

    outcomes = [look(world.edges, BatchRef(batch=batch, looks=looks)) for looks in (4, 5, 6)]

    assert outcomes == ["runs"] * 3
    assert world.delayed("land") == 1


def test_webhooks_of_other_kinds_are_not_asked_for(world: World) -> None:
    (endpoint,) = world.ask_openai("GET", "/webhook_endpoints")["data"]

    assert endpoint["event_types"] == HOOKED
    assert endpoint["url"] == HOOK


def test_what_openai_says_about_safety_goes_to_whoever_looks_it_up(world: World) -> None:
    heard: list[tuple[str, dict[str, str]]] = []
    body = event("safety.alert.created", "alert_1")
    with watched(lambda kind, detail: heard.append((kind, detail))):
        assert world.receive(world.sign(body), body) == 200
        ((kind, detail),) = heard
        assert tell_of_safety(world.edges, detail) == "told"

    assert kind == "Safety Event"
    assert [kind for kind, _ in heard] == ["Safety Event", "Safety Alert"]
    assert world.subjects() == ["Safety Alert"]
