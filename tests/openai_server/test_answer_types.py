"""Every answer is strictly of the official client's own type and has no other fields."""

import httpx
import pytest
from openai import BaseModel, types
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from local.openai import SmallOpenAI
from tests.support.batch_files import chat, lines
from tests.support.clock import Clock
from tests.support.small_openai import Json, http, look, results, submit
from tests.support.strict_types import assert_is_strictly

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
    line = {
        "custom_id": "a",
        "method": "POST",
        "url": endpoint,
        "body": {"model": "gpt-5-mini", **body},
    }
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
