"""Never more is paid than was meant: caps, the month's budget, and a person's word."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from moto import mock_aws

from functions.intake.flow import take_in
from functions.poll.flow import poll
from local.openai import SmallSettings
from shared.jobs.approve import approve
from shared.jobs.budget import Budget, month_of
from shared.jobs.cancel import cancel
from shared.jobs.estimate import Used
from shared.jobs.model import JobState
from shared.objects import Source
from tests.support.batch_files import chat, chats, lines
from tests.support.interrupts import (
    WALK_STEP,
    Interrupt,
    Killed,
    interrupted_session,
)
from tests.support.names import INBOX
from tests.support.survival import interrupted_edges, survive
from tests.support.world import World

KIND = ("gpt-5-mini", "/v1/chat/completions")
DEAR = chats(40, max_completion_tokens=100_000)  # learnt from nothing: 500 tokens an answer, $0.02
PAID = {"prices": "openai"}
FAILS_ONCE = "small-openai:500-until-attempt-2"


def world_with(**settings: Any) -> World:
    return World(openai_settings=SmallSettings(working=1), settings=PAID | settings)


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield world_with()


def month(world: World) -> Budget:
    return world.edges.ledger.budget(month_of(world.clock()))


def costs(world: World, *jobs: str) -> int:
    """What the parts of all jobs did cost."""
    return sum(part.cost for job in jobs for part in world.parts(job))


def test_a_job_that_is_expected_to_cost_more_is_held_and_told(world: World) -> None:
    job = world.drop("a.jsonl", DEAR, max_cost="0.01")
    world.run_functions()

    held = world.job(job)
    assert held.state is JobState.HELD
    assert (held.requests, held.committed) == (40, 0)
    (told,) = world.published()
    assert told["Subject"].startswith("Job Held")
    assert "about $0.02, at most $4.00, and may cost $0.01" in told["Message"]
    assert "Approve Job" in told["Message"]
    assert world.small.files == {}
    assert month(world).used == 0


def test_approved_it_runs_whatever_it_costs(world: World) -> None:
    job = world.drop("a.jsonl", DEAR, max_cost="0.01")
    world.run_functions()

    assert approve(world.edges, job) == "approved"
    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED
    assert month(world).used == month(world).spent == costs(world, job) > 0


def test_cancelled_it_ends_and_nothing_was_paid(world: World) -> None:
    job = world.drop("a.jsonl", DEAR, max_cost="0.01")
    world.run_functions()

    cancel(world.edges, job)
    world.run_until_over(job)

    assert world.job(job).state is JobState.CANCELLED
    assert month(world) == Budget(month=month_of(world.clock()))


def test_without_a_word_it_is_cancelled_and_told() -> None:
    with mock_aws():
        world = world_with(held_days=2)
        job = world.drop("a.jsonl", DEAR, max_cost="0.01")
        world.run_functions()
        world.clock.advance(days=2)

        world.run_until_over(job)

        assert world.job(job).state is JobState.CANCELLED
        assert "Job Cancelled" in world.subjects()


@pytest.mark.parametrize(
    ("parameter", "option", "state"),
    [
        ("", "", JobState.COMPLETED),
        ("1", "", JobState.COMPLETED),
        ("0.01", "", JobState.HELD),
        ("0.01", "50", JobState.HELD),
        ("50", "0.01", JobState.HELD),
        ("50", "0", JobState.HELD),
    ],
)
def test_the_lower_of_two_limits_counts(parameter: str, option: str, state: JobState) -> None:
    with mock_aws():
        world = world_with(max_cost_per_job=parameter)
        job = world.drop("a.jsonl", DEAR, **({"max_cost": option} if option else {}))
        for _ in range(5):
            world.tick()

        assert world.job(job).state is state


@pytest.mark.parametrize("amount", ["", "-1", "$5", "1e3", "5.", "1,000", "0.0000001", "a"])
def test_an_amount_that_is_none_refuses_the_file(world: World, amount: str) -> None:
    job = world.run_job("a.jsonl", chats(1), max_cost=amount)

    (problem,) = world.report(job)["problems"]
    assert problem["param"] == "max-cost"
    assert "dollars" in problem["remedy"]


def test_what_has_no_known_price_is_held_where_there_is_a_limit() -> None:
    with mock_aws():
        world = World(openai_settings=SmallSettings(working=1, models=("llama",)), settings=PAID)
        free = world.run_job("a.jsonl", lines([chat("a", model="llama")]))
        job = world.drop("b.jsonl", lines([chat("b", model="llama")]), max_cost="5")
        world.run_functions()

        assert free.state is JobState.COMPLETED
        assert "what llama costs is not known" in world.job(job).reason


def test_a_month_lets_in_what_fits_and_holds_the_rest() -> None:
    with mock_aws():
        world = world_with(monthly_budget="0.05")
        jobs = [world.drop(f"{n}.jsonl", DEAR) for n in range(4)]
        world.run_functions()

        states = [world.job(each).state for each in jobs]
        assert states == [*[JobState.ACCEPTED] * 2, *[JobState.HELD] * 2]
        assert month(world).used == sum(world.job(each).committed for each in jobs)
        reason = world.job(jobs[2]).reason
        assert "the budget of 2026-11 is $0.05, of which $0.04 are taken" in reason
        world.run_until_over(*jobs[:2])
        assert month(world).used == month(world).spent == costs(world, *jobs)
        approve(world.edges, jobs[2])
        world.run_until_over(jobs[2])
        assert world.job(jobs[2]).state is JobState.COMPLETED


def test_the_report_says_how_much_of_the_month_is_taken() -> None:
    with mock_aws():
        world = world_with(monthly_budget="0.50")
        world.run_job("a.jsonl", DEAR)
        job = world.run_job("b.jsonl", DEAR)

        budget = world.report(job)["budget"]
        assert budget["month"] == "2026-11"
        assert budget["limit_usd"] == 0.5
        assert budget["used_usd"] >= month(world).spent / 1_000_000
        page = world.read(f"{job.results_prefix}report.html").decode()
        assert "Taken of 2026-11" in page


def test_the_next_month_has_a_budget_of_its_own() -> None:
    with mock_aws():
        world = world_with(monthly_budget="0.03")
        first = world.run_job("a.jsonl", DEAR)
        world.clock.moment = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
        second = world.drop("b.jsonl", DEAR)
        world.run_functions()
        world.clock.advance(seconds=1)
        third = world.drop("c.jsonl", DEAR)
        world.run_until_over(second, third)

        assert world.edges.ledger.budget("2026-11").spent == costs(world, first.id, second)
        assert world.edges.ledger.budget("2026-12").spent == costs(world, third)


def test_ten_jobs_that_race_for_the_last_dollar_let_in_exactly_what_fits() -> None:
    """At each call of the first intake the nine others run whole."""
    calls = raced(Interrupt())

    for at in range(1, len(calls) + 1):
        raced(Interrupt(at))
        raced(Interrupt(at, "after"))


def raced(interrupt: Interrupt) -> list[str]:
    with mock_aws():
        world = world_with(monthly_budget="0.07")
        first, *others = (drop_silently(world, f"{number}.jsonl") for number in range(10))
        interrupt.act = lambda place: [take_in(world.edges, each) for each in others]
        session = interrupted_session()
        session.interrupt = interrupt
        take_in(world.connect(session), first)
        session.interrupt = None
        jobs = [take_in(world.edges, each) for each in (first, *others)]

        accepted = [each for each in jobs if each.state is JobState.ACCEPTED]
        each = accepted[0].committed
        assert len(accepted) == 70_000 // each, interrupt.place
        assert month(world).used == len(accepted) * each, interrupt.place
        assert {job.state for job in jobs} == {JobState.ACCEPTED, JobState.HELD}
        told = [subject for subject in world.subjects() if subject == "Job Accepted"]
        assert len(told) == len(accepted), interrupt.place
        return interrupt.calls


def drop_silently(world: World, name: str) -> Source:
    key = f"inbox/{name}"
    version = world.s3.put_object(Bucket=INBOX, Key=key, Body=DEAR)["VersionId"]
    return Source(bucket=INBOX, key=key, version=version)


def test_what_costs_nothing_runs_in_a_month_that_is_used_up() -> None:
    with mock_aws():
        world = world_with(monthly_budget="0.001")
        asked = {"model": "omni-moderation-latest", "input": "a"}
        free = {"custom_id": "a", "method": "POST", "url": "/v1/moderations", "body": asked}
        dear = world.drop("a.jsonl", DEAR)
        world.run_functions()
        approve(world.edges, dear)
        world.run_until_over(dear)

        assert month(world).used > 1_000
        assert world.run_job("b.jsonl", lines([free])).state is JobState.COMPLETED


def test_people_hear_once_of_each_level() -> None:
    with mock_aws():
        world = world_with(monthly_budget="0.05")
        world.drop("a.jsonl", DEAR)
        world.run_functions()
        poll(world.edges)
        assert "Budget Alert" not in world.subjects()
        world.drop("b.jsonl", DEAR)
        world.run_functions()
        poll(world.edges)
        poll(world.edges)
        (told,) = [each for each in world.published() if "Budget Alert" in each["Subject"]]
        assert "$0.04 of the budget of 2026-11, $0.05, are taken" in told["Message"]


def test_requests_that_are_sent_again_are_in_the_budget(world: World) -> None:
    asked = lines([chat("a"), chat("b", FAILS_ONCE)])

    job = world.run_job("a.jsonl", asked)

    assert len(world.parts(job.id)) == 2
    assert month(world).used == month(world).spent == costs(world, job.id)
    cost = world.report(job)["cost"]["usd"]
    assert cost == pytest.approx(costs(world, job.id) / 1_000_000)


def test_what_nobody_can_price_costs_what_was_expected(world: World) -> None:
    job = world.run_job("a.jsonl", lines([chat("a", "small-openai:no-usage")]))

    (part,) = world.parts(job.id)
    assert part.cost == part.expected > 0
    assert month(world).spent == part.expected


def dearer_than_expected(world: World) -> str:
    """Answers were short lately, and are long now; one part at a time."""
    for number in range(3):
        used = Used(part=f"j/{number}", estimated=10, answers=1, input=10, output=1)
        world.edges.ledger.note_used(KIND, used)
    job = world.drop("a.jsonl", chats(40), max_cost="0.001")
    world.run_functions()
    assert world.job(job).state is JobState.ACCEPTED
    return job


@pytest.fixture
def slow() -> Iterator[World]:
    """A world in which the parts of a job go one after the other."""
    with mock_aws():
        yield world_with(max_part_requests=10, enqueued_limits="*=450")


def test_a_job_that_turns_out_dearer_submits_nothing_further(slow: World) -> None:
    job = dearer_than_expected(slow)
    for _ in range(30):
        slow.tick(300)

    held = slow.job(job)
    assert held.state is JobState.ACCEPTED
    assert held.held_since is not None
    assert "and it may cost" in held.reason
    submitted = {custom_id for _, custom_id in slow.small.billed}
    assert 0 < len(submitted) < 40
    told = [each for each in slow.published() if each["Subject"].startswith("Job Held")]
    assert len(told) == 1
    assert "are spent" in told[0]["Message"]


def test_approved_it_goes_on_to_its_end(slow: World) -> None:
    job = dearer_than_expected(slow)
    for _ in range(20):
        slow.tick(300)

    assert approve(slow.edges, job) == "approved"
    slow.run_until_over(job)

    assert slow.job(job).state is JobState.COMPLETED
    assert month(slow).used == month(slow).spent == costs(slow, job)


def test_without_a_word_it_ends_with_what_there_is(slow: World) -> None:
    job = dearer_than_expected(slow)
    for _ in range(20):
        slow.tick(300)
    slow.clock.advance(days=7)

    slow.run_until_over(job)

    ended = slow.job(job)
    results = slow.results(ended)
    assert ended.state is JobState.CANCELLED
    assert len(results) == 40
    assert any(each["response"] for each in results)
    assert month(slow).used == month(slow).spent == costs(slow, job)


def test_a_file_that_is_refused_after_all_gives_back_what_it_took(world: World) -> None:
    """An intake died between the two, and then the file was gone."""
    session = interrupted_session()
    source = drop_silently(world, "a.jsonl")
    (job,) = world.all_jobs("a.jsonl")
    number = 1
    while month(world).used == 0:
        session.interrupt = Interrupt(number)
        with pytest.raises(Killed):
            take_in(world.connect(session), source)
        world.clock.advance(seconds=world.config.lease_seconds + 1)
        number += 1
    assert world.job(job).state is JobState.CHECKING
    world.s3.delete_object(Bucket=INBOX, Key=source.key, VersionId=source.identity)

    assert take_in(world.edges, source).state is JobState.REJECTED
    assert (month(world).used, world.job(job).committed) == (0, 0)


@pytest.mark.parametrize("quarter", range(4))
def test_killed_at_any_call_a_held_job_is_paid_once_and_counted_once(quarter: int) -> None:
    calls = len(story(Interrupt()))

    for number in range(1 + quarter, calls + 1, 4 * WALK_STEP):
        story(Interrupt(number))


def story(interrupt: Interrupt) -> list[str]:
    """Held, approved, retried and landed, through a process that is replaced when it dies."""
    with mock_aws():
        world = world_with(monthly_budget="0.0001")
        edges = interrupted_edges(world, interrupt)
        job = world.drop("a.jsonl", lines([chat("a"), chat("b", FAILS_ONCE)]))
        survive(world, edges, job, steps=40, pause=300)
        assert world.job(job).state is JobState.COMPLETED, interrupt.place
        assert month(world).used == month(world).spent == costs(world, job), interrupt.place
        assert sorted(custom_id for _, custom_id in world.small.billed) == ["a", "b"]
        return interrupt.calls
