"""Builders for the tests of the small OpenAI: a clock, a client, batch files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from local.openai import SmallOpenAI

Json = dict[str, Any]


@dataclass
class Clock:
    """Time that a test moves."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds

    def ticks(self, seconds: float, step: float) -> Iterator[float]:
        """The moments from now on, `step` seconds apart."""
        start = self.now
        while self.now <= start + seconds:
            yield self.now
            self.advance(step)


def http(small: SmallOpenAI, key: str = "sk-test-123456") -> httpx.Client:
    return httpx.Client(
        transport=small.transport(),
        base_url="http://small",
        headers={"Authorization": f"Bearer {key}"},
    )


def chat(custom_id: str, text: str = "Say hello", **body: object) -> Json:
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "gpt-5-mini",
            "messages": [{"role": "user", "content": text}],
            **body,
        },
    }


def lines(requests: Iterable[object]) -> bytes:
    return b"".join(orjson.dumps(request) + b"\n" for request in requests)


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
