"""A body that is not of the official client's parameter types is refused in OpenAI's words."""

from typing import Any

import pytest

from local.openai.http.messages import Json, Refusal
from local.openai.inference.body_types import check_types

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
EMBEDDINGS, MODERATIONS = "/v1/embeddings", "/v1/moderations"
HI = {"role": "user", "content": "Hi"}
PART = {"type": "text", "text": "Hi"}
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def user(content: Any) -> Json:
    return {"messages": [{"role": "user", "content": content}]}


GOOD: list[tuple[str, Json]] = [
    (CHAT, user("Hi")),
    (CHAT, user([PART, {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}])),
    (CHAT, {"messages": [HI, {"role": "assistant", "content": None, "tool_calls": [CALL]}]}),
    (CHAT, {"messages": [HI], "temperature": 1, "stop": ["a"], "metadata": {"a": "b"}}),
    (CHAT, {"messages": [HI], "temperature": None, "stop": None, "tools": None}),
    (RESPONSES, {"input": "Hi", "metadata": {"a": "b"}, "instructions": None}),
    (RESPONSES, {"input": [HI, {"type": "function_call_output", "call_id": "c", "output": "x"}]}),
    (RESPONSES, {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]}),
    (RESPONSES, {"input": "Hi", "tools": [{"type": "function", "name": "f"}]}),
    (EMBEDDINGS, {"input": ["a", "b"]}),
    (EMBEDDINGS, {"input": [[1, 2], [3]], "dimensions": 12}),
    (MODERATIONS, {"input": [PART]}),
    ("/v1/completions", {"prompt": ["a"], "n": 2}),
    ("/v1/images/generations", {"prompt": "A cat", "size": "1024x1024"}),
    ("/v1/videos", {"anything": 1}),  # the client has no types for it as JSON
]
BAD: list[tuple[str, Json, str, str]] = [
    (CHAT, user(5), "messages[0].content", "expected one of a string or array"),
    (CHAT, user([{"type": "txt"}]), "messages[0].content[0].type", "'image_url'"),
    (CHAT, user([{"text": "Hi"}]), "messages[0].content[0].type", "Missing required parameter"),
    (
        CHAT,
        user([{"type": "image_url", "image_url": "a"}]),
        "messages[0].content[0].image_url",
        "expected an object, but got a string",
    ),
    (CHAT, {"messages": [{"role": "boss", "content": "Hi"}]}, "messages[0].role", "'assistant'"),
    (
        CHAT,
        {"messages": [HI, {"role": "assistant", "tool_calls": [{**CALL, "function": "f"}]}]},
        "messages[1].tool_calls[0].function",
        "expected an object, but got a string",
    ),
    (CHAT, {"messages": [HI], "temperature": "hot"}, "temperature", "a decimal, but got a string"),
    (CHAT, {"messages": [HI], "temperature": True}, "temperature", "a decimal, but got a boolean"),
    (CHAT, {"messages": [HI], "n": "2"}, "n", "an integer, but got a string"),
    (CHAT, {"messages": [HI], "logit_bias": []}, "logit_bias", "an object, but got an array"),
    (CHAT, {"messages": [HI], "reasoning_effort": "huge"}, "reasoning_effort", "'minimal'"),
    (CHAT, {"messages": [HI], "max_token": 5}, "max_token", "Unknown parameter"),
    (CHAT, {}, "messages", "Missing required parameter"),
    (RESPONSES, {"input": [5]}, "input[0]", "expected an object, but got an integer"),
    (RESPONSES, {"input": "Hi", "reasoning": {"effort": 3}}, "reasoning.effort", "an integer"),
    (
        RESPONSES,
        {"input": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
        "input[0].content[0].type",
        "'input_text'",
    ),
    (RESPONSES, {"input": "Hi", "messages": []}, "messages", "Unknown parameter"),
    (EMBEDDINGS, {"input": [["a"]]}, "input[0][0]", "an integer, but got a string"),
    (EMBEDDINGS, {"input": {"a": 1}}, "input", "but got an object"),
    (EMBEDDINGS, {"input": "a", "encoding_format": "hex"}, "encoding_format", "'base64'"),
    (MODERATIONS, {"input": 5}, "input", "but got an integer"),
    ("/v1/images/generations", {"prompt": "A cat", "n": "2"}, "n", "an integer"),
]


@pytest.mark.parametrize(("endpoint", "body"), GOOD)
def test_body_of_its_types_is_taken(endpoint: str, body: Json) -> None:
    check_types(endpoint, {"model": "gpt-5", **body})


@pytest.mark.parametrize(("endpoint", "body", "param", "says"), BAD)
def test_body_of_other_types_is_refused_with_its_place(
    endpoint: str, body: Json, param: str, says: str
) -> None:
    with pytest.raises(Refusal) as refused:
        check_types(endpoint, {"model": "gpt-5", **body})

    assert refused.value.error["param"] == param
    assert says in str(refused.value)
