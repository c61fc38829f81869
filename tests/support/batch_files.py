"""Builders of batch files."""

import json
from collections.abc import Iterable
from typing import Any


def chat(custom_id: str, text: str = "Say hello", **body: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "gpt-5-mini", "messages": messages, **body},
    }


def question(text: str, *stores: str, model: str = "gpt-5-mini") -> dict[str, Any]:
    """Asks stores, or libraries by `library:<name>`; its custom_id is its text."""
    tool = {"type": "file_search", "vector_store_ids": list(stores)}
    body = {"model": model, "input": text, "tools": [tool]}
    return {"custom_id": text, "method": "POST", "url": "/v1/responses", "body": body}


def lines(requests: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in requests)


def chats(count: int, **body: Any) -> bytes:
    return lines(chat(f"r/{number}", **body) for number in range(1, count + 1))
