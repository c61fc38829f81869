"""Answers are counted as they pass: successes, failures, tokens and kinds of errors."""

from itertools import repeat
from typing import Any

import pytest

from shared.jobs.answer import Answer
from shared.jobs.answer_counts import GROUPS, REASONS, UNKNOWN, AnswerCounts, Usage
from shared.jobs.results import judge
from tests.support.answers import CHAT, OK, SAID, answer, body, http


def add(counts: AnswerCounts, found: Answer, model: str, line: int, endpoint: str = CHAT) -> bool:
    return counts.add(found, judge(found, endpoint), model, line)


def test_counts_hold_successes_failures_and_tokens_by_model() -> None:
    counts = AnswerCounts()
    response = answer(body(output=[{}], usage={"input_tokens": 5, "output_tokens": 7}))

    succeeded = [
        add(counts, answer(OK), "m1", 1),
        add(counts, answer(OK), "m1", 2),
        add(counts, response, "m2", 3, "/v1/responses"),
        add(counts, answer(http(400, code="c", message="m")), "m2", 4),
        add(counts, answer(body(choices=[SAID])), "m3", 5),
        add(counts, answer({"status_code": 500, "body": OK["body"]}), "m1", 6),
    ]

    assert succeeded == [True, True, True, False, True, False]
    assert (counts.succeeded, counts.failed) == (4, 2)
    assert counts.usage == {
        "m1": Usage(input_tokens=9, output_tokens=6, cached_tokens=None, cache_write_tokens=None),
        "m2": Usage(input_tokens=5, output_tokens=7, cached_tokens=None, cache_write_tokens=None),
        "m3": UNKNOWN.model_copy(update={"unstated": 1}),
    }


def test_equal_failures_are_one_group_with_its_first_example() -> None:
    counts = AnswerCounts()

    add(counts, answer(http(400, code="c", message="m"), custom_id="first"), "m", 3)
    add(counts, answer(http(500, code="d", message="m")), "m", 4)
    add(counts, answer(http(500, code="d", message="m")), "m", 5)
    add(counts, answer(http(500, code="d", message="m")), "m", 6)
    add(counts, answer(http(400, code="c", message="m")), "m", 9)

    assert [
        (each.code, each.count, each.example_custom_id, each.example_line) for each in counts.groups
    ] == [("d", 3, "a", 4), ("c", 2, "first", 3)]


def test_error_groups_are_bounded_and_the_rest_is_one_group() -> None:
    counts = AnswerCounts()

    failures = map(answer, map(http, range(1_000, 1_000 + GROUPS + 20)))

    list(map(add, repeat(counts), failures, "m" * 99, range(1, 99)))
    add(counts, answer(http(1_000)), "m", 99)

    assert len(counts.groups) == GROUPS + 1
    assert (counts.groups[0].code, counts.groups[0].count) == ("other", 20)
    assert (counts.groups[1].code, counts.groups[1].count) == ("http_1000", 2)


def test_incomplete_answers_are_counted_by_their_reason_and_succeed() -> None:
    counts = AnswerCounts()

    for number, reason in enumerate(["length", "length", "content_filter", "stop"], 1):
        add(counts, answer(body(choices=[SAID | {"finish_reason": reason}])), "m", number)

    assert (counts.succeeded, counts.failed) == (4, 0)
    assert counts.incomplete == {"length": 2, "content_filter": 1}


def test_reasons_for_incomplete_answers_are_bounded() -> None:
    counts = AnswerCounts()

    for number in range(REASONS + 5):
        odd = body(status="incomplete", incomplete_details={"reason": f"reason-{number}"})
        add(counts, answer(odd), "m", number, "/v1/responses")

    assert len(counts.incomplete) == REASONS + 1
    assert counts.incomplete["other"] == 5


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
            },
            (9, 1, 4, 2, 0),
        ),
        (
            {
                "input_tokens": 9,
                "output_tokens": 1,
                "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
            },
            (9, 1, 4, 2, 0),
        ),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}}, (9, 0, 0, None, 0)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (0, 0, None, None, 0)),
        ({"prompt_tokens": 9, "prompt_tokens_details": None}, (9, 0, None, None, 0)),
        ({"prompt_tokens": 9.0, "prompt_tokens_details": "odd"}, (9, 0, None, None, 0)),
        ({"prompt_tokens": None, "completion_tokens": None}, (None, None, None, None, 1)),
        ({}, (None, None, None, None, 1)),
        (None, (None, None, None, None, 1)),
        ("odd", (None, None, None, None, 1)),
    ],
)
def test_tokens_are_those_an_answer_states_and_unknown_otherwise(
    usage: Any, expected: tuple[int | None, ...]
) -> None:
    counts = AnswerCounts()

    add(counts, answer(body(choices=[SAID], usage=usage)), "m", 1)

    assert tuple(counts.usage["m"].model_dump().values()) == expected


def test_tokens_of_some_answers_are_summed_and_the_others_counted() -> None:
    counts = AnswerCounts()
    details = {"cached_tokens": 4}

    for usage in (
        {"prompt_tokens": 9, "prompt_tokens_details": details},
        None,
        {"input_tokens": 1},
    ):
        add(counts, answer(body(choices=[SAID], usage=usage)), "m", 1)
    add(counts, answer(http(400)), "m", 1)

    found = counts.usage["m"]
    assert (found.input_tokens, found.cached_tokens, found.unstated) == (10, 4, 1)


def test_failure_that_states_no_tokens_cost_none() -> None:
    counts = AnswerCounts()

    add(counts, answer(http(400)), "m", 1)

    assert counts.usage == {}
