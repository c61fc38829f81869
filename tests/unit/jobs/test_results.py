"""Answers are read however odd they are, judged, counted and grouped."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.answer_counts import GROUPS, AnswerCounts, Usage
from shared.jobs.results import Answer, Fate, lines_of, read_answer, stand_in
from shared.text import LONGEST
from tests.support.splits import bounded

OK = {"status_code": 200, "body": {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}}


def answer(response: Any = None, error: Any = None, custom_id: Any = "a") -> Answer:
    found = read_answer(
        json.dumps({"custom_id": custom_id, "response": response, "error": error}).encode()
    )
    assert found is not None
    return found


def http(status: Any, **error: Any) -> dict[str, Any]:
    return {"status_code": status, "body": {"error": error}}


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
def test_an_answer_has_a_fate(response: Any, error: Any, fate: Fate) -> None:
    assert answer(response, error).fate is fate


@pytest.mark.parametrize(
    ("response", "error", "complaint"),
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
def test_a_failure_complains_in_code_and_words(
    response: Any, error: Any, complaint: tuple[str, str]
) -> None:
    assert answer(response, error).complaint == complaint


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
def test_a_line_that_names_no_request_is_no_answer(line: bytes) -> None:
    assert read_answer(line) is None


def test_an_answer_may_be_nested_as_deeply_as_we_allow() -> None:
    line = b'{"custom_id": "a", "x": ' + b"[" * 500 + b"]" * 500 + b"}"

    assert read_answer(line) == Answer(custom_id="a")


def test_an_answer_whose_text_is_no_utf8_is_an_answer() -> None:
    found = read_answer(
        b'{"custom_id": "a", "response": {"status_code": 200, "body": {"x": "\xff"}}}'
    )

    assert found == answer({"status_code": 200, "body": {}})


@pytest.mark.parametrize("custom_id", ["a", "ü/😀", 'quote"\\', "\0", "x" * 5_000])
def test_a_request_without_answer_gets_a_line_like_others(custom_id: str) -> None:
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


def test_a_tally_counts_successes_failures_and_tokens_by_model() -> None:
    counts = AnswerCounts()
    responses = {"status_code": 200, "body": {"usage": {"input_tokens": 5, "output_tokens": 7}}}

    told = [
        counts.add(answer(OK), "m1", 1),
        counts.add(answer(OK), "m1", 2),
        counts.add(answer(responses), "m2", 3),
        counts.add(answer(http(400, code="c", message="m")), "m2", 4),
        counts.add(answer({"status_code": 200, "body": None}), "m3", 5),
        counts.add(answer({"status_code": 500, "body": OK["body"]}), "m1", 6),
    ]

    assert told == [True, True, True, False, True, False]
    assert (counts.succeeded, counts.failed) == (4, 2)
    assert counts.usage == {
        "m1": Usage(input_tokens=9, output_tokens=6),
        "m2": Usage(input_tokens=5, output_tokens=7),
    }


def test_failures_alike_are_one_group_with_its_first_example() -> None:
    counts = AnswerCounts()

    counts.add(answer(http(400, code="c", message="m"), custom_id="first"), "m", 3)
    counts.add(answer(http(500, code="d", message="m")), "m", 4)
    counts.add(answer(http(500, code="d", message="m")), "m", 5)
    counts.add(answer(http(500, code="d", message="m")), "m", 6)
    counts.add(answer(http(400, code="c", message="m")), "m", 9)

    assert [
        (each.code, each.count, each.example_custom_id, each.example_line) for each in counts.groups
    ] == [("d", 3, "a", 4), ("c", 2, "first", 3)]


def test_groups_are_bounded_and_the_rest_is_counted_together() -> None:
    counts = AnswerCounts()

    list(
        map(
            counts.add,
            map(answer, map(http, range(1_000, 1_000 + GROUPS + 20))),
            "m" * 99,
            range(1, 99),
        )
    )
    counts.add(answer(http(1_000)), "m", 99)

    assert len(counts.groups) == GROUPS + 1
    assert (counts.groups[0].code, counts.groups[0].count) == ("other", 20)
    assert (counts.groups[1].code, counts.groups[1].count) == ("http_1000", 2)


@bounded
@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\n\n", b" ", b"\r", b"bcd"])),
    st.integers(1, 5),
)
def test_lines_come_whole_however_they_are_cut(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    chunks = [data[at : at + size] for at in range(0, len(data), size)]

    assert list(lines_of(chunks)) == [each for each in data.split(b"\n") if each.strip()]
