"""What the API answers is read whatever is missing, empty or new."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.openai.models import (
    ENDED,
    Batch,
    BatchPage,
    BatchStatus,
    FilePage,
)


def batch(**fields: Any) -> Batch:
    return Batch.model_validate({"id": "batch_1"} | fields)


def test_batch_may_be_an_id_and_nothing_else() -> None:
    bare = batch()

    assert (bare.status, bare.ended, bare.problems, bare.metadata) == ("", False, [], None)
    assert (bare.counts.total, bare.counts.completed, bare.counts.failed) == (0, 0, 0)
    assert bare.created == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("field", ["input_file_id", "output_file_id", "error_file_id"])
@pytest.mark.parametrize("value", ["", None])
def test_empty_file_id_is_none(field: str, value: str | None) -> None:
    assert getattr(batch(**{field: value}), field) is None


@pytest.mark.parametrize("status", list(BatchStatus))
def test_batch_has_ended_in_four_of_the_known_statuses(status: BatchStatus) -> None:
    assert batch(status=status.value).ended is (
        status.value in {"failed", "completed", "expired", "cancelled"}
    )
    assert len(ENDED) == 4


@pytest.mark.parametrize("status", ["paused", "cancelled_by_admin"])
def test_unknown_status_is_kept_and_is_not_the_end(status: str) -> None:
    assert batch(status=status).status == status
    assert not batch(status=status).ended


@pytest.mark.parametrize(
    "fields",
    [
        {"errors": None},
        {"errors": {}},
        {"errors": {"object": "list", "data": []}},
        {"request_counts": None},
        {"usage": None},
        {"metadata": None},
        {"model": None, "in_progress_at": None, "expires_at": None},
        {"new_field": {"a": [1]}},
        {"usage": {"input_tokens": 1, "input_tokens_details": None, "new": 2}},
    ],
)
def test_batch_is_read_with_absent_null_or_new_fields(fields: dict[str, Any]) -> None:
    assert batch(**fields).id == "batch_1"


def test_batch_errors_keep_line_code_param_and_message() -> None:
    error = {"code": "invalid_url", "message": "No.", "param": "url", "line": 3}

    (found,) = batch(errors={"data": [error]}).problems

    assert found.model_dump() == error


@pytest.mark.parametrize("page", [BatchPage, FilePage])
def test_page_may_be_empty(page: type[BatchPage] | type[FilePage]) -> None:
    empty = page.model_validate({"object": "list", "data": [], "last_id": ""})

    assert (empty.data, empty.last_id, empty.has_more) == ([], None, False)


@pytest.mark.parametrize(
    "odd",
    [
        {"errors": {"data": None}},
        {"errors": {"data": [{"code": 7, "message": None, "line": None}]}},
        {"request_counts": {"total": None, "completed": 1}},
        {"status": None},
        {"metadata": {"team": 7, "tags": ["a"]}},
        {"usage": {"input_tokens": None, "input_tokens_details": None}},
        {"created_at": None},
    ],
)
def test_batch_is_read_with_null_or_number_instead_of_text(
    odd: dict[str, object],
) -> None:
    assert Batch.model_validate({"id": "batch_1", **odd}).id == "batch_1"
