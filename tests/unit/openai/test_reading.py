"""OpenAI's answers, read however odd: what decides strictly, the rest as far as it makes sense."""

from typing import Any

import pytest

from shared.errors import OutcomeUnknown, TryLater
from shared.openai.lists import walk
from shared.openai.models import Batch, BatchPage, File, FilePage
from shared.openai.reading import error_in, read


@pytest.mark.parametrize(
    "odd",
    [
        {"metadata": ""},
        {"metadata": ["a"]},
        {"usage": "none"},
        {"usage": {"input_tokens": "many", "input_tokens_details": 7}},
        {"usage": {"input_tokens": 1.5}},
        {"created_at": "yesterday"},
        {"created_at": 10**30},
        {"created_at": {"seconds": 1}},
        {"created_at": float("nan")},
        {"errors": []},
        {"errors": [{"message": "No."}]},
        {"errors": "No."},
        {"errors": {"data": "No."}},
        {"errors": {"data": [7, {"message": "No."}]}},
        {"request_counts": []},
        {"request_counts": {"total": "ten"}},
        {"expires_at": "soon"},
        {"endpoint": {"path": "/v1"}},
    ],
    ids=repr,
)
def test_field_that_decides_nothing_may_be_odd(odd: dict[str, Any]) -> None:
    batch = Batch.model_validate({"id": "batch_1", "status": "failed", **odd})

    assert (batch.id, batch.status) == ("batch_1", "failed")
    assert batch.created.year >= 1970
    assert all(each.message in {"No.", None} for each in batch.problems)


@pytest.mark.parametrize(
    "odd",
    [
        {"id": None},
        {"id": ""},
        {"id": ["batch_1"]},
        {"status": {"now": "failed"}},
        {"output_file_id": {"id": "file-1"}},
        {"error_file_id": ["file-1"]},
    ],
    ids=repr,
)
def test_answer_without_what_decides_is_no_answer(odd: dict[str, Any]) -> None:
    with pytest.raises(OutcomeUnknown, match="can't be read"):
        read(Batch, {"id": "batch_1", **odd}, "POST /batches")


@pytest.mark.parametrize("answer", [None, 7, "ok", [], {}, {"object": "batch"}, {"error": None}])
def test_anything_else_is_no_answer(answer: Any) -> None:
    with pytest.raises(OutcomeUnknown, match="POST /batches: the answer can't be read"):
        read(Batch, answer, "POST /batches")


@pytest.mark.parametrize(
    ("created_at", "seconds"),
    [
        (1_700_000_000, 1_700_000_000),
        ("1700000000", 1_700_000_000),
        (1_700_000_000.9, 1_700_000_000),
        (1_700_000_000_123, 1_700_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000),
        ("2023-11-14T22:13:20", 1_700_000_000),
    ],
)
def test_time_is_read_in_whatever_form(created_at: Any, seconds: int) -> None:
    assert Batch.model_validate({"id": "b", "created_at": created_at}).created_at == seconds


@pytest.mark.parametrize("status", ["COMPLETED", "Completed", " completed\n"])
def test_status_is_compared_in_lower_case(status: str) -> None:
    assert Batch.model_validate({"id": "b", "status": status}).ended


def test_wrapped_object_is_taken_out() -> None:
    assert read(Batch, {"job": {"id": "batch_1"}}, "POST /batches").id == "batch_1"


@pytest.mark.parametrize("kind", [BatchPage, FilePage])
def test_entries_of_a_list_are_read_one_by_one(kind: type[BatchPage | FilePage]) -> None:
    odd: list[Any] = [None, 7, "batch_2", [], {}, {"id": None}, {"id": "d", "status": ["odd"]}]
    page = kind.model_validate({"data": [{"id": "a"}, *odd, {"id": "z", "metadata": ""}]})

    assert {"a", "z"} <= {each.id for each in page.data} <= {"a", "z", "d"}


def test_list_may_come_without_its_envelope() -> None:
    page = read(BatchPage, [{"id": "a"}, {"id": "b"}], "GET /batches")

    assert [each.id for each in page.data] == ["a", "b"]
    assert page.after is None


@pytest.mark.parametrize(
    "answer", [{}, {"data": None}, {"data": {}}, {"data": [], "has_more": "?"}]
)
def test_answer_without_a_list_is_no_empty_list(answer: Any) -> None:
    with pytest.raises(TryLater):
        read(BatchPage, answer, "GET /batches")


def pages(*given: dict[str, Any]) -> dict[str | None, dict[str, Any]]:
    return dict(zip([None, *(each.get("last_id") for each in given)], given, strict=False))


def files(*ids: str) -> list[dict[str, Any]]:
    return [{"id": each} for each in ids]


def test_list_is_walked_to_its_end() -> None:
    server = pages(
        {"data": files("a", "b"), "last_id": "b", "has_more": True},
        {"data": files("c"), "last_id": "c", "has_more": False},
    )

    found = walk(lambda after: FilePage.model_validate(server[after]), "the list")

    assert [each.id for page in found for each in page.data] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(lambda _: {"data": files("a"), "has_more": True}, id="ignores after"),
        pytest.param(lambda _: {"data": [], "has_more": True}, id="more, and gives nothing"),
        pytest.param(
            lambda after: {"data": files("b" if after == "a" else "a"), "has_more": True},
            id="to and fro",
        ),
        pytest.param(
            lambda after: {"data": files("a") if after is None else [], "has_more": True},
            id="nothing on the second page",
        ),
    ],
)
def test_list_that_does_not_advance_ends_and_is_not_known(server: Any) -> None:
    asked: list[str | None] = []

    def page_after(after: str | None) -> FilePage:
        asked.append(after)
        return FilePage.model_validate(server(after))

    with pytest.raises(TryLater, match="does not advance"):
        list(walk(page_after, "the list of files"))

    assert len(asked) <= 3


@pytest.mark.parametrize(
    ("answer", "message", "code"),
    [
        ({"error": {"message": "No.", "code": "c"}}, "No.", "c"),
        ({"error": "No."}, "No.", None),
        ({"error": {"message": "No.", "code": 7}}, "No.", 7),
        ({"detail": "No."}, "No.", None),
        ({"detail": [{"loc": ["body"], "msg": "No."}]}, "No.", None),
        ({"message": "No.", "code": "c"}, "No.", "c"),
        ({"errors": [{"message": "No.", "code": "c"}]}, "No.", "c"),
        ({"error": {"message": "No."}, "detail": "Other."}, "No.", None),
        ({"error": {}, "detail": "No."}, "No.", None),
        ("No.", "No.", None),
    ],
)
def test_error_is_found_in_the_usual_places(answer: Any, message: str, code: Any) -> None:
    found = error_in(answer) or {}

    assert (found.get("message"), found.get("code")) == (message, code)


@pytest.mark.parametrize("answer", [{}, {"error": None}, [], "", {"error": {}}, 7, None])
def test_answer_that_says_nothing_has_no_error(answer: Any) -> None:
    assert error_in(answer) is None


def test_file_may_be_an_id_and_nothing_else() -> None:
    assert read(File, {"id": "file-1", "bytes": "?", "created_at": None}, "GET").bytes == 0
