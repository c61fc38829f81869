"""Requests that are sent again: when, how often, and what is never paid a second time."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from functions.land.retry import MONEY_AWAITED
from shared.jobs.model import JobState
from tests.support.batch_files import chats
from tests.support.wires import TwistedWire, named
from tests.support.world import World

Lines = list[dict[str, Any]]


def rewriting(world: World, change: Callable[[Lines], list[bytes]]) -> TwistedWire:
    """The lines of every file of answers, as a server may write them."""
    wire = TwistedWire(world.small.transport())

    def after(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        if not named(request).endswith("/content") or response.is_error:
            return None
        lines = [json.loads(line) for line in response.content.splitlines()]
        return httpx.Response(200, content=b"".join(each + b"\n" for each in change(lines)))

    def unsized(request: httpx.Request) -> httpx.Response | None:
        is_description = named(request).startswith("GET /v1/files/")
        if is_description and not named(request).endswith("/content"):
            return httpx.Response(404)
        return None

    wire.after, wire.before = after, unsized
    world.edges = world.connect(transport=wire)
    return wire


def as_lines(lines: Lines) -> list[bytes]:
    return [json.dumps(each).encode() for each in lines]


def failing(code: str, status: int = 429) -> Callable[[Lines], list[bytes]]:
    def change(lines: Lines) -> list[bytes]:
        error = {"error": {"code": code, "message": "Not now.", "type": code}}
        answer = {"status_code": status, "request_id": "", "body": error}
        return as_lines([each | {"response": answer, "error": None} for each in lines])

    return change


def test_attempts_wait_longer_each_time(world: World) -> None:
    rewriting(world, failing("rate_limit_exceeded"))
    job = world.drop("a.jsonl", chats(3))

    world.run_until_over(job)

    parts = world.parts(job)
    assert [part.attempt for part in parts] == [1, 2, 3]
    first, second = (
        after.times["submitting"] - before.times["landed"] for before, after in pairwise(parts)
    )
    assert timedelta(minutes=5) <= first < timedelta(minutes=10)
    assert timedelta(hours=1) <= second < timedelta(hours=2)
    report = world.report(world.job(job))
    assert world.job(job).state is JobState.FAILED
    (waited,) = [each for each in report["waited"] if "may pass" in each["reason"]]
    assert waited["seconds"] >= 3_600


def test_parts_that_failed_together_are_not_sent_together(world: World) -> None:
    rewriting(world, failing("rate_limit_exceeded"))
    jobs = [world.drop(f"{n}.jsonl", chats(1)) for n in range(8)]
    world.run_functions()
    for _ in range(4):
        world.tick()

    waiting = [part for job in jobs for part in world.parts(job) if part.attempt == 2]
    assert len({part.due - part.times["waiting"] for part in waiting}) > 4


@pytest.mark.parametrize("code", ["insufficient_quota", "billing_hard_limit_reached"])
def test_want_of_money_costs_no_attempt(world: World, code: str) -> None:
    wire = rewriting(world, failing(code))
    job = world.drop("a.jsonl", chats(3), max_attempts="2")
    world.run_functions()
    for _ in range(40):
        world.tick(seconds=900)
    parts = world.parts(job)
    assert len(parts) > 4
    assert not world.job(job).over
    assert "quota is used up" in parts[-1].reason or parts[-1].batch_id

    wire.after = lambda *_: None
    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED


@pytest.mark.parametrize("attempts", ["1", "3"])
def test_want_of_money_ends_after_days(world: World, attempts: str) -> None:
    rewriting(world, failing("insufficient_quota"))
    job = world.drop("a.jsonl", chats(1), max_attempts=attempts)
    world.run_functions()
    world.tick()
    world.clock.advance(seconds=MONEY_AWAITED.total_seconds())

    world.run_until_over(job)

    assert world.job(job).state is JobState.FAILED


@pytest.mark.parametrize("name", [None, "", "other", 7])
def test_answers_that_name_no_request_are_asked_for_twice_at_most(
    world: World, name: object
) -> None:
    rewriting(world, lambda lines: as_lines([each | {"custom_id": name} for each in lines]))
    job = world.drop("a.jsonl", chats(3), max_attempts="5")

    world.run_until_over(job)

    assert len(world.small.batches) == 2
    (error,) = world.report(world.job(job))["errors"]
    assert "name no request" in error["message"]


@pytest.mark.parametrize(
    "broken",
    [
        lambda line: line[:-1],
        lambda line: line[: len(line) // 2],
        lambda line: line.replace(b'"response"', b'"response', 1),
        lambda line: line + b"}",
        lambda line: line.replace(b'"error"', b'"bad\xff"', 1)[:-1],
    ],
)
def test_answer_that_cannot_be_read_fails_with_its_text_kept(
    world: World, broken: Callable[[bytes], bytes]
) -> None:
    def change(lines: Lines) -> list[bytes]:
        first, *rest = (json.dumps({"custom_id": each["custom_id"]} | each) for each in lines)
        return [broken(first.encode()), *(each.encode() for each in rest)]

    rewriting(world, change)
    job = world.drop("a.jsonl", chats(3))

    world.run_until_over(job)

    assert len(world.small.batches) == 1
    assert world.job(job).state is JobState.COMPLETED_WITH_FAILURES
    failed = [each for each in world.results(world.job(job)) if each["error"]]
    assert [each["error"]["code"] for each in failed] == ["unreadable_answer"]
    assert "custom_id" in failed[0]["error"]["message"]


@pytest.mark.parametrize("order", ["failure first", "success first"])
def test_success_replaces_a_failure_of_the_same_request(world: World, order: str) -> None:
    def change(lines: Lines) -> list[bytes]:
        doubled: Lines = []
        for each in lines:
            error = {"code": "server_error", "message": "Odd."}
            failure = each | {"response": None, "error": error}
            doubled += [failure, each] if order == "failure first" else [each, failure]
        return as_lines(doubled)

    rewriting(world, change)
    job = world.drop("a.jsonl", chats(3))

    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED
    assert len(world.small.billed) == 3
    assert world.report(world.job(job))["extra_answers"] == 3


def test_attempts_are_left_after_money_was_wanting(world: World) -> None:
    codes = ["insufficient_quota"] * 3 + ["server_error"]
    wire = rewriting(world, as_lines)
    answered = wire.after

    def after(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        if not named(request).endswith("/content") or not codes:
            return answered(request, response)
        change = failing(codes.pop(0))
        lines = change([json.loads(line) for line in response.content.splitlines()])
        return httpx.Response(200, content=b"".join(each + b"\n" for each in lines))

    wire.after = after
    job = world.drop("a.jsonl", chats(2), max_attempts="2")

    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED
