"""Answers in the documented shapes, made from nothing but the request's body."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from local.openai.outcomes import last_text
from local.openai.wire import Json


@dataclass(frozen=True)
class Asked:
    """A request, its fingerprint, and what an answer needs to know of the world."""

    body: Json
    print: str
    model: str
    created: int
    padding: int = 0


def answer(endpoint: str, asked: Asked) -> Json:
    return MAKERS[endpoint](asked)


def asked(body: Json, model: str, created: int, padding: int = 0) -> Asked:
    fingerprint = hashlib.blake2s(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return Asked(body, fingerprint, model, created, padding)


def said(asked: Asked) -> str:
    """A short answer that shows it has read the question."""
    words = last_text(asked.body).split()
    text = f"Small answer {asked.print[:8]}: {' '.join(words[:12])}"
    if _wants_json(asked.body):
        text = orjson.dumps({"answer": text}).decode()
    return text + " " + "." * asked.padding if asked.padding else text


def tokens(value: object) -> int:
    return -(-len(orjson.dumps(value)) // 4)


def usage(body: Json) -> tuple[int, int]:
    """Input and output tokens of an answer, whichever way its endpoint spells them."""
    counted = body.get("usage") or {}
    return (
        counted.get("prompt_tokens", counted.get("input_tokens", 0)),
        counted.get("completion_tokens", counted.get("output_tokens", 0)),
    )


def _chat(asked: Asked) -> Json:
    choices: list[Json] = [
        {
            "index": index,
            "message": {
                "role": "assistant",
                "content": said(asked),
                "refusal": None,
                "annotations": [],
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
        for index in range(_count(asked))
    ]
    return _head(asked, "chatcmpl-", "chat.completion") | {
        "choices": choices,
        "usage": _chat_usage(asked, choices),
        "service_tier": "default",
        "system_fingerprint": f"fp_{asked.print[:10]}",
    }


def _completion(asked: Asked) -> Json:
    choices = [
        {"index": index, "text": said(asked), "logprobs": None, "finish_reason": "stop"}
        for index in range(_count(asked))
    ]
    return _head(asked, "cmpl-", "text_completion") | {
        "choices": choices,
        "usage": _chat_usage(asked, choices),
    }


def _response(asked: Asked) -> Json:
    text = {"type": "output_text", "text": said(asked), "annotations": [], "logprobs": []}
    message = {
        "id": f"msg_{asked.print[:24]}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [text],
    }
    return {
        "id": f"resp_{asked.print[:48]}",
        "object": "response",
        "created_at": asked.created,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": asked.body.get("instructions"),
        "metadata": asked.body.get("metadata", {}),
        "model": asked.model,
        "output": [message],
        "parallel_tool_calls": True,
        "temperature": asked.body.get("temperature", 1.0),
        "tool_choice": asked.body.get("tool_choice", "auto"),
        "tools": asked.body.get("tools", []),
        "top_p": asked.body.get("top_p", 1.0),
        "usage": response_usage(tokens(asked.body), tokens(text["text"])),
    }


def _embeddings(asked: Asked) -> Json:
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


def _moderation(asked: Asked) -> Json:
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


def _image(asked: Asked) -> Json:
    image = {"b64_json": "iVBORw0KGgo=", "revised_prompt": None}
    return {
        "created": asked.created,
        "data": [image] * _count(asked),
        "usage": response_usage(tokens(asked.body), 100),
    }


def _video(asked: Asked) -> Json:
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


def _head(asked: Asked, prefix: str, kind: str) -> Json:
    return {
        "id": prefix + asked.print[:29],
        "object": kind,
        "created": asked.created,
        "model": asked.model,
    }


def response_usage(given: int, spent: int) -> Json:
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": spent,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + spent,
    }


def _chat_usage(asked: Asked, choices: list[Json]) -> Json:
    given, spent = tokens(asked.body), tokens(choices)
    return {
        "prompt_tokens": given,
        "completion_tokens": spent,
        "total_tokens": given + spent,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _count(asked: Asked) -> int:
    count = asked.body.get("n")
    return count if isinstance(count, int) and 1 <= count <= 128 else 1


def _wants_json(body: Json) -> bool:
    wanted = body.get("response_format")
    return isinstance(wanted, dict) and str(wanted.get("type", "")).startswith("json")


def _is_tokens(given: list[object]) -> bool:
    return all(isinstance(item, int) for item in given)


def _vector(item: object, size: int) -> list[float]:
    digest = hashlib.blake2s(orjson.dumps(item)).digest()
    return [round(byte / 127.5 - 1, 6) for byte in digest[:size]]


MAKERS: dict[str, Callable[[Asked], Json]] = {
    "/v1/chat/completions": _chat,
    "/v1/completions": _completion,
    "/v1/responses": _response,
    "/v1/embeddings": _embeddings,
    "/v1/moderations": _moderation,
    "/v1/images/generations": _image,
    "/v1/images/edits": _image,
    "/v1/videos": _video,
}
