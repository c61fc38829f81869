"""Answers in the documented shapes, made up from the request's body."""

from collections.abc import Callable

import orjson

from local.openai.http import validation
from local.openai.http.messages import Json
from local.openai.inference import media
from local.openai.inference.outcomes import last_text
from local.openai.inference.prompt import Prompt, choices, response_usage, tokens
from local.openai.inference.schema import follow
from local.openai.inference.structure import Function, forced_function, text_schema

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


def answer_text(prompt: Prompt, index: int = 0) -> str:
    """A short text that repeats the beginning of the question; JSON where that is asked for."""
    text = _plain_text(prompt)
    schema = text_schema(prompt.body)
    if schema is None:
        return text
    return orjson.dumps(follow(schema, text, f"{prompt.fingerprint} {index}")).decode()


def _plain_text(prompt: Prompt) -> str:
    words = last_text(prompt.body).split()
    text = f"Small answer {prompt.fingerprint[:8]}: {' '.join(words[:12])}"
    return text + " " + "." * prompt.padding if prompt.padding else text


def _arguments(prompt: Prompt, function: Function, index: int = 0) -> str:
    seed = f"{prompt.fingerprint} {index}"
    return orjson.dumps(follow(function.parameters, _plain_text(prompt), seed)).decode()


def _chat(prompt: Prompt) -> Json:
    made = [_choice(prompt, index) for index in choices(prompt)]
    return _head(prompt, "chatcmpl-", "chat.completion") | {
        "choices": made,
        "usage": _chat_usage(prompt, made),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _choice(prompt: Prompt, index: int) -> Json:
    message: Json = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
    finish_reason = "stop"
    if function := forced_function(prompt.body):
        call = {"name": function.name, "arguments": _arguments(prompt, function, index)}
        message |= _called(prompt, call, index)
        if prompt.body.get("tool_choice") == "required":
            finish_reason = "tool_calls"  # a function that is forced by its name ends with `stop`
    else:
        message["content"] = answer_text(prompt, index)
    return {
        "index": index,
        "message": message,
        "logprobs": None,
        "finish_reason": finish_reason,
    }


def _called(prompt: Prompt, call: Json, index: int) -> Json:
    if "functions" in prompt.body:
        return {"function_call": call}
    id_ = f"call_{prompt.fingerprint[:22]}{index:02}"
    return {"tool_calls": [{"id": id_, "type": "function", "function": call}]}


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
    function = forced_function(prompt.body)
    item = _function_call(prompt, function) if function else _message(prompt)
    given = validation.given(prompt.body)
    return {
        "id": f"resp_{prompt.fingerprint[:48]}",
        "object": "response",
        "created_at": prompt.created,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": prompt.model,
        "output": [item],
        **(ECHOED | {name: given[name] for name in ECHOED.keys() & given}),
        "tools": [_with_defaults(tool) for tool in prompt.body.get("tools") or ()],
        "usage": response_usage(tokens(prompt.body), tokens(item)),
    }


def _message(prompt: Prompt) -> Json:
    text = {
        "type": "output_text",
        "text": answer_text(prompt),
        "annotations": [],
        "logprobs": [],
    }
    return {
        "id": f"msg_{prompt.fingerprint[:24]}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [text],
    }


def _function_call(prompt: Prompt, function: Function) -> Json:
    return {
        "id": f"fc_{prompt.fingerprint[:24]}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{prompt.fingerprint[:24]}",
        "name": function.name,
        "arguments": _arguments(prompt, function),
    }


def _with_defaults(tool: Json) -> Json:
    """Functions of responses are strict unless they say otherwise."""
    if tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": True} | tool


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
