"""Every answer is strictly of the official client's own type and has no other fields."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import BaseModel, types
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from openai.types.vector_stores import VectorStoreFile, VectorStoreFileBatch

from local.openai import SmallOpenAI
from tests.support.batch_files import chat, lines
from tests.support.clock import Clock
from tests.support.small_openai import Json, http, look, results, submit, upload

BEYOND = {".store", ".description"}  # seen in answers, and in the documentation's examples
HI = {"role": "user", "content": "Hi"}
BATCHED: list[tuple[str, Json, type[BaseModel]]] = [
    ("/v1/chat/completions", {"messages": [HI]}, ChatCompletion),
    ("/v1/chat/completions", {"messages": [HI], "n": 3}, ChatCompletion),
    ("/v1/completions", {"prompt": "Hi", "n": 2}, types.Completion),
    ("/v1/responses", {"input": "Hi"}, Response),
    (
        "/v1/responses",
        {"input": [HI], "instructions": "Be brief.", "metadata": {"a": "b"}},
        Response,
    ),
    ("/v1/embeddings", {"input": ["a", "b"]}, types.CreateEmbeddingResponse),
    ("/v1/embeddings", {"input": [1, 2, 3], "dimensions": 12}, types.CreateEmbeddingResponse),
    ("/v1/moderations", {"input": "Hi"}, types.ModerationCreateResponse),
    ("/v1/moderations", {"input": ["Hi", "flag me"]}, types.ModerationCreateResponse),
    (
        "/v1/moderations",
        {"input": [{"type": "text", "text": "Hi"}]},
        types.ModerationCreateResponse,
    ),
    ("/v1/images/generations", {"prompt": "A cat", "n": 2}, types.ImagesResponse),
    ("/v1/images/edits", {"prompt": "A cat", "images": []}, types.ImagesResponse),
    ("/v1/videos", {"prompt": "A cat"}, types.Video),
    ("/v1/videos", {"prompt": "A cat", "seconds": "8", "size": "1280x720"}, types.Video),
]


@pytest.fixture
def client(small: SmallOpenAI) -> httpx.Client:
    return http(small)


@pytest.mark.parametrize(("endpoint", "body", "model"), BATCHED)
def test_a_batched_answer_is_of_its_type(
    client: httpx.Client, clock: Clock, endpoint: str, body: Json, model: type[BaseModel]
) -> None:
    line = {"custom_id": "a", "method": "POST", "url": endpoint, "body": {"model": "m", **body}}
    batch = submit(client, lines([line]), endpoint)

    clock.advance(100)

    ended = look(client, batch)
    (answered,) = results(client, ended["output_file_id"])
    assert_is_strictly(model, answered["response"]["body"])


@pytest.mark.parametrize(
    "quirk", [None, "all_failed", "validation_fails", "expires_partly", "cancelled_by_someone"]
)
def test_a_batch_is_of_its_type_at_every_moment(
    small: SmallOpenAI, client: httpx.Client, clock: Clock, quirk: str | None
) -> None:
    if quirk:
        small.misbehave(quirk)
    batch = submit(client, lines(chat(f"r{n}") for n in range(10)), metadata={"job_id": "j"})

    for _ in clock.ticks(60, 3):
        assert_is_strictly(types.Batch, look(client, batch))
    clock.advance(days=2)
    assert_is_strictly(types.Batch, look(client, batch))


def test_a_file_is_of_its_type(client: httpx.Client) -> None:
    file = upload(client, lines([chat("a")]))

    assert_is_strictly(types.FileObject, client.get(f"/v1/files/{file}").json())
    assert_is_strictly(types.FileDeleted, client.delete(f"/v1/files/{file}").json())


def test_what_vector_stores_answer_is_of_its_type(client: httpx.Client, clock: Clock) -> None:
    file = client.post(
        "/v1/files", data={"purpose": "assistants"}, files={"file": ("a.md", b"Cats purr.")}
    ).json()["id"]
    expiry = {"anchor": "last_active_at", "days": 3}
    made = client.post("/v1/vector_stores", json={"name": "n", "expires_after": expiry}).json()
    store = f"/v1/vector_stores/{made['id']}"

    attached = client.post(f"{store}/files", json={"file_id": file}).json()
    batch = client.post(f"{store}/file_batches", json={"file_ids": [file]}).json()
    clock.advance(100)

    assert_is_strictly(types.VectorStore, made)
    assert_is_strictly(types.VectorStore, client.get(store).json())
    assert_is_strictly(VectorStoreFile, attached)
    assert_is_strictly(VectorStoreFile, client.get(f"{store}/files/{file}").json())
    assert_is_strictly(VectorStoreFileBatch, batch)
    (hit,) = client.post(f"{store}/search", json={"query": "cats"}).json()["data"]
    assert_is_strictly(types.VectorStoreSearchResponse, hit)
    deleted = client.delete(store).json()
    assert_is_strictly(types.VectorStoreDeleted, deleted)


def assert_is_strictly(model: type[BaseModel], answer: Json) -> None:
    parsed = model.model_validate(answer, strict=True)

    assert set(unknown_fields(parsed)) <= BEYOND


def unknown_fields(value: Any, path: str = "") -> Iterator[str]:
    """Fields that the client's types do not have."""
    if isinstance(value, BaseModel):
        yield from (f"{path}.{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from unknown_fields(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from unknown_fields(item, f"{path}[{at}]")
