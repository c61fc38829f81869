"""Answers in the documented shapes, made up from the request's body."""

from collections.abc import Callable

import orjson

from local.openai.http.messages import Json
from local.openai.inference import media
from local.openai.inference.outcomes import last_text
from local.openai.inference.prompt import Prompt, choices, response_usage, tokens


def answer(endpoint: str, prompt: Prompt) -> Json:
    return ANSWERS[endpoint](prompt)


def answer_text(prompt: Prompt) -> str:
    """A short text that repeats the beginning of the question."""
    words = last_text(prompt.body).split()
    text = f"Small answer {prompt.fingerprint[:8]}: {' '.join(words[:12])}"
    if _wants_json(prompt.body):
        text = orjson.dumps({"answer": text}).decode()
    return text + " " + "." * prompt.padding if prompt.padding else text


def _chat(prompt: Prompt) -> Json:
    made: list[Json] = [
        {
            "index": index,
            "message": {
                "role": "assistant",
                "content": answer_text(prompt),
                "refusal": None,
                "annotations": [],
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
        for index in choices(prompt)
    ]
    return _head(prompt, "chatcmpl-", "chat.completion") | {
        "choices": made,
        "usage": _chat_usage(prompt, made),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _completion(prompt: Prompt) -> Json:
    made: list[Json] = [
        {"index": index, "text": answer_text(prompt), "logprobs": None, "finish_reason": "stop"}
        for index in choices(prompt)
    ]
    return _head(prompt, "cmpl-", "text_completion") | {
        "choices": made,
        "usage": _chat_usage(prompt, made),
    }


def _response(prompt: Prompt) -> Json:
    text = {"type": "output_text", "text": answer_text(prompt), "annotations": [], "logprobs": []}
    message = {
        "id": f"msg_{prompt.fingerprint[:24]}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [text],
    }
    return {
        "id": f"resp_{prompt.fingerprint[:48]}",
        "object": "response",
        "created_at": prompt.created,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": prompt.body.get("instructions"),
        "metadata": prompt.body.get("metadata", {}),
        "model": prompt.model,
        "output": [message],
        "parallel_tool_calls": True,
        "temperature": prompt.body.get("temperature", 1.0),
        "tool_choice": prompt.body.get("tool_choice", "auto"),
        "tools": prompt.body.get("tools", []),
        "top_p": prompt.body.get("top_p", 1.0),
        "usage": response_usage(tokens(prompt.body), tokens(text["text"])),
    }


def _head(prompt: Prompt, prefix: str, kind: str) -> Json:
    return {
        "id": prefix + prompt.fingerprint[:29],
        "object": kind,
        "created": prompt.created,
        "model": prompt.model,
    }


def _chat_usage(prompt: Prompt, made: list[Json]) -> Json:
    prompt_tokens, completion_tokens = tokens(prompt.body), tokens(made)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _wants_json(body: Json) -> bool:
    wanted = body.get("response_format")
    return isinstance(wanted, dict) and str(wanted.get("type", "")).startswith("json")


ANSWERS: dict[str, Callable[[Prompt], Json]] = {
    "/v1/chat/completions": _chat,
    "/v1/completions": _completion,
    "/v1/responses": _response,
    "/v1/embeddings": media.embeddings,
    "/v1/moderations": media.moderation,
    "/v1/images/generations": media.image,
    "/v1/images/edits": media.image,
    "/v1/videos": media.video,
}
