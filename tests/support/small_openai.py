"""Calls to the small OpenAI as a client makes them."""

from typing import Any

import httpx
import orjson

from local.openai import SmallOpenAI
from tests.support.names import KEY

Json = dict[str, Any]


def http(small: SmallOpenAI, key: str = KEY) -> httpx.Client:
    return httpx.Client(
        transport=small.transport(),
        base_url="http://small",
        headers={"Authorization": f"Bearer {key}"},
    )


def upload(client: httpx.Client, content: bytes, filename: str = "requests.jsonl") -> str:
    answer = client.post(
        "/v1/files", data={"purpose": "batch"}, files={"file": (filename, content)}
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def submit(
    client: httpx.Client, content: bytes, endpoint: str = "/v1/chat/completions", **more: object
) -> Json:
    answer = client.post(
        "/v1/batches",
        json={
            "input_file_id": upload(client, content),
            "endpoint": endpoint,
            "completion_window": "24h",
            **more,
        },
    )
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def look(client: httpx.Client, batch: Json) -> Json:
    answer = client.get(f"/v1/batches/{batch['id']}")
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def results(client: httpx.Client, file: str | None) -> list[Json]:
    if not file:
        return []
    content = client.get(f"/v1/files/{file}/content").content
    return [orjson.loads(line) for line in content.splitlines()]
