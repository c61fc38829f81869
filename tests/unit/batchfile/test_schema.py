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
def test_an_input_is_a_text_or_one_array_of_token_numbers(given: Any, count: int) -> None:
    assert inputs_of(embed(given)) == count


def test_white_space_between_inputs_counts_nothing() -> None:
    assert inputs_of(b'{"body": {"input" : [ "a" , "b" ]}}') == 2
    assert inputs_of(b'{"body": {"input" : [ 1 , 2 ]}}') == 1
    assert inputs_of(b'{"body": {"input" : [ [ 1 ] , [ 2 ] ]}}') == 2
    assert inputs_of(b'{"body": {"input" : [ ]}}') == 0


def test_a_line_without_input_counts_as_one() -> None:
    assert inputs_of(line(url="/v1/embeddings")) == 1


def test_millions_of_inputs_are_counted_in_the_memory_of_their_line() -> None:
    data = b'{"body": {"input": [' + b'"",' * 5_000_000 + b'""]}}'
    tracemalloc.start()

    count = inputs_of(data)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 5_000_001
    assert peak < 3 * len(data)


@pytest.mark.parametrize(("size", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (400, 100)])
def test_four_bytes_are_estimated_as_a_token(size: int, tokens: int) -> None:
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
def test_a_bad_line_may_still_have_a_custom_id(data: bytes, custom_id: str | None) -> None:
    assert custom_id_of(data) == custom_id


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        ({}, True),
        ({"custom_id": "b"}, True),
        ({"custom_id": ""}, False),
        ({"method": "GET"}, False),
        ({"url": "/v1/responses"}, False),
        ({"body": {"model": "gpt-4.1"}}, False),
        ({"body": {"model": "gpt-5-mini", "stream": True}}, False),
        ({"body": {"model": "gpt-5-mini", "stream": False}}, True),
    ],
)
def test_lines_are_alike_if_all_are_good_and_go_the_same_way(
    other: dict[str, Any], alike: bool
) -> None:
    assert all_alike([decode(line()), decode(line(**other))], Limits()) is alike


@pytest.mark.parametrize(
    "changes", [{"url": "/v2"}, {"body": {"model": ""}}, {"body": {"model": "x" * (MAX_MODEL + 1)}}]
)
def test_lines_that_are_bad_alike_are_not_good(changes: dict[str, Any]) -> None:
    assert not all_alike([decode(line(**changes))] * 2, Limits())
