"""Answers are read however odd they are, and judged."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batchfile.schema import ENDPOINTS
from shared.jobs.answer import read_answer
from shared.jobs.results import CONTENT, Fate, lines_of, stand_in
from shared.text import LONGEST
from tests.support.answers import OK, answer, body, http, judged
from tests.support.splits import bounded

SERVER_ERROR = {"code": "server_error", "message": "An error occurred. You can retry."}
CHOICE = {"finish_reason": "stop", "message": {"content": "Hello."}}
WHOLE = {
    "choices": [CHOICE],
    "output": [{"type": "message"}],
    "data": [{"index": 0}],
    "results": [{"flagged": False}],
    "id": "video_1",
}


@pytest.mark.parametrize(
    ("response", "error", "fate"),
    [
        (OK, None, Fate.SUCCEEDED),
        (OK | {"status_code": 299}, None, Fate.SUCCEEDED),
        (OK | {"status_code": 200.0}, None, Fate.SUCCEEDED),
        (OK | {"status_code": "200"}, None, Fate.SUCCEEDED),
        (OK, {}, Fate.SUCCEEDED),
        ({"status_code": 200}, None, Fate.FAILED),
        ({"status_code": 200, "body": None}, None, Fate.FAILED),
        ({"status_code": 200, "body": ""}, None, Fate.FAILED),
        ({"status_code": 200, "body": {}}, None, Fate.FAILED),
        ({"status_code": 200, "body": []}, None, Fate.FAILED),
        ({"status_code": 200, "body": "odd"}, None, Fate.FAILED),
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
    assert judged(response, error).fate is fate


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
        ({"status_code": 400, "body": {"error": "odd"}}, None, ("http_400", "odd")),
        ({"status_code": 400, "body": {"detail": "odd"}}, None, ("http_400", "odd")),
        ({"status_code": 400, "body": {"message": "odd"}}, None, ("http_400", "odd")),
        ({"status_code": 502, "body": "Bad gateway"}, None, ("http_502", "Bad gateway")),
        (body(), None, ("no_answer", "the answer is empty")),
        (body(detail="Overloaded"), None, ("no_answer", "Overloaded")),
        (None, {"code": "x" * 999, "message": "y"}, ("x" * (LONGEST - 1) + "…", "y")),
    ],
)
def test_failed_answer_has_a_code_and_a_message(
    response: Any, error: Any, failure: tuple[str, str]
) -> None:
    found = judged(response, error)

    assert (found.code, found.message) == failure


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_answer_without_its_endpoints_content_is_a_failure(endpoint: str) -> None:
    where = CONTENT[endpoint]
    without = {name: each for name, each in WHOLE.items() if name != where}

    assert judged(body(**WHOLE), endpoint=endpoint).fate is Fate.SUCCEEDED
    assert judged(body(**without), endpoint=endpoint).fate is Fate.FAILED
    assert judged(body(**without | {where: []}), endpoint=endpoint).fate is Fate.FAILED
    assert judged(body(**without | {where: None}), endpoint=endpoint).fate is Fate.FAILED


@pytest.mark.parametrize(
    "choices",
    [[None], ["odd"], {}, "odd", 7, [{}], [{"message": None}], [{"text": None}], [CHOICE, {}]],
)
def test_choices_that_are_none_are_no_answer(choices: Any) -> None:
    assert judged(body(choices=choices)).code == "no_answer"


@pytest.mark.parametrize("inside", [{"foo": 1}, "Some words.", ["a"], {"error": None, "x": []}])
def test_any_body_is_an_answer_at_an_unknown_endpoint(inside: Any) -> None:
    assert judged({"status_code": 200, "body": inside}, endpoint="/v1/new").fate is Fate.SUCCEEDED


@pytest.mark.parametrize("endpoint", ["/v1/responses", "/v1/chat/completions", "/v1/new"])
@pytest.mark.parametrize(
    ("fields", "fate", "code"),
    [
        ({"status": "failed", "error": SERVER_ERROR}, Fate.MAY_SUCCEED, "server_error"),
        ({"error": {"code": "rate_limit_exceeded"}}, Fate.MAY_SUCCEED, "rate_limit_exceeded"),
        ({"error": {"type": "server_error", "code": None}}, Fate.MAY_SUCCEED, "server_error"),
        ({"error": {"code": 503, "message": "Busy."}}, Fate.MAY_SUCCEED, "503"),
        ({"error": {"code": "429"}}, Fate.MAY_SUCCEED, "429"),
        ({"error": {"code": "invalid_prompt"}, "status": "failed"}, Fate.FAILED, "invalid_prompt"),
        ({"error": {"code": 400}}, Fate.FAILED, "400"),
        ({"error": "It broke."}, Fate.FAILED, "error"),
        ({"status": "failed"}, Fate.FAILED, "failed"),
        ({"status": "FAILED", "error": {}}, Fate.FAILED, "failed"),
        ({"status": "cancelled"}, Fate.FAILED, "cancelled"),
        ({"object": "error", "message": "No."}, Fate.FAILED, "error"),
    ],
)
def test_failure_with_http_200_is_no_success(
    endpoint: str, fields: dict[str, Any], fate: Fate, code: str
) -> None:
    found = judged(body(**WHOLE | fields), endpoint=endpoint)

    assert (found.fate, found.code) == (fate, code)


def test_failed_body_that_is_a_json_text_is_no_success() -> None:
    failed = json.dumps({"status": "failed", "error": SERVER_ERROR, "output": []})
    whole = json.dumps({"choices": [CHOICE]})

    assert judged({"status_code": 200, "body": failed}).code == "server_error"
    assert judged({"status_code": 200, "body": whole}).fate is Fate.SUCCEEDED


@pytest.mark.parametrize(
    ("endpoint", "fields", "reason"),
    [
        ("/v1/chat/completions", {"choices": [CHOICE | {"finish_reason": "length"}]}, "length"),
        (
            "/v1/completions",
            {"choices": [CHOICE, CHOICE | {"finish_reason": "content_filter"}]},
            "content_filter",
        ),
        ("/v1/responses", {"status": "incomplete", "output": []}, "incomplete"),
        (
            "/v1/responses",
            {
                "status": "incomplete",
                "incomplete_details": {"reason": "max_output_tokens"},
                "output": [],
            },
            "max_output_tokens",
        ),
        ("/v1/videos", {"id": "video_1", "status": "queued"}, "queued"),
        ("/v1/chat/completions", {"choices": [CHOICE]}, ""),
        ("/v1/chat/completions", {"choices": [CHOICE | {"message": {"content": None}}]}, ""),
        ("/v1/completions", {"choices": [{"text": "", "finish_reason": "stop"}]}, ""),
        ("/v1/responses", {"status": "completed", "output": [{}]}, ""),
    ],
)
def test_incomplete_answer_succeeds_and_says_why(
    endpoint: str, fields: dict[str, Any], reason: str
) -> None:
    found = judged(body(**fields), endpoint=endpoint)

    assert (found.fate, found.incomplete) == (Fate.SUCCEEDED, reason)


def test_response_that_is_still_queued_is_no_answer() -> None:
    found = judged(body(status="queued", output=[]), endpoint="/v1/responses")

    assert (found.fate, found.message) == (Fate.FAILED, "its status is 'queued'")


def test_choice_that_ended_in_an_error_is_a_failure() -> None:
    assert judged(body(choices=[CHOICE | {"finish_reason": "error"}])).fate is Fate.FAILED


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
