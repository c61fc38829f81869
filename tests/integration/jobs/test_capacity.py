"""What has no room waits, visibly; nothing fails that could wait."""

from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from local.openai import SmallSettings
from shared.jobs.model import JobState
from shared.jobs.part import PartState
from tests.support.batch_files import chat, lines
from tests.support.world import World

# About 1,030 tokens a request: 40 of them make about 41,000.
BIG = lines(chat(f"r{n}", "x" * 4_000) for n in range(40))


def tight(limit: int, **settings: Any) -> World:
    return World(SmallSettings(enqueued_limits={"*": limit}), settings=settings)


def test_job_larger_than_the_limit_completes_without_exceeding_it() -> None:
    with mock_aws():
        world = tight(8_000)
        job = world.run_job("big.jsonl", BIG)

        assert [each["custom_id"] for each in world.results(job)] == [f"r{n}" for n in range(40)]
        assert job.state is JobState.COMPLETED
        assert world.small.peak_enqueued["gpt-5-mini"] <= 8_000
        assert len(world.small.billed) == 40
        assert [capacity.used for capacity in world.edges.ledger.capacities()] == [0]


def test_limit_is_learned_from_a_refusal_and_the_part_split() -> None:
    with mock_aws():
        world = tight(8_000)
        job = world.run_job("big.jsonl", BIG)

        (capacity,) = world.edges.ledger.capacities()
        assert capacity.limit == 8_000
        first, *pieces = world.report(job)["parts"]
        assert first["split_again"]
        assert max(piece["estimated_prompt_tokens"] for piece in pieces) <= 8_000
        refused = [b for b in world.small.batches.values() if b.status == "failed"]
        assert len(refused) == 1


def test_configured_limit_is_never_exceeded() -> None:
    with mock_aws():
        world = tight(8_000, enqueued_limits="gpt-5-mini=8000")
        world.run_job("big.jsonl", BIG)

        assert [b.status for b in world.small.batches.values()] == ["completed"] * 6


def test_waiting_for_capacity_is_published_once_a_job() -> None:
    with mock_aws():
        world = tight(8_000, enqueued_limits="*=8000")
        job = world.drop("big.jsonl", BIG)
        world.run_functions()

        waiting = [part for part in world.parts(job) if part.state is PartState.WAITING]
        assert len(waiting) == 5
        assert all(part.reason.startswith("no capacity") for part in waiting)
        assert [each["Subject"][:12] for each in world.published()].count("Part Waiting") == 1


def test_request_larger_than_the_limit_fails_alone() -> None:
    with mock_aws():
        world = tight(8_000, enqueued_limits="*=8000")
        content = lines([chat("a"), chat("huge", "x" * 40_000), chat("b")])
        job = world.run_job("file.jsonl", content)

        codes = [each["error"] and each["error"]["code"] for each in world.results(job)]
        assert codes == [None, "token_limit_exceeded", None]


def test_small_part_passes_a_big_one_until_that_waited_long() -> None:
    with mock_aws():
        slow = SmallSettings(enqueued_limits={"*": 8_000}, working=3_600)
        world = World(slow, settings={"enqueued_limits": "*=8000"})
        first = world.drop("first.jsonl", lines(chat(f"a{n}", "x" * 4_000) for n in range(5)))
        world.run_functions()
        big = world.drop("big.jsonl", lines(chat(f"b{n}", "x" * 4_000) for n in range(6)))
        early = world.drop("early.jsonl", lines([chat("c", "x" * 4_000)]))
        world.run_functions()
        world.clock.advance(minutes=31)
        world.tick()
        late = world.drop("late.jsonl", lines([chat("d", "x" * 4_000)]))
        world.run_functions()

        states = {job: world.parts(job)[0].state for job in (first, big, early, late)}
        assert states == {
            first: PartState.SUBMITTED,
            big: PartState.WAITING,
            early: PartState.SUBMITTED,
            late: PartState.WAITING,
        }
        world.run_until_over(first, big, early, late)


@pytest.mark.parametrize(
    "quirk",
    [
        "rate_limited",
        "rate_limited_silent",
        "quota_exhausted",
        "unauthorized",
        "error_500_before",
        "error_503_before",
        "cut_before",
    ],
)
@pytest.mark.parametrize("route", ["upload", "create_batch"])
def test_passing_refusal_makes_a_part_wait(world: World, quirk: str, route: str) -> None:
    world.small.misbehave(quirk, route=route)
    job = world.drop("file.jsonl", lines([chat("a")]))
    world.run_functions()

    (part,) = world.parts(job)
    assert part.state is PartState.WAITING
    assert part.reason
    world.run_until_over(job)
    assert world.job(job).state is JobState.COMPLETED
    assert len(world.small.billed) == 1


@pytest.mark.parametrize("quirk", ["cut_after", "error_500_after", "error_503_after", "not_json"])
def test_batch_with_a_lost_answer_is_found_and_not_created_again(world: World, quirk: str) -> None:
    world.small.misbehave(quirk, route="create_batch")
    job = world.drop("file.jsonl", lines([chat("a"), chat("b")]))

    world.run_until_over(job)

    assert len(world.small.batches) == 1
    assert len(world.small.billed) == 2


def test_lost_batch_that_shows_up_late_is_waited_for(world: World) -> None:
    world.small.misbehave("cut_after", route="create_batch")
    world.small.misbehave("batch_not_visible", seconds=200)
    job = world.drop("file.jsonl", lines([chat("a")]))

    world.run_until_over(job)

    assert len(world.small.batches) == 1


def test_batches_are_created_within_the_hourly_rate() -> None:
    with mock_aws():
        world = World(settings={"max_part_requests": 1, "batches_per_hour": 40})
        job = world.drop("file.jsonl", lines(chat(f"r{n}") for n in range(5)))
        world.run_functions()

        made = [part for part in world.parts(job) if part.state is PartState.SUBMITTED]
        assert len(made) == 40 // 13
        world.clock.advance(minutes=5)
        world.run_until_over(job)
        assert len(world.small.billed) == 5


def test_learned_limit_is_forgotten_after_a_day() -> None:
    with mock_aws():
        world = tight(8_000)
        world.edges.ledger.learn_limit("gpt-5-mini", 10, world.clock())
        (capacity,) = world.edges.ledger.capacities()

        assert capacity.as_known(world.clock(), None).limit == 10
        assert capacity.as_known(world.clock() + timedelta(hours=25), None).limit is None
        assert capacity.as_known(world.clock(), 5).limit == 5
