"""Answers that are not text: vectors, verdicts, pictures, films."""

import hashlib

import orjson

from local.openai.batches.prompt import Asked, count, response_usage, tokens
from local.openai.http.messages import Json


def embeddings(asked: Asked) -> Json:
    given = asked.body["input"]
    inputs = given if isinstance(given, list) and not _is_tokens(given) else [given]
    size = min(int(asked.body.get("dimensions") or 8), 8)
    spent = sum(tokens(item) for item in inputs)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _vector(item, size)}
            for index, item in enumerate(inputs)
        ],
        "model": asked.model,
        "usage": {"prompt_tokens": spent, "total_tokens": spent},
    }


def moderation(asked: Asked) -> Json:
    given = asked.body["input"]
    results = [
        {
            "flagged": "flag me" in str(item),
            "categories": {"violence": "flag me" in str(item), "harassment": False},
            "category_scores": {"violence": 0.9 if "flag me" in str(item) else 0.0},
        }
        for item in (given if isinstance(given, list) else [given])
    ]
    return {"id": f"modr-{asked.print[:24]}", "model": asked.model, "results": results}


def image(asked: Asked) -> Json:
    image = {"b64_json": "iVBORw0KGgo=", "revised_prompt": None}
    return {
        "created": asked.created,
        "data": [image] * count(asked),
        "usage": response_usage(tokens(asked.body), 100),
    }


def video(asked: Asked) -> Json:
    return {
        "id": f"video_{asked.print[:32]}",
        "object": "video",
        "created_at": asked.created,
        "status": "completed",
        "model": asked.model,
        "progress": 100,
        "seconds": str(asked.body.get("seconds", "4")),
        "size": asked.body.get("size", "720x1280"),
    }


def _is_tokens(given: list[object]) -> bool:
    return all(isinstance(item, int) for item in given)


def _vector(item: object, size: int) -> list[float]:
    digest = hashlib.blake2s(orjson.dumps(item)).digest()
    return [round(byte / 127.5 - 1, 6) for byte in digest[:size]]
