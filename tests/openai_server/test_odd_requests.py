"""Requests that crashed the small OpenAI once: each gets an answer, and the server goes on."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from local.openai import SmallOpenAI, serving
from tests.support.batch_files import lines
from tests.support.clock import Clock
from tests.support.small_openai import Json, http, look, results, submit

HEAD = "Host: small\r\nAuthorization: Bearer sk-test-123456\r\n"


@pytest.fixture
def client(small: SmallOpenAI) -> httpx.Client:
    return http(small)


@pytest.fixture
def store(client: httpx.Client) -> str:
    return str(client.post("/v1/vector_stores", json={}).json()["id"])


@pytest.fixture
def url(small: SmallOpenAI) -> Iterator[str]:
    with serving(small) as url:
        yield url


@pytest.mark.parametrize("key", [7, None, [], {}, True, 1.5])
def test_a_filter_on_a_key_that_is_no_text_is_refused(
    client: httpx.Client, store: str, key: object
) -> None:
    filters = {"type": "eq", "key": key, "value": "x"}

    answer = client.post(
        f"/v1/vector_stores/{store}/search", json={"query": "x", "filters": filters}
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] in {"filters.key", "key"}


@pytest.mark.parametrize("method", ["TRACE", "PUT", "OPTIONS", "PROPFIND", "X"])
def test_method_that_is_not_served_is_refused_as_json(url: str, method: str) -> None:
    answer = httpx.request(method, f"{url}/files", headers={"Authorization": "Bearer sk-test"})

    assert answer.status_code == 405
    assert f"Invalid method for URL ({method} /v1/files)" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["", "/{store}/file_batches"])
@pytest.mark.parametrize("ids", [[{}], [[]], [None], [7], ["file-x", {}]])
def test_file_ids_that_are_no_texts_are_refused(
    client: httpx.Client, store: str, path: str, ids: list[object]
) -> None:
    answer = client.post(f"/v1/vector_stores{path.format(store=store)}", json={"file_ids": ids})

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == f"file_ids[{len(ids) - 1}]"


@pytest.mark.parametrize("path", ["/v1//files", "/v1/files//content", "/v1/batches//"])
def test_an_empty_path_segment_is_an_unknown_url(client: httpx.Client, path: str) -> None:
    answer = client.get(httpx.URL(f"http://small{path}"), follow_redirects=False)

    assert (answer.status_code, answer.json()["error"]["message"]) == (
        404,
        f"Invalid URL (GET {path})",
    )


@pytest.mark.parametrize("path", ["files", "batches", "vector_stores", "organization/audit_logs"])
@pytest.mark.parametrize("limit", ["9" * 5_000, "-" + "9" * 5_000, "9" * 30])
def test_a_limit_of_many_digits_is_out_of_range(small: SmallOpenAI, path: str, limit: str) -> None:
    key = "sk-admin-123456" if "organization" in path else "sk-test-123456"

    answer = http(small, key).get(f"/v1/{path}", params={"limit": limit})

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "limit")


@pytest.mark.parametrize("length", ["abc", "-1", "1e3", "", " ", "9" * 5_000, "0x10", "1, 1"])
def test_a_content_length_that_is_no_number_is_refused(url: str, length: str) -> None:
    answer = exchange(url, f"POST /v1/batches HTTP/1.1\r\n{HEAD}Content-Length: {length}\r\n\r\n")

    assert answer.startswith("HTTP/1.1 400 ")
    assert "Invalid Content-Length" in answer
    assert httpx.get(f"{url}/files", headers={"Authorization": "Bearer sk-x"}).status_code == 200


@pytest.mark.parametrize("body", ["zz\r\n{}\r\n0\r\n\r\n", "-5\r\n{}\r\n", "\r\n\r\n"])
def test_a_malformed_chunk_is_refused(url: str, body: str) -> None:
    request = f"POST /v1/batches HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n{body}"

    assert exchange(url, request).startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "PATCH"])
def test_another_method_is_refused_in_openais_words(client: httpx.Client, method: str) -> None:
    answer = client.request(method, "/v1/files")

    assert answer.status_code == 405
    assert answer.json()["error"] == {
        "message": f"Invalid method for URL ({method} /v1/files)",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def test_one_odd_line_fails_alone(client: httpx.Client, store: str, clock: Clock) -> None:
    requests = [question("good", store)]
    keys: list[object] = [7, [], {}]
    requests += [question(repr(key), store, {"type": "eq", "key": key}) for key in keys]
    batch = submit(client, lines(requests), "/v1/responses")

    clock.advance(100)

    ended = look(client, batch)
    failed = results(client, ended["error_file_id"])
    assert ended["request_counts"] == {"total": 4, "completed": 1, "failed": 3}
    assert {line["response"]["status_code"] for line in failed} == {400}


def question(custom_id: str, store: str, filters: Json | None = None) -> Json:
    tool = {"type": "file_search", "vector_store_ids": [store], "filters": filters}
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/responses",
        "body": {"model": "gpt-5-mini", "input": "Who purrs?", "tools": [tool]},
    }


def exchange(url: str, request: str) -> str:
    """What the server sends before it closes the connection, or is silent for a second."""
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=5) as connection:
        connection.sendall(request.encode())
        connection.settimeout(1)
        received = b""
        try:
            while data := connection.recv(65_536):
                received += data
        except TimeoutError:
            pass
    return received.decode()
