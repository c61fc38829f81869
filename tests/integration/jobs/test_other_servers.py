"""What a server that is not OpenAI may want otherwise: windows, endpoints, headers."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from moto import mock_aws

from local.openai import SmallSettings
from shared.errors import ActionRequired
from shared.jobs.edges import JobEdges
from tests.support.batch_files import chat, chats, lines
from tests.support.names import KEY
from tests.support.wires import TwistedWire
from tests.support.world import World

HEADERS = "/batchdrop/headers"
SECRET = "a-secret-of-the-gateway"  # gitleaks:allow - made up
WEEK = SmallSettings(windows=("24h", "7d"), window=7 * 86_400, working=6.5 * 86_400)


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def other_world(windows: str = "24h,7d", **settings: Any) -> World:
    return World(WEEK, {"completion_windows": windows, **settings})


@pytest.mark.parametrize(
    ("windows", "options", "window"),
    [
        ("24h,7d", {}, "24h"),
        ("24h,7d", {"completion_window": "7d"}, "7d"),
        ("7d,24h", {}, "7d"),
        ("7d", {}, "7d"),
    ],
)
def test_batch_has_the_window_that_the_file_asks_for(
    windows: str, options: Mapping[str, str], window: str
) -> None:
    world = other_world(windows)

    world.drop("a.jsonl", chats(2), **options)
    world.run_functions()

    (batch,) = world.small.batches.values()
    assert batch.completion_window == window


@pytest.mark.parametrize("asked", ["9d", "168h", "7", "7D", "", "7d,24h"])
def test_window_that_the_server_does_not_take_is_refused(asked: str) -> None:
    world = other_world()

    job = world.run_job("a.jsonl", chats(2), completion_window=asked)

    report = world.report(job)
    assert job.state == "rejected"
    (problem,) = report["problems"]
    assert (problem["code"], problem["param"]) == ("invalid_option", "completion-window")
    assert "CompletionWindows" in problem["remedy"]


def test_job_with_a_long_window_is_not_called_stuck_after_a_day() -> None:
    world = other_world()
    world.drop("long.jsonl", chats(2), completion_window="7d")
    world.drop("usual.jsonl", chats(3))
    world.run_functions()

    world.tick()
    world.tick(30 * 3_600)
    after_a_day = world.subjects()
    world.tick(5 * 86_400)

    assert after_a_day.count("Part Stuck") == 1
    assert world.subjects().count("Part Stuck") == 1


def test_endpoint_that_the_server_does_not_take_is_refused() -> None:
    world = World(settings={"endpoints": "/v1/chat/completions"})
    request = {**chat("a"), "url": "/v1/responses", "body": {"model": "gpt-5", "input": "Hi"}}

    job = world.run_job("a.jsonl", lines([request]))

    (problem,) = world.report(job)["problems"]
    assert problem["param"] == "url"
    assert problem["remedy"] == "write one of: /v1/chat/completions"
    assert world.run_job("b.jsonl", chats(2)).state == "completed"


def test_endpoint_of_another_server_is_taken() -> None:
    world = World(settings={"endpoints": "/v1/score,/v1/chat/completions"})
    request = {**chat("a"), "url": "/v1/score", "body": {"model": "m", "queries": ["Hi"]}}

    job = world.drop("a.jsonl", lines([request]))
    world.run_function("intake")

    assert [part.endpoint for part in world.edges.ledger.parts(job)] == ["/v1/score"]


def with_headers(world: World, stored: object) -> tuple[JobEdges, list[httpx.Headers]]:
    """Edges, and the headers of every request that they send."""
    value = stored if isinstance(stored, str) else json.dumps(stored)
    world.session.client("ssm").put_parameter(Name=HEADERS, Value=value, Type="SecureString")
    seen: list[httpx.Headers] = []
    wire = TwistedWire(world.small.transport(), before=lambda request: seen.append(request.headers))
    return world.connect(transport=wire), seen


@pytest.fixture
def world(aws: None) -> World:
    return World(settings={"extra_headers": HEADERS})


def test_every_call_carries_the_extra_headers(world: World) -> None:
    edges, seen = with_headers(world, {"api-key": SECRET, "X-Version": "2026-01-01"})
    world.edges = edges

    assert world.run_job("a.jsonl", chats(2)).state == "completed"

    assert len(seen) > 5
    assert {each["api-key"] for each in seen} == {SECRET}
    assert {each["x-version"] for each in seen} == {"2026-01-01"}
    assert {each["authorization"] for each in seen} == {f"Bearer {KEY}"}


def test_authorization_of_a_gateway_counts_instead_of_the_keys(world: World) -> None:
    edges, seen = with_headers(world, {"authorization": f"Bearer {KEY}9"})

    edges.openai.batch_page()

    assert seen[0].get_list("Authorization") == [f"Bearer {KEY}9"]


@pytest.mark.parametrize(
    "stored",
    [
        "",
        SECRET,
        f"api-key: {SECRET}",
        [SECRET],
        {"api-key": [SECRET]},
        {"api-key": 7},
        {"api key": SECRET},
        {"api-key": f"{SECRET}\r\nX: y"},
        {"api-key": ""},
        {"api-key": "é" * 20},
    ],
)
def test_headers_that_no_call_can_carry_are_told_without_them(world: World, stored: object) -> None:
    edges, seen = with_headers(world, stored or " ")

    with pytest.raises(ActionRequired) as told:
        edges.openai.batch_page()

    assert f"the headers can't be read from {HEADERS}" in told.value.reason
    assert SECRET not in str(told.value)
    assert seen == []


def test_header_that_a_server_quotes_is_not_shown(world: World) -> None:
    edges, _ = with_headers(world, {"api-key": SECRET})
    world.small.misbehave("refused", message=f"The key {SECRET} may not do this.")

    with pytest.raises(Exception, match="may not do this") as told:
        edges.openai.batch("batch_1")

    assert SECRET not in str(told.value)
