"""duplicates: once. What asks the same is asked once, and every line has its answer."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from local.openai import SmallSettings
from shared.jobs import keys
from shared.jobs.cancel import cancel
from shared.jobs.model import Job, JobState
from tests.support.batch_files import chat, lines
from tests.support.interrupts import WALK_STEP, Interrupt
from tests.support.names import DATA
from tests.support.survival import interrupted_edges, survive
from tests.support.world import World

PRICED = {"prices": "openai"}
MODELS = ("gpt-5-mini", "gpt-4.1")


def world_with(working: float = 1, **settings: Any) -> World:
    return World(openai_settings=SmallSettings(working=working), settings=PRICED | settings)


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield world_with()


def asks(number: int, what: int, text: str = "question {}") -> dict[str, Any]:
    """Two models, by what is asked."""
    return chat(f"r{number}", text.format(what), model=MODELS[what % 2], max_completion_tokens=50)


def some(count: int, different: int) -> list[dict[str, Any]]:
    """In an order in which parts and repeats cross."""
    return [asks(n, n * 7 % different) for n in range(count)]


def billed(world: World) -> int:
    return len(world.small.billed)


def check_answers(world: World, job: Job, requests: list[dict[str, Any]]) -> None:
    """One line for each request in its order, with the answer to what it asks."""
    results = world.results(job)
    assert [each["custom_id"] for each in results] == [each["custom_id"] for each in requests]
    for each, line in zip(requests, results, strict=True):
        said = line["response"]["body"]["choices"][0]["message"]["content"]
        assert said.endswith(each["body"]["messages"][0]["content"]), line


def test_a_hundred_thousand_requests_of_which_sixty_percent_repeat() -> None:
    with mock_aws():
        world = world_with(max_part_requests=7_000)
        requests = some(100_000, 40_000)

        job = world.run_job("a.jsonl", lines(requests), duplicates="once")

        assert job.state is JobState.COMPLETED
        assert (job.requests, job.repeated.requests, job.repeated.left_out) == (
            100_000,
            60_000,
            60_000,
        )
        assert sum(part.requests for part in world.parts(job.id)) == billed(world) == 40_000
        check_answers(world, job, requests)
        counts = world.report(job)["requests"]
        assert (counts["total"], counts["succeeded"], counts["failed"]) == (100_000, 100_000, 0)


@pytest.mark.parametrize(("name", "most"), [("a.jsonl", 50_000), ("a.jsonl", 3), ("a.jsonl.gz", 3)])
def test_one_part_or_many_packed_or_not(name: str, most: int) -> None:
    with mock_aws():
        world = world_with(max_part_requests=most)
        requests = [*some(40, 9), chat("late", "question 1", model=MODELS[1])]
        data = lines(requests)

        job = world.run_job(
            name, gzip.compress(data) if name.endswith("gz") else data, duplicates="once"
        )

        check_answers(world, job, requests)
        assert billed(world) == 10


def test_one_request_asked_a_thousand_times_is_one_part_and_one_answer(world: World) -> None:
    requests = [chat(f"r{n}") for n in range(1_000)]

    job = world.run_job("a.jsonl", lines(requests), duplicates="once")

    assert (job.requests, job.parts, billed(world)) == (1_000, 1, 1)
    check_answers(world, job, requests)


def test_the_default_asks_each_and_says_what_once_would_save(world: World) -> None:
    requests = some(1_000, 400)

    each = world.run_job("each.jsonl", lines(requests))
    paid = billed(world)
    once = world.run_job("once.jsonl", lines(requests), duplicates="once")

    assert (paid, billed(world)) == (1_000, 1_400)
    assert (each.repeated.requests, each.repeated.left_out) == (600, 0)
    told, kept = world.report(each)["repeated"], world.report(once)["repeated"]
    assert (told["requests"], told["asked"]) == (600, True)
    assert (kept["requests"], kept["asked"]) == (600, False)
    dear, cheap = (world.report(job)["cost"]["usd"] for job in (each, once))
    assert told["usd"] == pytest.approx(dear - cheap, rel=0.1)
    assert kept["usd"] == pytest.approx(dear - cheap, rel=0.1)
    texts = [message["Message"] for message in world.published()]
    assert any("600 of them ask what another asks; asked once" in text for text in texts)
    assert any("600 of them ask what another asks, and get its answer" in text for text in texts)
    for job, words in ((each, "with duplicates=once"), (once, "and got its answer")):
        page = world.read(f"{job.results_prefix}report.html").decode()
        assert "600 requests ask what another asks" in page
        assert words in page


def test_what_fails_fails_for_all_that_ask_it_and_comes_back_to_be_asked_again(
    world: World,
) -> None:
    requests = [asks(n, n % 2, "small-openai:400" if n % 2 else "question {}") for n in range(10)]

    job = world.run_job("a.jsonl", lines(requests), duplicates="once")

    assert job.state is JobState.COMPLETED_WITH_FAILURES
    counts = world.report(job)["requests"]
    assert (counts["succeeded"], counts["failed"]) == (5, 5)
    assert len(world.results(job)) == 10
    failed = [each for n, each in enumerate(requests) if n % 2]
    assert world.read(f"{job.results_prefix}retry.jsonl") == lines(failed)


def test_what_is_asked_again_lands_for_all_that_ask_it() -> None:
    """Some parts are split and some are retried, so a repeat's first moves from part to part."""
    with mock_aws():
        world = world_with(max_part_requests=6, enqueued_limits="*=500")
        texts = ("small-openai:500-until-attempt-2 {}", "small-openai:missing-once {}", "plain {}")
        requests = [asks(n, n * 7 % 20, texts[n * 7 % 20 % 3]) for n in range(60)]

        job = world.run_job("a.jsonl", lines(requests), duplicates="once")

        assert job.state is JobState.COMPLETED
        check_answers(world, job, requests)
        parts = world.parts(job.id)
        assert any(part.attempt == 2 for part in parts)
        assert len({custom_id for _, custom_id in world.small.billed}) == billed(world) == 20


def test_cancelled_half_way_every_line_says_so() -> None:
    with mock_aws():
        world = world_with(working=3_600)
        job = world.drop("a.jsonl", lines(some(30, 12)), duplicates="once")
        world.run_functions()
        assert cancel(world.edges, job)

        world.run_until_over(job)

        ended = world.job(job)
        assert ended.state is JobState.CANCELLED
        assert [each["custom_id"] for each in world.results(ended)] == [f"r{n}" for n in range(30)]


def test_bad_lines_are_left_out_before_anything_is_asked_once(world: World) -> None:
    requests = some(30, 12)
    data = lines(requests)
    doubled = lines([requests[0] | {"body": requests[5]["body"]}])  # a custom_id that is used

    job = world.run_job(
        "a.jsonl", b"no JSON\n" + data + doubled, duplicates="once", bad_lines="skip"
    )

    assert (job.requests, job.skipped, billed(world)) == (30, 2, 12)
    check_answers(world, job, requests)


def test_a_dry_run_counts_them_and_writes_nothing_else(world: World) -> None:
    job = world.run_job("a.jsonl", lines(some(30, 12)), duplicates="once", dry_run="true")

    assert job.state is JobState.ESTIMATED
    report = world.report(job)
    assert (report["requests"], report["repeated"]["requests"]) == (30, 18)
    assert world.keys("parts/") == []
    assert (
        "18 requests ask what another asks"
        in world.read(f"{job.results_prefix}report.html").decode()
    )


def test_the_list_of_repeats_is_whole_before_the_job_is_accepted(world: World) -> None:
    job = world.drop("a.jsonl", lines(some(30, 12)), duplicates="once")
    world.run_functions()

    listed = world.read(keys.repeats_key(world.job(job))).splitlines()

    assert len(listed) == 18
    assert json.loads(listed[0]) == [13, 1, "r12"]
    assert world.s3.head_object(Bucket=DATA, Key=keys.repeats_key(world.job(job)))


@pytest.mark.parametrize("quarter", range(4))
def test_killed_at_any_call_everybody_has_an_answer_and_nothing_is_paid_twice(
    quarter: int,
) -> None:
    calls = len(story(Interrupt()))

    for number in range(1 + quarter, calls + 1, 4 * WALK_STEP):
        story(Interrupt(number))


def story(interrupt: Interrupt) -> list[str]:
    """Two parts, one of which is retried."""
    texts = ("plain {}", "small-openai:500-until-attempt-2 {}")
    requests = [asks(n, n % 4, texts[n % 4 // 2]) for n in range(12)]
    with mock_aws():
        world = world_with()
        edges = interrupted_edges(world, interrupt)
        job = world.drop("a.jsonl", lines(requests), duplicates="once")
        survive(world, edges, job, steps=40, pause=300)
        assert world.job(job).state is JobState.COMPLETED, interrupt.place
        check_answers(world, world.job(job), requests)
        assert billed(world) == 4, interrupt.place
        return interrupt.calls
