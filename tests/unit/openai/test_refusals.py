"""Each refusal of OpenAI becomes the error that says what to do, with its facts."""

from datetime import timedelta

import pytest

from shared.errors import (
    ActionRequired,
    CapacityExceeded,
    Details,
    NotFound,
    NotYet,
    OutcomeUnknown,
    Refused,
    TryLater,
)
from shared.openai.models import Batch
from shared.openai.refusals import Meaning, Refusal, enqueued_limit, why_failed

FULL = (
    "Enqueued token limit reached for gpt-4.1 in organization org-1. "
    "Limit: 900,000 enqueued tokens. Please try again once some in_progress batches have completed."
)


def refusal(status: int, code: str | None = None, message: str = "") -> Refusal:
    return Refusal(Details(status, code, message), "POST /v1/batches", timedelta(seconds=7))


def failed(*errors: dict[str, object]) -> Batch:
    listed = {"data": list(errors)}
    return Batch.model_validate({"id": "batch_1", "status": "failed", "errors": listed})


@pytest.mark.parametrize(
    ("status", "code", "message", "meaning", "error"),
    [
        (401, "invalid_api_key", "", Meaning.KEY, ActionRequired),
        (403, None, "Cannot find file f", Meaning.KEY, ActionRequired),
        (429, "insufficient_quota", "", Meaning.PERSON, ActionRequired),
        (429, "token_limit_exceeded", FULL, Meaning.CAPACITY, CapacityExceeded),
        (429, "rate_limit_exceeded", "", Meaning.PASSING, TryLater),
        (408, None, "", Meaning.PASSING, TryLater),
        (500, "server_error", "Cannot find file f", Meaning.OUTCOME_UNKNOWN, OutcomeUnknown),
        (599, None, "", Meaning.OUTCOME_UNKNOWN, OutcomeUnknown),
        (400, None, "Cannot find file f, or …", Meaning.NOT_YET, NotYet),
        (404, None, "No such File object: f", Meaning.MISSING, NotFound),
        (409, None, "Cannot cancel", Meaning.FINAL, Refused),
        (400, "invalid_value", "Invalid value", Meaning.FINAL, Refused),
    ],
)
def test_refusal_of_a_call_becomes_its_error(
    status: int, code: str | None, message: str, meaning: Meaning, error: type[Exception]
) -> None:
    refused = refusal(status, code, message)

    assert refused.meaning is meaning
    assert type(refused.as_error()) is error


def test_error_carries_what_openai_answered() -> None:
    details = Details(429, "rate_limit_exceeded", "Slow down.", "req_1")

    error = Refusal(details, "GET /v1/batches", timedelta(seconds=7)).as_error()

    assert isinstance(error, TryLater)
    assert (error.details, error.after) == (details, timedelta(seconds=7))
    assert error.reason == "GET /v1/batches: HTTP 429 Slow down."
    assert error.__notes__ == ["OpenAI request req_1"]


def test_refused_key_says_what_to_do_behind_a_long_answer() -> None:
    reason = refusal(401, message="x" * 5_000).as_error().reason

    assert reason.endswith("(is the stored key right, active and for this project?)")
    assert len(reason) < 500


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (FULL, ("tokens", 900_000)),
        ("Limit: 1,000,000 enqueued requests.", ("requests", 1_000_000)),
        ("Limit: 90000 enqueued", ("tokens", 90_000)),
        ("Limit: , enqueued tokens", ("tokens", None)),
        ("", ("tokens", None)),
    ],
)
def test_enqueued_limit_is_read_with_its_unit(
    message: str, expected: tuple[str, int | None]
) -> None:
    assert enqueued_limit(message) == expected


def test_one_capacity_error_decides_why_a_batch_failed() -> None:
    other: dict[str, object] = {"code": "invalid_request", "message": "odd"}

    error = why_failed(failed(other, {"code": "token_limit_exceeded", "message": FULL}))

    assert isinstance(error, CapacityExceeded)
    assert (error.unit, error.limit, error.reason) == ("tokens", 900_000, FULL)


def test_capacity_refusal_without_text_still_has_a_reason() -> None:
    error = why_failed(failed({"code": "token_limit_exceeded"}))

    assert (error.reason, getattr(error, "limit", 0)) == ("enqueued token limit reached", None)


@pytest.mark.parametrize(
    "errors", [[], [{"code": "model_not_found", "message": "No such model.", "line": 3}]]
)
def test_failed_batch_is_otherwise_refused(errors: list[dict[str, object]]) -> None:
    error = why_failed(failed(*errors))

    assert type(error) is Refused
    assert error.details.code == (errors[0]["code"] if errors else None)
