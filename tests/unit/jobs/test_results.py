"""Answers are read however odd they are, and judged."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.results import Answer, Fate, lines_of, read_answer, stand_in
from shared.text import LONGEST
from tests.support.answers import OK, answer, http
from tests.support.splits import bounded


@pytest.mark.parametrize(
    ("response", "error", "fate"),
    [
        (OK, None, Fate.SUCCEEDED),
        ({"status_code": 299}, None, Fate.SUCCEEDED),
        ({"status_code": 200, "body": "odd"}, None, Fate.SUCCEEDED),
        ({"status_code": 200, "body": {"usage": "odd"}}, None, Fate.SUCCEEDED),
        ({"status_code": 200.0}, None, Fate.SUCCEEDED),
        ({"status_code": "200"}, None, Fate.SUCCEEDED),
        (http(400), None, Fate.FAILED),
        (http(404), None, Fate.FAILED),
        (http(300), None, Fate.FAILED),
        (http(0), None, Fate.MAY_SUCCEED),
        (http(408), None, Fate.MAY_SUCCEED),
        (http(429), None, Fate.MAY_SUCCEED),
        (http(500), None, Fate.MAY_SUCCEED),
        (http(503), None, Fate.MAY_SUCCEED),
        (http("odd"), None, Fate.MAY_SUCCEED),
        (http([]), None, Fate.MAY_SUCCEED),
        (http(float("inf")), None, Fate.MAY_SUCCEED),
        ({}, None, Fate.MAY_SUCCEED),
        ("odd", None, Fate.MAY_SUCCEED),
        (None, None, Fate.MAY_SUCCEED),
        (None, {"code": "batch_expired"}, Fate.MAY_SUCCEED),
        (None, {"code": "request_timeout"}, Fate.MAY_SUCCEED),
        (None, {"code": "missing_result"}, Fate.MAY_SUCCEED),
        (None, {"code": "batch_cancelled"}, Fate.FAILED),
        (None, {"code": "nobody knows"}, Fate.FAILED),
        (None, {"code": 17}, Fate.FAILED),
        (None, {}, Fate.FAILED),
        (None, "odd", Fate.FAILED),
        (OK, {"code": "odd"}, Fate.FAILED),
    ],
)
def test_answer_has_a_fate(response: Any, error: Any, fate: Fate) -> None:
    assert answer(response, error).fate is fate


@pytest.mark.parametrize(
    ("response", "error", "failure"),
    [
        (None, {"code": "c", "message": "m"}, ("c", "m")),
        (None, {"code": 17}, ("17", "no message")),
        (None, {"code": [17], "message": {"a": 1}}, ("[17]", "{'a': 1}")),
        (None, {"code": None, "message": ["m"]}, ("http_0", "['m']")),
        (None, "text", ("http_0", "text")),
        (None, ["text"], ("http_0", "['text']")),
        (http(400, code="c", message="m", type="t"), None, ("c", "m")),
        (http(400, message="m", type="t"), None, ("t", "m")),
        (http(400, message="m"), None, ("http_400", "m")),
        ({"status_code": 400, "body": None}, None, ("http_400", "no message")),
        ({"status_code": 400, "body": {"error": "odd"}}, None, ("http_400", "no message")),
        (None, {"code": "x" * 999, "message": "y"}, ("x" * (LONGEST - 1) + "…", "y")),
    ],
)
def test_failed_answer_has_a_code_and_a_message(
    response: Any, error: Any, failure: tuple[str, str]
) -> None:
    assert answer(response, error).failure == failure


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


@pytest.mark.parametrize("custom_id", ["a", "ü/😀", 'quote"\\', "\0", "x" * 5_000])
def test_stand_in_is_a_line_like_others(custom_id: str) -> None:
    line = stand_in(custom_id, "missing_result", "Nobody said anything.")

    assert b"\n" not in line
    assert json.loads(line) == {
        "id": None,
        "custom_id": custom_id,
        "response": None,
        "error": {"code": "missing_result", "message": "Nobody said anything."},
    }
    assert answer(error={"code": "missing_result"}, custom_id=custom_id).custom_id == custom_id
    assert read_answer(line) == answer(
        None, {"code": "missing_result", "message": "Nobody said anything."}, custom_id
    )


@bounded
@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\n\n", b" ", b"\r", b"bcd"])),
    st.integers(1, 5),
)
def test_lines_of_any_chunks_are_whole(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    chunks = [data[at : at + size] for at in range(0, len(data), size)]

    assert list(lines_of(chunks)) == [each for each in data.split(b"\n") if each.strip()]
