"""Answers that are not text: embeddings, moderations, images, videos."""

import hashlib

import orjson

from local.openai.http.messages import Json
from local.openai.inference.prompt import Prompt, choices, response_usage, tokens


def embeddings(prompt: Prompt) -> Json:
    inputs = prompt.body["input"]
    if not isinstance(inputs, list) or _is_tokens(inputs):
        inputs = [inputs]
    size = min(int(prompt.body.get("dimensions") or 8), 8)
    spent = sum(tokens(item) for item in inputs)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _vector(item, size)}
            for index, item in enumerate(inputs)
        ],
        "model": prompt.model,
        "usage": {"prompt_tokens": spent, "total_tokens": spent},
    }


def moderation(prompt: Prompt) -> Json:
    inputs = prompt.body["input"]
    results = [
        {
            "flagged": "flag me" in str(item),
            "categories": {"violence": "flag me" in str(item), "harassment": False},
            "category_scores": {"violence": 0.9 if "flag me" in str(item) else 0.0},
        }
        for item in (inputs if isinstance(inputs, list) else [inputs])
    ]
    return {"id": f"modr-{prompt.fingerprint[:24]}", "model": prompt.model, "results": results}


def image(prompt: Prompt) -> Json:
    image = {"b64_json": "iVBORw0KGgo=", "revised_prompt": None}
    return {
        "created": prompt.created,
        "data": [image for _ in choices(prompt)],
        "usage": response_usage(tokens(prompt.body), 100),
    }


def video(prompt: Prompt) -> Json:
    return {
        "id": f"video_{prompt.fingerprint[:32]}",
        "object": "video",
        "created_at": prompt.created,
        "status": "completed",
        "model": prompt.model,
        "progress": 100,
        "seconds": str(prompt.body.get("seconds", "4")),
        "size": prompt.body.get("size", "720x1280"),
    }


def _is_tokens(inputs: list[object]) -> bool:
    return all(isinstance(item, int) for item in inputs)


def _vector(item: object, size: int) -> list[float]:
    digest = hashlib.blake2s(orjson.dumps(item)).digest()
    return [round(byte / 127.5 - 1, 6) for byte in digest[:size]]
