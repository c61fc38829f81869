"""What a good line counts for."""

import tracemalloc
from typing import Any

import pytest

from shared.batchfile.schema import (
    MAX_MODEL,
    Limits,
    all_alike,
    custom_id_of,
    decode,
    inputs_of,
    tokens_of,
)
from tests.support.splits import line


def embed(given: Any) -> bytes:
    return line(url="/v1/embeddings", body={"model": "m", "input": given})


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ("one text", 1),
        ("", 1),
        (None, 1),
        (7, 1),
        ([], 0),
        (["a"], 1),
        (["a", "b, c", 'd"e', "f\\", '\\"', "", "[g]"], 7),
        ([1], 1),
        ([1, 2, 3], 1),
        ([-1, 2], 1),
        ([[1, 2], [3]], 2),
        ([[], [1], []], 3),
        ([{"a": 1}, {"b": 2}], 2),
        ([None, None], 2),
    ],
)
def test_inputs_of_counts_texts_and_arrays_of_tokens(given: Any, count: int) -> None:
    assert inputs_of(embed(given)) == count


def test_inputs_of_ignores_white_space() -> None:
    assert inputs_of(b'{"body": {"input" : [ "a" , "b" ]}}') == 2
    assert inputs_of(b'{"body": {"input" : [ 1 , 2 ]}}') == 1
    assert inputs_of(b'{"body": {"input" : [ [ 1 ] , [ 2 ] ]}}') == 2
    assert inputs_of(b'{"body": {"input" : [ ]}}') == 0


def test_inputs_of_a_line_without_input_is_one() -> None:
    assert inputs_of(line(url="/v1/embeddings")) == 1


def test_inputs_of_millions_needs_no_more_memory_than_the_line() -> None:
    data = b'{"body": {"input": [' + b'"",' * 5_000_000 + b'""]}}'
    tracemalloc.start()

    count = inputs_of(data)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 5_000_001
    assert peak < 3 * len(data)


@pytest.mark.parametrize(("size", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (400, 100)])
def test_tokens_of_counts_four_bytes_as_a_token(size: int, tokens: int) -> None:
    assert tokens_of(size) == tokens


@pytest.mark.parametrize(
    ("data", "custom_id"),
    [
        (line(method="GET"), "a"),
        (b'{"custom_id": "a", "body": "\xff"}', "a"),
        (line(custom_id=""), None),
        (line(custom_id=1), None),
        (b"nonsense", None),
        (b"[" * 1_000_000, None),
    ],
)
def test_custom_id_of_a_bad_line_is_read_if_it_has_one(data: bytes, custom_id: str | None) -> None:
    assert custom_id_of(data) == custom_id


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        ({}, True),
        ({"custom_id": "b"}, True),
        ({"custom_id": ""}, False),
        ({"url": "/v1/responses"}, False),
        ({"body": {"model": "gpt-4.1"}}, False),
        ({"body": {"model": "gpt-5-mini", "stream": True}}, False),
        ({"body": {"model": "gpt-5-mini", "stream": False}}, True),
    ],
)
def test_all_alike_needs_good_lines_of_one_endpoint_and_model(
    other: dict[str, Any], alike: bool
) -> None:
    assert all_alike([decode(line()), decode(line(**other))], Limits()) is alike


@pytest.mark.parametrize(
    "changes", [{"url": "/v2"}, {"body": {"model": ""}}, {"body": {"model": "x" * (MAX_MODEL + 1)}}]
)
def test_all_alike_is_false_for_lines_that_are_all_bad(changes: dict[str, Any]) -> None:
    assert not all_alike([decode(line(**changes))] * 2, Limits())
