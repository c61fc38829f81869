"""The same file twice is paid once, unless a person says otherwise."""

import gzip
from contextlib import suppress
from datetime import timedelta

import pytest
from moto import mock_aws

from functions.intake.flow import take_in
from functions.poll.flow import poll
from shared.jobs.approve import approve
from shared.jobs.cancel import cancel
from shared.jobs.model import JobState, job_id
from shared.objects import Source
from tests.support.batch_files import chat, chats, lines
from tests.support.interrupts import (
    WALK_STEP,
    Interrupt,
    InterruptedTransport,
    Killed,
    interrupted_session,
)
from tests.support.names import INBOX
from tests.support.survival import survive
from tests.support.world import World

FILE = chats(3)


def types(world: World) -> list[str]:
    return [each["MessageAttributes"]["type"]["Value"] for each in world.published()]


def first_done(world: World, content: bytes = FILE) -> str:
    job = world.run_job("a.jsonl", content)
    world.published()
    return job.id


@pytest.mark.parametrize("while_running", [True, False])
def test_second_drop_waits_for_a_word_and_pays_nothing(world: World, while_running: bool) -> None:
    first = world.drop("a.jsonl", FILE)
    world.run_functions() if while_running else world.run_until_over(first)
    second = world.drop("a.jsonl", FILE)
    world.run_until_over(first)
    for _ in range(5):
        world.tick(3_600)

    held = world.job(second)
    assert held.state is JobState.HELD
    assert first in held.reason
    assert len(world.small.billed) == 3
    messages = [each for each in world.published() if each["Subject"].startswith("Job Held")]
    assert len(messages) == 1, "it is told once"
    assert all(each in messages[0]["Message"] for each in ("Approve Job", second, first))


def test_approved_job_runs_and_is_paid(world: World) -> None:
    first_done(world)
    second = world.drop("a.jsonl", FILE)
    world.run_functions()

    assert approve(world.edges, second) == "approved"
    world.run_until_over(second)

    assert world.job(second).state is JobState.COMPLETED
    assert len(world.small.billed) == 6
    assert approve(world.edges, second) == "completed", "a second word does no harm"


def test_approval_whose_message_is_lost_is_seen_by_the_next_tick(world: World) -> None:
    first_done(world)
    second = world.drop("a.jsonl", FILE)
    world.run_functions()
    world.edges.ledger.replace_job(
        world.job(second), world.job(second).with_approval(world.clock())
    )

    world.run_until_over(second)

    assert world.job(second).state is JobState.COMPLETED


def test_held_job_that_is_cancelled_ends_with_a_report(world: World) -> None:
    first_done(world)
    second = world.drop("a.jsonl", FILE)
    world.run_functions()

    assert cancel(world.edges, second) == "cancelling"
    assert approve(world.edges, second) == "held", "what is cancelled is not approved"
    world.run_until_over(second)

    ended = world.job(second)
    assert ended.state is JobState.CANCELLED
    assert world.report(ended)["state"] == "cancelled"
    assert len(world.small.billed) == 3


def test_held_job_that_nobody_approves_ends_after_a_week(world: World) -> None:
    first_done(world)
    second = world.drop("a.jsonl", FILE)
    world.run_functions()
    world.clock.advance(seconds=world.config.held_for.total_seconds() - 60)
    world.tick(30)
    assert world.job(second).state is JobState.HELD

    world.run_until_over(second)

    ended = world.job(second)
    assert ended.state is JobState.CANCELLED
    (problem,) = world.report(ended)["problems"]
    assert problem["code"] == "not_approved"
    assert "duplicate-file=run" in problem["remedy"]
    assert types(world) == ["Job Held", "Job Cancelled"]


def test_job_approved_after_days_has_a_day_of_its_own_and_is_no_old_job(world: World) -> None:
    first_done(world)
    second = world.drop("a.jsonl", FILE)
    world.run_functions()
    world.clock.advance(seconds=timedelta(days=6).total_seconds())
    approve(world.edges, second)

    assert poll(world.edges)["OldestOpenJobSeconds"] == 0
    world.run_until_over(second)

    assert world.job(second).state is JobState.COMPLETED


@pytest.mark.parametrize(
    ("option", "state", "billed"),
    [("run", JobState.COMPLETED, 6), ("reject", JobState.REJECTED, 3)],
)
def test_person_may_say_before_what_becomes_of_it(
    world: World, option: str, state: JobState, billed: int
) -> None:
    first = first_done(world)

    second = world.run_job("a.jsonl", FILE, duplicate_file=option)

    assert second.state is state
    assert len(world.small.billed) == billed
    if state is JobState.REJECTED:
        (problem,) = world.report(second)["problems"]
        assert problem["code"] == "duplicate_file"
        assert first in problem["message"] + problem["remedy"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.jsonl", FILE),  # at another key
        ("a.jsonl", chats(4)),
        ("a.jsonl", FILE.replace(b"hello", b"hallo")),
        ("a.jsonl", FILE + b"\n"),
    ],
    ids=["another name", "one request more", "one letter", "one more line end"],
)
def test_other_file_runs_at_once(world: World, name: str, content: bytes) -> None:
    first_done(world)

    assert world.run_job(name, content).state is JobState.COMPLETED


