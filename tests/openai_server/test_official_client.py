"""The official client drives the small OpenAI unchanged."""

from collections.abc import Iterator
from pathlib import Path

import openai
import orjson
import pytest
from openai import OpenAI

from local.openai import SmallOpenAI, serving
from tests.support.batch_files import chat, lines
from tests.support.clock import Clock


@pytest.fixture
def url(small: SmallOpenAI) -> Iterator[str]:
    with serving(small) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[OpenAI]:
    with OpenAI(api_key="sk-proj-test", base_url=url, max_retries=0) as client:
        yield client


def test_a_file_is_uploaded_retrieved_listed_and_deleted(client: OpenAI) -> None:
    content = lines([chat("a"), chat("b")])

    file = client.files.create(file=("requests.jsonl", content), purpose="batch")

    assert (file.bytes, file.filename, file.purpose) == (len(content), "requests.jsonl", "batch")
    assert file.expires_at == file.created_at + 2_592_000
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == content
    assert [found.id for found in client.files.list(purpose="batch")] == [file.id]
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_bytes_without_a_name_are_uploaded(client: OpenAI) -> None:
    file = client.files.create(file=lines([chat("a")]), purpose="batch")

    assert file.filename == "upload"


def test_a_file_expires(client: OpenAI, clock: Clock) -> None:
    file = client.files.create(
        file=("requests.jsonl", lines([chat("a")])),
        purpose="batch",
        expires_after={"anchor": "created_at", "seconds": 3_600},
    )

    clock.advance(3_600)

    with pytest.raises(openai.NotFoundError):
        client.files.content(file.id)


def test_a_batch_is_created_polled_and_downloaded(client: OpenAI, clock: Clock) -> None:
    content = lines(chat(f"request/{n}", f"Question {n}") for n in range(50))
    file = client.files.create(file=("requests.jsonl", content), purpose="batch")

    batch = client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"job_id": "job", "part": "1", "attempt": "1"},
    )

    assert batch.status == "validating"
    assert batch.expires_at == batch.created_at + 86_400
    clock.advance(20)
    busy = client.batches.retrieve(batch.id)
    assert busy.status == "in_progress"
    assert busy.request_counts
    assert 0 < busy.request_counts.completed < 50
    clock.advance(20)
    done = client.batches.retrieve(batch.id)
    assert (done.status, done.error_file_id) == ("completed", "")
    assert done.request_counts
    assert (done.request_counts.total, done.request_counts.completed) == (50, 50)
    assert done.usage
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens > 0
    answers = _answers(client, done.output_file_id)
    assert sorted(answers) == sorted(f"request/{n}" for n in range(50))
    assert list(answers) != [f"request/{n}" for n in range(50)]
    assert "Question 7" in answers["request/7"]


def test_batches_are_listed_newest_first_page_by_page(client: OpenAI) -> None:
    file = client.files.create(file=("requests.jsonl", lines([chat("a")])), purpose="batch")
    made = [
        client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        ).id
        for _ in range(7)
    ]

    page = client.batches.list(limit=3)

    assert [batch.id for batch in page.data] == made[:-4:-1]
    assert page.has_more
    assert [batch.id for batch in client.batches.list(limit=3)] == made[::-1]


def test_a_cancelled_batch_keeps_what_was_done(client: OpenAI, clock: Clock) -> None:
    content = lines(chat(f"r{n}") for n in range(10))
    file = client.files.create(file=("requests.jsonl", content), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    clock.advance(4 + 15.5)

    assert client.batches.cancel(batch.id).status == "cancelling"

    clock.advance(5)
    ended = client.batches.retrieve(batch.id)
    assert ended.status == "cancelled"
    assert ended.request_counts
    assert (ended.request_counts.total, ended.request_counts.completed) == (10, 5)
    assert len(_answers(client, ended.output_file_id)) == 5
    assert client.batches.cancel(batch.id).status == "cancelled"


def test_a_completed_batch_cannot_be_cancelled(client: OpenAI, clock: Clock) -> None:
    file = client.files.create(file=("requests.jsonl", lines([chat("a")])), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    clock.advance(100)

    with pytest.raises(openai.ConflictError, match="Cannot cancel a batch with status 'completed'"):
        client.batches.cancel(batch.id)


def test_errors_are_the_clients_typed_exceptions(client: OpenAI, small: SmallOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"No batch found with id 'batch_x'\."):
        client.batches.retrieve("batch_x")
    with pytest.raises(openai.BadRequestError, match=r"Must be \.jsonl"):
        client.files.create(file=("requests.jsonl", b""), purpose="batch")
    small.misbehave("rate_limited")
    with pytest.raises(openai.RateLimitError):
        client.batches.list()
    small.misbehave("error_500_before")
    with pytest.raises(openai.InternalServerError):
        client.batches.list()
    small.misbehave("cut_after")
    with pytest.raises(openai.APIConnectionError):
        client.batches.list()
    assert client.batches.list().data == []


def test_a_missing_file_is_refused_at_once_in_openais_words(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.batches.create(
            input_file_id="file-x", endpoint="/v1/chat/completions", completion_window="24h"
        )

    assert refusal.value.param == "file_id"
    assert "Cannot find file file-x, or project" in str(refusal.value)


@pytest.mark.parametrize("key", ["nonsense", "sk-admin-123456"])
def test_a_key_of_the_wrong_kind_is_refused(url: str, key: str) -> None:
    with (
        OpenAI(api_key=key, base_url=url, max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as refusal,
    ):
        client.files.list()

    assert refusal.value.code == "invalid_api_key"


def test_the_client_retries(url: str, small: SmallOpenAI) -> None:
    small.misbehave("error_503_before", times=1, route="list_batches")

    with OpenAI(api_key="sk-test", base_url=url, max_retries=2) as client:
        assert client.batches.list().data == []

    assert [call.status for call in small.calls] == [503, 200]


def test_downloads_stream_to_disk(client: OpenAI, tmp_path: Path) -> None:
    content = lines(chat(f"r{n}", "words " * 200) for n in range(2_000))
    file = client.files.create(file=("requests.jsonl", content), purpose="batch")

    with client.files.with_streaming_response.content(file.id) as response:
        response.stream_to_file(tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == content


def _answers(client: OpenAI, file: str | None) -> dict[str, str]:
    assert file
    found = [orjson.loads(line) for line in client.files.content(file).read().splitlines()]
    return {
        line["custom_id"]: line["response"]["body"]["choices"][0]["message"]["content"]
        for line in found
    }
