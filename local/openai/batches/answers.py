"""Answers in the documented shapes, made from nothing but the request's body."""

from collections.abc import Callable

import orjson

from local.openai.batches import media
from local.openai.batches.prompt import Asked, count, response_usage, tokens
from local.openai.batches.scripted_outcomes import last_text
from local.openai.http.messages import Json


def answer(endpoint: str, asked: Asked) -> Json:
    return MAKERS[endpoint](asked)


def said(asked: Asked) -> str:
    """A short answer that shows it has read the question."""
    words = last_text(asked.body).split()
    text = f"Small answer {asked.print[:8]}: {' '.join(words[:12])}"
    if _wants_json(asked.body):
        text = orjson.dumps({"answer": text}).decode()
    return text + " " + "." * asked.padding if asked.padding else text


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
        for index in range(count(asked))
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
        for index in range(count(asked))
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


def _head(asked: Asked, prefix: str, kind: str) -> Json:
    return {
        "id": prefix + asked.print[:29],
        "object": kind,
        "created": asked.created,
        "model": asked.model,
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


def _wants_json(body: Json) -> bool:
    wanted = body.get("response_format")
    return isinstance(wanted, dict) and str(wanted.get("type", "")).startswith("json")


MAKERS: dict[str, Callable[[Asked], Json]] = {
    "/v1/chat/completions": _chat,
    "/v1/completions": _completion,
    "/v1/responses": _response,
    "/v1/embeddings": media.embeddings,
    "/v1/moderations": media.moderation,
    "/v1/images/generations": media.image,
    "/v1/images/edits": media.image,
    "/v1/videos": media.video,
}
