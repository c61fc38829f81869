"""Answers in the documented shapes, made up from the request's body."""

from collections.abc import Callable

import orjson

from local.openai.http.messages import Json
from local.openai.inference import media
from local.openai.inference.outcomes import last_text
from local.openai.inference.prompt import Prompt, choices, response_usage, tokens

# What a response repeats of its request, and what it shows where the request says nothing.
ECHOED: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


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
        "model": prompt.model,
        "output": [message],
        **{name: prompt.body.get(name) or default for name, default in ECHOED.items()},
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
