"""The client against servers that redirect, answer oddly, or fail in other words."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.errors import ActionRequired, OutcomeUnknown, Refused, TryLater
from shared.openai.client import OpenAI, refusal
from shared.openai.retry import LONGEST_ASKED, retry_after
from tests.support.names import KEY

BATCH = {"id": "batch_1", "status": "validating"}
Server = Callable[[httpx.Request], httpx.Response]


def client(server: Server, base: str = "https://gateway.test/v1") -> OpenAI:
    http = httpx.Client(transport=httpx.MockTransport(server), base_url=base)
    return OpenAI(http, lambda: KEY, pause=lambda _: None)  # type: ignore[arg-type]


def create(openai: OpenAI) -> Any:
    return openai.create_batch("file-1", "/v1/embeddings", "24h", {})


def redirecting(status: int, to: str, seen: list[httpx.Request]) -> Server:
    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        if request.url.path.startswith("/moved"):
            return httpx.Response(200, json=BATCH)
        return httpx.Response(status, headers={"Location": to})

    return answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["/moved/1", "https://gateway.test/moved/1"])
def test_reading_follows_a_redirect_within_the_origin(status: int, to: str) -> None:
    seen: list[httpx.Request] = []

    assert client(redirecting(status, to, seen)).batch("batch_1").id == "batch_1"
    assert seen[-1].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [307, 308])
def test_creating_and_uploading_are_sent_whole_to_where_they_moved(status: int) -> None:
    seen: list[httpx.Request] = []
    openai = client(redirecting(status, "/moved", seen))

    create(openai)
    openai.upload("a.jsonl", io.BytesIO(b'{"line": 1}\n'))

    assert [each.method for each in seen] == ["POST"] * 4
    assert seen[0].content == seen[1].content
    assert seen[2].content == seen[3].content


@pytest.mark.parametrize(
    "to",
    [
        "https://other.test/moved?token=secret",
        "http://gateway.test/moved",
        "https://gateway.test:8443/moved",
        "//other.test/moved",
    ],
)
@pytest.mark.parametrize("status", [302, 307])
def test_key_never_goes_to_another_origin(to: str, status: int) -> None:
    seen: list[httpx.Request] = []
    openai = client(redirecting(status, to, seen))

    with pytest.raises(ActionRequired, match="/moved: set the base URL") as raised:
        openai.batch("batch_1")

    assert "secret" not in raised.value.reason
    assert {(each.url.scheme, each.url.host, each.url.port) for each in seen} == {
        ("https", "gateway.test", None)
    }


def test_creating_is_never_turned_into_reading_by_a_redirect() -> None:
    seen: list[httpx.Request] = []

    with pytest.raises(ActionRequired, match="redirects to"):
        create(client(redirecting(302, "/moved", seen)))

    assert [each.method for each in seen] == ["POST"]


def test_redirects_in_a_circle_end() -> None:
    seen: list[httpx.Request] = []

    with pytest.raises(ActionRequired, match="redirects to"):
        client(redirecting(307, "/v1/batches/batch_1", seen)).batch("batch_1")

    assert len(seen) < 10


def test_download_follows_a_redirect_too() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/moved":
            return httpx.Response(200, content=b"bytes")
        return httpx.Response(307, headers={"Location": "/moved"})

    with client(answer).content("file-1") as download:
        assert b"".join(download.chunks()) == b"bytes"


@pytest.mark.parametrize(
    "answer",
    [
        {"id": None, "object": "batch"},
        {"object": "batch"},
        {"id": "batch_1", "status": ["odd"]},
        "accepted",
        [],
        {"ok": True},
    ],
    ids=repr,
)
def test_create_answer_that_cannot_be_read_is_a_lost_answer(answer: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        create(client(lambda _: httpx.Response(200, json=answer)))


def test_upload_answer_that_cannot_be_read_is_a_lost_answer() -> None:
    openai = client(lambda _: httpx.Response(200, json={"object": "file"}))

    with pytest.raises(OutcomeUnknown):
        openai.upload("a.jsonl", io.BytesIO(b"{}\n"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_request", Refused),
        ("server_error", OutcomeUnknown),
        ("rate_limit_exceeded", TryLater),
    ],
)
def test_error_under_http_200_is_a_refusal(code: str, kind: type[Exception]) -> None:
    error = {"error": {"message": "Not today.", "code": code}}

    with pytest.raises(kind, match="Not today") as raised:
        create(client(lambda _: httpx.Response(200, json=error)))

    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"detail": "No such file"}', "No such file"),
        (b'{"detail": [{"msg": "field required"}]}', "field required"),
        (b'{"message": "No such file"}', "No such file"),
        (b'{"error": "No such file"}', "No such file"),
        (b'{"error": {"message": "Real.", "detail": "Other."}}', "Real."),
        (b"upstream not ready", "upstream not ready"),
        (b"<html><h1>502</h1></html>", "Bad Request"),
        (b"", "Bad Request"),
        (b'{"error": {"message": null}}', "Bad Request"),
        (b"\xff\xfe", "\ufffd"),
    ],
)
def test_refusal_says_what_the_server_said(body: bytes, said: str) -> None:
    request = httpx.Request("GET", "https://gateway.test/v1/files")
    response = httpx.Response(400, content=body, request=request)

    assert said in refusal(response).reason
    assert "<" not in refusal(response).reason


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        (" 12 ", 12),
        ("²", None),
        ("٣", None),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("", None),
        ("soon", None),
        ("99999999999999999999", None),
        ("999999999", LONGEST_ASKED.total_seconds()),
        ("Thu, 26 Nov 2026 10:00:30 GMT", 30),
        ("Thu, 26 Nov 2026 09:00:00 GMT", 0),
        ("Fri, 32 Nov 2026 09:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_http_says(text: str, seconds: float | None) -> None:
    waits = retry_after({"Retry-After": text, "Date": "Thu, 26 Nov 2026 10:00:00 GMT"})

    assert waits == (None if seconds is None else timedelta(seconds=seconds))


def test_date_to_retry_at_says_nothing_without_the_answers_own() -> None:
    assert retry_after({"Retry-After": "Thu, 26 Nov 2026 10:00:30 GMT"}) is None
