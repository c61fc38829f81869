"""HTTP 200 is not success: the body of an answer decides, whatever the endpoint."""

from typing import Any

import pytest
from moto import mock_aws

from tests.support.batch_files import chat, lines
from tests.support.world import World


def response(custom_id: str, fate: str) -> dict[str, Any]:
    body = {"model": "gpt-5-mini", "input": "Hello", "user": f"small-openai:{fate}"}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/responses", "body": body}


def completion(custom_id: str, fate: str) -> dict[str, Any]:
    return chat(custom_id, user=f"small-openai:{fate}")


@pytest.mark.parametrize("ask", [response, completion])
@pytest.mark.parametrize("fate", ["failed-body", "error-body"])
def test_server_error_in_a_200_is_asked_again_and_succeeds(
    world: World, ask: Any, fate: str
) -> None:
    requests = [ask("a", f"{fate}-once"), ask("b", "good"), ask("c", f"{fate}-until-attempt-3")]

    job = world.run_job("file.jsonl", lines(requests))

    counts = world.report(job)["requests"]
    assert (counts["succeeded"], counts["failed"], counts["retried"]) == (3, 0, 2)
    assert len(world.small.billed) == 3


@pytest.mark.parametrize("ask", [response, completion])
@pytest.mark.parametrize(
    ("fate", "code"),
    [
        ("failed-body", "server_error"),
        ("refused-body", "invalid_prompt"),
        ("null-body", "no_answer"),
        ("empty-body", "no_answer"),
    ],
)
def test_failure_in_a_200_is_counted_and_listed_as_a_failure(
    world: World, ask: Any, fate: str, code: str
) -> None:
    job = world.run_job("file.jsonl", lines([ask("a", fate), ask("b", "good")]))

    report = world.report(job)
    assert (report["requests"]["succeeded"], report["requests"]["failed"]) == (1, 1)
    assert [each["code"] for each in report["errors"]] == [code]
    assert b'"a"' in world.read(f"{job.results_prefix}errors.jsonl")


@pytest.mark.parametrize(
    ("ask", "reason"), [(response, "max_output_tokens"), (completion, "length")]
)
def test_incomplete_answers_succeed_and_are_told_apart(world: World, ask: Any, reason: str) -> None:
    job = world.run_job("file.jsonl", lines([ask("a", "incomplete"), ask("b", "good")]))

    report = world.report(job)
    assert (report["requests"]["succeeded"], report["requests"]["incomplete"]) == (2, 1)
    assert report["incomplete"] == {reason: 1}
    assert f"1 × {reason}" in world.read(f"{job.results_prefix}report.html").decode()


@pytest.mark.parametrize("ask", [response, completion])
def test_body_that_is_a_json_text_is_an_answer_with_its_tokens(world: World, ask: Any) -> None:
    job = world.run_job("file.jsonl", lines([ask("a", "text-body")]))

    report = world.report(job)
    counted = (report["usage"]["input_tokens"], report["usage"]["output_tokens"])
    (part,) = report["parts"]
    assert report["requests"]["succeeded"] == 1
    assert counted == (part["input_tokens"], part["output_tokens"]) > (0, 0)


@pytest.mark.parametrize("ask", [response, completion])
def test_tokens_that_no_answer_states_are_unknown_and_so_is_the_cost(
    world: World, ask: Any
) -> None:
    job = world.run_job("file.jsonl", lines([ask("a", "no-usage")]))

    report = world.report(job)
    assert (report["usage"]["input_tokens"], report["cost"]["usd"]) == (None, None)
    assert "$0.00<" not in world.read(f"{job.results_prefix}report.html").decode()
    *_, ended = world.published()
    assert "$" not in ended["Message"]


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        ({"openai_base_url": "http://gateway.test/v1"}, False),
        ({"openai_base_url": "http://gateway.test/v1", "prices": "openai"}, True),
        ({"prices": "none"}, False),
        ({}, True),
    ],
)
def test_prices_of_openai_are_shown_for_openai_alone(settings: Any, known: bool) -> None:
    with mock_aws():
        world = World(settings=settings)
        job = world.run_job("file.jsonl", lines([chat("a")]))

        assert (world.report(job)["cost"]["usd"] is not None) == known
