"""An answer as the server-sent events that `stream: true` asks for: few, and of every kind."""

from collections.abc import Callable, Iterator
from itertools import count

import orjson

from local.openai.http.messages import Json

DONE = b"data: [DONE]\n\n"


def streamed(endpoint: str, answer: Json, body: Json) -> list[bytes]:
    return list(STREAMED[endpoint](answer, body))


def _chat(answer: Json, body: Json) -> Iterator[bytes]:
    """Each choice begins with its role, says it all in one piece, and ends with its reason."""
    head = {**answer, "object": "chat.completion.chunk"}
    del head["usage"], head["choices"]
    for choice in answer["choices"]:
        index, said = choice["index"], {**choice["message"]}
        del said["annotations"]
        for at, call in enumerate(said.get("tool_calls") or ()):
            call["index"] = at
        begun = {"role": said.pop("role"), "content": "", "refusal": None}
        yield _data(head | {"choices": [_delta(index, begun)]})
        yield _data(head | {"choices": [_delta(index, said)]})
        yield _data(head | {"choices": [_delta(index, {}, choice["finish_reason"])]})
    yield from _end(head, answer, body)


def _delta(index: int, delta: Json, finish_reason: str | None = None) -> Json:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _completion(answer: Json, body: Json) -> Iterator[bytes]:
    head = {**answer}
    del head["usage"], head["choices"]
    for choice in answer["choices"]:
        yield _data(head | {"choices": [choice]})
    yield from _end(head, answer, body)


def _end(head: Json, answer: Json, body: Json) -> Iterator[bytes]:
    """The usage comes last, to those who ask for it."""
    options = body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        yield _data(head | {"choices": [], "usage": answer["usage"]})
    yield DONE


def _response(answer: Json, body: Json) -> Iterator[bytes]:
    begun = answer | {"status": "in_progress", "output": [], "usage": None}
    numbers = count()
    events = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        *(event for at, item in enumerate(answer["output"]) for event in _item(at, item)),
        ("response.completed", {"response": answer}),
    ]
    for kind, event in events:
        body = {"type": kind, "sequence_number": next(numbers), **event}
        yield f"event: {kind}\n".encode() + _data(body)


def _item(at: int, item: Json) -> Iterator[tuple[str, Json]]:
    where = {"output_index": at, "item_id": item["id"]}
    yield "response.output_item.added", {"output_index": at, "item": _begun(item)}
    for index, part in enumerate(item.get("content") or ()):
        yield from _part(where | {"content_index": index}, part)
    if item["type"] == "function_call":
        said = item["arguments"]
        yield "response.function_call_arguments.delta", where | {"delta": said}
        done = where | {"arguments": said, "name": item["name"]}
        yield "response.function_call_arguments.done", done
    yield "response.output_item.done", {"output_index": at, "item": item}


def _begun(item: Json) -> Json:
    """As it is before it says anything."""
    empty: Json = {"content": []} if "content" in item else {}
    if "arguments" in item:
        empty["arguments"] = ""
    return item | empty | {"status": "in_progress"}


def _part(where: Json, part: Json) -> Iterator[tuple[str, Json]]:
    text: Json = {"logprobs": []}
    yield "response.content_part.added", where | {"part": part | {"text": "", "annotations": []}}
    yield "response.output_text.delta", where | text | {"delta": part["text"]}
    yield "response.output_text.done", where | text | {"text": part["text"]}
    yield "response.content_part.done", where | {"part": part}


def _data(body: Json) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"


STREAMED: dict[str, Callable[[Json, Json], Iterator[bytes]]] = {
    "/v1/chat/completions": _chat,
    "/v1/completions": _completion,
    "/v1/responses": _response,
}
