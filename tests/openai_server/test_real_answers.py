"""What was seen of real answers: headers of downloads, empty ids, null fingerprints."""

from collections.abc import Iterator

import httpx
import pytest

from local.openai import SmallOpenAI, serving
from tests.support.batch_files import chat, lines
from tests.support.clock import Clock
from tests.support.small_openai import Json, http, look, results, submit, upload

KEY = {"Authorization": "Bearer sk-test-123456"}
TEN = lines(chat(f"r{n}") for n in range(10))


@pytest.fixture
def client(small: SmallOpenAI) -> httpx.Client:
    return http(small)


@pytest.fixture
def wire(small: SmallOpenAI) -> Iterator[httpx.Client]:
    with serving(small) as url, httpx.Client(base_url=url[:-3], headers=KEY) as client:
        yield client


def test_a_download_names_the_file_and_knows_no_ranges(client: httpx.Client) -> None:
    file = upload(client, TEN, "a b.jsonl")

    answer = client.get(f"/v1/files/{file}/content", headers={"Range": "bytes=5-"})

    assert (answer.status_code, answer.content) == (200, TEN)
    assert answer.headers["content-disposition"] == 'attachment; filename="a b.jsonl"'
    assert {"etag", "accept-ranges", "content-range"}.isdisjoint(answer.headers)


def test_some_downloads_come_in_chunks_without_their_length(wire: httpx.Client) -> None:
    files = [upload(wire, TEN) for _ in range(20)]

    answers = [wire.get(f"/v1/files/{file}/content") for file in files]

    assert {answer.content for answer in answers} == {TEN}
    lengths = {answer.headers.get("content-length") for answer in answers}
    assert lengths == {None, str(len(TEN))}
    chunked = {answer.headers.get("transfer-encoding") for answer in answers}
    assert chunked == {None, "chunked"}


def test_a_connection_is_kept_after_a_chunked_download(wire: httpx.Client) -> None:
    files = [upload(wire, TEN) for _ in range(8)]

    answers = [wire.get(f"/v1/files/{file}/content") for file in files]

    assert "close" not in {answer.headers.get("connection") for answer in answers}


def test_a_dropped_download_is_an_error_with_or_without_its_length(
    small: SmallOpenAI, wire: httpx.Client
) -> None:
    files = [upload(wire, TEN) for _ in range(8)]
    small.misbehave("download_cut", times=len(files), after_bytes=300)

    assert [is_cut(wire, file) for file in files] == [True] * len(files)


def test_a_head_request_has_no_body(wire: httpx.Client) -> None:
    files = [upload(wire, TEN) for _ in range(8)]

    answers = [wire.head(f"/v1/files/{file}/content") for file in files]

    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"")}


def test_a_completed_batch_without_errors_has_an_empty_error_file_id(
    client: httpx.Client, clock: Clock
) -> None:
    batch = submit(client, TEN)
    assert (batch["output_file_id"], batch["error_file_id"]) == (None, None)

    clock.advance(1_000)

    ended = look(client, batch)
    assert ended["output_file_id"].startswith("file-")
    assert ended["error_file_id"] == ""


@pytest.mark.parametrize("seconds", [0, 20])
def test_a_cancelled_batch_has_a_null_id_for_a_file_it_lacks(
    client: httpx.Client, clock: Clock, seconds: float
) -> None:
    batch = submit(client, TEN)
    clock.advance(seconds)
    client.post(f"/v1/batches/{batch['id']}/cancel")

    clock.advance(1_000)

    ended = look(client, batch)
    assert "" not in (ended["output_file_id"], ended["error_file_id"])


def test_a_chat_answer_has_a_null_fingerprint(client: httpx.Client, clock: Clock) -> None:
    batch = submit(client, TEN)

    clock.advance(1_000)

    bodies: list[Json] = [
        line["response"]["body"] for line in results(client, look(client, batch)["output_file_id"])
    ]
    assert [body["system_fingerprint"] for body in bodies] == [None] * 10


def is_cut(client: httpx.Client, file: str) -> bool:
    try:
        client.get(f"/v1/files/{file}/content")
    except httpx.RemoteProtocolError:
        return True
    return False