def test_file_packed_anew_is_the_same_file(world: World) -> None:
    world.run_job("a.jsonl.gz", gzip.compress(FILE, mtime=1))
    second = world.drop("a.jsonl.gz", gzip.compress(FILE, mtime=2))
    world.run_functions()

    assert world.job(second).state is JobState.HELD


def test_same_file_with_other_options_is_the_same_file(world: World) -> None:
    first_done(world)
    second = world.drop("a.jsonl", FILE, max_attempts="1")
    world.run_functions()

    assert world.job(second).state is JobState.HELD
    assert world.job(second).options.max_attempts == 1


@pytest.mark.parametrize("how", ["failed", "cancelled", "rejected", "forgotten"])
def test_file_whose_first_job_came_to_nothing_runs(world: World, how: str) -> None:
    content = lines([chat("a", "small-openai:400")]) if how == "failed" else FILE
    if how == "rejected":
        first = world.run_job("a.jsonl", FILE, bad_lines="nonsense").id
    else:
        first = world.drop("a.jsonl", content)
        world.run_function("intake")
        if how == "cancelled":
            cancel(world.edges, first)
            poll(world.edges)
        world.run_until_over(first)
    if how == "forgotten":
        world.clock.advance(seconds=timedelta(days=31).total_seconds())
    assert how in {world.job(first).state.value, "forgotten"}

    second = world.drop("a.jsonl", content)
    world.run_until_over(second)

    assert world.job(second).state in {JobState.COMPLETED, JobState.FAILED}
    assert "Job Held" not in types(world)


def test_file_whose_job_is_being_cancelled_runs(world: World) -> None:
    first = world.drop("a.jsonl", FILE)
    world.run_functions()
    cancel(world.edges, first)

    second = world.drop("a.jsonl", FILE)
    world.run_until_over(first, second)

    assert world.job(second).state is JobState.COMPLETED
    assert "Job Held" not in types(world)


def test_job_is_not_held_for_itself_wherever_its_intake_dies() -> None:
    with mock_aws():
        whole = Interrupt()
        _taken_in(World(), whole)
    for at in range(1, len(whole.calls) + 1):
        with mock_aws():
            assert _taken_in(World(), Interrupt(at, "after")) is JobState.ACCEPTED, whole.calls[
                at - 1
            ]


def _taken_in(world: World, interrupt: Interrupt) -> JobState:
    session = interrupted_session()
    session.interrupt = interrupt
    version = world.s3.put_object(Bucket=INBOX, Key="inbox/a.jsonl", Body=FILE)["VersionId"]
    interrupt.calls.clear()
    source = Source(bucket=INBOX, key="inbox/a.jsonl", version=version)
    with suppress(Killed):
        take_in(world.connect(session), source)
    session.interrupt = None
    world.clock.advance(seconds=world.config.lease_seconds + 1)
    return take_in(world.edges, source).state


def test_third_drop_is_measured_against_the_last_that_ran(world: World) -> None:
    first_done(world)
    second = world.run_job("a.jsonl", FILE, duplicate_file="run")
    third = world.drop("a.jsonl", FILE)
    world.run_functions()

    assert second.id in world.job(third).reason


def test_two_drops_checked_at_once_run_once() -> None:
    """At each call of the first intake in turn the second one runs whole."""
    with mock_aws():
        states, calls = _race(Interrupt())
    assert states == {JobState.ACCEPTED, JobState.HELD}
    for at in range(1, len(calls) + 1):
        with mock_aws():
            assert _race(Interrupt(at))[0] == states, calls[at - 1]


def _race(interrupt: Interrupt) -> tuple[set[JobState], list[str]]:
    world = World()
    put = [world.s3.put_object(Bucket=INBOX, Key="inbox/a.jsonl", Body=FILE) for _ in range(2)]
    one, two = (
        Source(bucket=INBOX, key="inbox/a.jsonl", version=each["VersionId"]) for each in put
    )
    interrupt.act = lambda place: take_in(world.edges, two)
    session = interrupted_session()
    session.interrupt = interrupt
    take_in(world.connect(session), one)
    session.interrupt = None
    take_in(world.edges, two)
    jobs = [job_id(INBOX, "inbox/a.jsonl", each.identity) for each in (one, two)]
    assert sorted(types(world)) == ["Job Accepted", "Job Held"]
    return {world.job(job).state for job in jobs}, interrupt.calls


def test_function_killed_while_a_job_is_held_and_approved_ends_the_same() -> None:
    with mock_aws():
        calls = Interrupt()
        expected = _held_and_approved(World(), calls)
    assert expected == (JobState.COMPLETED, 6, 1)
    for at in range(1, len(calls.calls) + 1, 2 * WALK_STEP):
        with mock_aws():
            interrupt = Interrupt(at, "after")
            assert _held_and_approved(World(), interrupt) == expected, interrupt.place


def _held_and_approved(world: World, interrupt: Interrupt) -> tuple[JobState, int, int]:
    """The state, what was billed, and how many different notifications said that it is held."""
    session = interrupted_session()
    session.interrupt = None
    first_done(world)
    session.interrupt = interrupt
    edges = world.connect(
        session, transport=InterruptedTransport(interrupt, world.small.transport())
    )
    second = world.drop("a.jsonl", FILE)
    survive(world, edges, second, steps=30)
    session.interrupt = None
    told = {m["Message"] for m in world.published() if m["Subject"].startswith("Job Held")}
    return world.job(second).state, len(world.small.billed), len(told)
