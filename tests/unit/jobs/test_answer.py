"""Answers are read however odd they are, and no odd fact hides another."""

import json

import pytest

from shared.jobs.answer import Answer, Body, StatedUsage, read_answer
from tests.support.answers import answer


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"\xff",
        b"[]",
        b"{}",
        b'{"custom_id": null}',
        b'{"custom_id": 5}',
        b'{"custom_id": "a"',
        b"[" * 100_000,
        b'{"x":' * 100_000,
        *(b'{"custom_id": "a", "x": ' + b"[" * n + b"]" * n + b"}" for n in (600, 2_000, 100_000)),
    ],
)
def test_line_without_custom_id_is_no_answer(line: bytes) -> None:
    assert read_answer(line) is None


def test_an_answer_may_be_nested_as_deeply_as_we_allow() -> None:
    line = b'{"custom_id": "a", "x": ' + b"[" * 500 + b"]" * 500 + b"}"

    assert read_answer(line) == Answer(custom_id="a")


def test_answer_that_is_not_utf8_is_an_answer() -> None:
    found = read_answer(
        b'{"custom_id": "a", "response": {"status_code": 200, "body": {"x": "\xff"}}}'
    )

    assert found == answer({"status_code": 200, "body": {}})


@pytest.mark.parametrize(
    "odd",
    [
        {"error": "It broke."},
        {"choices": "none"},
        {"data": [None]},
        {"message": {"role": "assistant"}},
        {"incomplete_details": "odd"},
        {"usage": {"prompt_tokens": 3.0, "completion_tokens": "2"}},
        {"note": "\ud800"},
    ],
)
def test_usage_is_read_beside_whatever_is_odd(odd: dict[str, object]) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}

    found = answer({"status_code": 200, "body": {"usage": usage} | odd})

    assert found.usage is not None
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (3, 2)


def test_usage_is_read_beside_a_number_that_is_none() -> None:
    line = b'{"custom_id": "a", "response": {"status_code": 200, "body": {"score": NaN, '

    found = read_answer(line + b'"usage": {"prompt_tokens": 3}}}}')

    assert found is not None
    assert found.usage == StatedUsage(prompt_tokens=3)


def test_body_that_is_a_json_text_is_read() -> None:
    inside = {"status": "failed", "usage": {"input_tokens": 5}}

    found = answer({"status_code": 200, "body": json.dumps(inside)})

    assert found.body == Body(status="failed", usage=StatedUsage(input_tokens=5))


@pytest.mark.parametrize("text", ["Hello.", "[1]", "7", '{"x": 1', '{"x":' * 600 + "1" + "}" * 600])
def test_body_that_is_another_text_stays_a_text(text: str) -> None:
    assert answer({"status_code": 200, "body": text}).body == text
