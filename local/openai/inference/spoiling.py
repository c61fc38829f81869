"""Bodies of HTTP 200 that are not the answer they look like, as requests may ask for them."""

from collections.abc import Callable

import orjson

from local.openai.http.messages import Json

SERVER_ERROR: Json = {"code": "server_error", "message": "An error occurred. You can retry."}


def spoiled(name: str, answer: Json) -> object:
    return SPOILED[name](answer)


def _failed(answer: Json) -> Json:
    """As Responses does: https://github.com/openai/openai-python/issues/3212."""
    return answer | {"status": "failed", "error": SERVER_ERROR, "output": [], "usage": None}


def _error(answer: Json) -> Json:
    return {"error": SERVER_ERROR | {"type": "server_error", "param": None}}


def _refused(answer: Json) -> Json:
    refusal = {"code": "invalid_prompt", "message": "Invalid prompt."}
    return answer | {"status": "failed", "error": refusal, "output": [], "usage": None}


def _incomplete(answer: Json) -> Json:
    """The answer reached its limit of tokens."""
    if "choices" in answer:
        return answer | {"choices": [c | {"finish_reason": "length"} for c in answer["choices"]]}
    return answer | {
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
    }


def _without_usage(answer: Json) -> Json:
    return {name: each for name, each in answer.items() if name != "usage"}


def _prose(answer: Json) -> Json:
    """Words where a schema was asked for, as servers without strict schemas answer."""
    words = "I would say that it is fine."
    if "choices" in answer:
        message = {"role": "assistant", "content": words}
        return answer | {"choices": [c | {"message": message} for c in answer["choices"]]}
    content = [{"type": "output_text", "text": words, "annotations": []}]
    return answer | {"output": [each | {"content": content} for each in answer["output"]]}


SPOILED: dict[str, Callable[[Json], object]] = {
    "failed-body": _failed,
    "error-body": _error,
    "refused-body": _refused,
    "null-body": lambda _: None,
    "empty-body": lambda _: {},
    "text-body": lambda answer: orjson.dumps(answer).decode(),
    "incomplete": _incomplete,
    "prose": _prose,
    "no-usage": _without_usage,
}
ANSWERED = frozenset({"text-body", "incomplete", "no-usage", "prose"})  # all others are not billed
