"""Answers are counted as they pass: successes, failures, tokens and kinds of errors."""

from shared.jobs.answer_counts import GROUPS, AnswerCounts, Usage
from tests.support.answers import OK, answer, http


def test_counts_hold_successes_failures_and_tokens_by_model() -> None:
    counts = AnswerCounts()
    responses = {"status_code": 200, "body": {"usage": {"input_tokens": 5, "output_tokens": 7}}}

    succeeded = [
        counts.add(answer(OK), "m1", 1),
        counts.add(answer(OK), "m1", 2),
        counts.add(answer(responses), "m2", 3),
        counts.add(answer(http(400, code="c", message="m")), "m2", 4),
        counts.add(answer({"status_code": 200, "body": None}), "m3", 5),
        counts.add(answer({"status_code": 500, "body": OK["body"]}), "m1", 6),
    ]

    assert succeeded == [True, True, True, False, True, False]
    assert (counts.succeeded, counts.failed) == (4, 2)
    assert counts.usage == {
        "m1": Usage(input_tokens=9, output_tokens=6),
        "m2": Usage(input_tokens=5, output_tokens=7),
    }


def test_equal_failures_are_one_group_with_its_first_example() -> None:
    counts = AnswerCounts()

    counts.add(answer(http(400, code="c", message="m"), custom_id="first"), "m", 3)
    counts.add(answer(http(500, code="d", message="m")), "m", 4)
    counts.add(answer(http(500, code="d", message="m")), "m", 5)
    counts.add(answer(http(500, code="d", message="m")), "m", 6)
    counts.add(answer(http(400, code="c", message="m")), "m", 9)

    assert [
        (each.code, each.count, each.example_custom_id, each.example_line) for each in counts.groups
    ] == [("d", 3, "a", 4), ("c", 2, "first", 3)]


def test_error_groups_are_bounded_and_the_rest_is_one_group() -> None:
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
