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
        (404, None, "No such File object: f", Meaning.NOT_YET, NotYet),
        (400, None, "File file-1 is in status pending", Meaning.NOT_YET, NotYet),
        (404, None, "No such batch: b", Meaning.MISSING, NotFound),
        (410, None, "", Meaning.MISSING, NotFound),
        (400, "billing_hard_limit_reached", "", Meaning.PERSON, ActionRequired),
        (400, None, "Billing hard limit has been reached", Meaning.PERSON, ActionRequired),
        (402, None, "", Meaning.PERSON, ActionRequired),
        (403, "billing_not_active", "", Meaning.PERSON, ActionRequired),
        (429, None, "You exceeded your current quota, please …", Meaning.PERSON, ActionRequired),
        (400, None, "You have exceeded your file storage quota.", Meaning.PERSON, ActionRequired),
        (413, None, "Project is out of storage", Meaning.PERSON, ActionRequired),
        (302, None, "it redirects to https://other.test", Meaning.PERSON, ActionRequired),
        (405, None, "Method Not Allowed", Meaning.PERSON, ActionRequired),
        (423, None, "", Meaning.PASSING, TryLater),
        (425, None, "", Meaning.PASSING, TryLater),
        (501, None, "", Meaning.PERSON, ActionRequired),
        (413, None, "Request Entity Too Large", Meaning.FINAL, Refused),
        (400, "token_limit_exceeded", "", Meaning.CAPACITY, CapacityExceeded),
        (403, None, FULL, Meaning.CAPACITY, CapacityExceeded),
        (429, None, "Enqueued request limit reached.", Meaning.CAPACITY, CapacityExceeded),
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
        ("The batch enqueued token limit of 30K for the deployment is hit", ("tokens", 30_000)),
        ("Enqueued request limit reached for m. Limit: 200 requests.", ("requests", 200)),
        ("Enqueued token limit reached. Limit: 1.500.000 enqueued tokens.", ("tokens", 1_500_000)),
        ("Enqueued token limit reached. Limit is 2M.", ("tokens", 2_000_000)),
        ("Limit: 1\u202f000\u00a0000 enqueued tokens.", ("tokens", 1_000_000)),
        ("Limit: 1'000'000 enqueued tokens.", ("tokens", 1_000_000)),
        ("Enqueued token limit of 12,5K is hit", ("tokens", 12_500)),
        ("Limit: 900.000,50 enqueued tokens.", ("tokens", 900_000)),
        ("Limit: 1.2.3 enqueued tokens.", ("tokens", None)),
        ("The limit is 10.5.2026 enqueued", ("tokens", None)),
        ("Enqueued token limit: 90,000 tokens. Request limit unchanged.", ("tokens", 90_000)),
        ("Enqueued token limit reached. Limit: 0 enqueued tokens.", ("tokens", None)),
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
    ("code", "message", "error"),
    [
        ("server_error", "The server had an error.", TryLater),
        ("invalid_request", "Cannot find file file-1, or …", NotYet),
        ("rate_limit_exceeded", "Too fast.", TryLater),
        ("billing_hard_limit_reached", "", ActionRequired),
    ],
)
def test_failed_validation_may_pass(code: str, message: str, error: type[Exception]) -> None:
    said: dict[str, object] = {"code": code, "message": message}

    assert type(why_failed(failed(said))) is error
    assert type(why_failed(failed(said, said | {"line": 7}))) is Refused


@pytest.mark.parametrize(
    "errors", [[], [{"code": "model_not_found", "message": "No such model.", "line": 3}]]
)
def test_failed_batch_is_otherwise_refused(errors: list[dict[str, object]]) -> None:
    error = why_failed(failed(*errors))

    assert type(error) is Refused
    assert error.details.code == (errors[0]["code"] if errors else None)
