"""A line that asks nothing, or in a type that no endpoint takes, is found before it is paid for."""

import json
from typing import Any

import pytest

from tests.support.batch_files import lines
from tests.support.splits import split_bytes

CHAT, RESPONSES, EMBEDDINGS = "/v1/chat/completions", "/v1/responses", "/v1/embeddings"
MESSAGES = [{"role": "user", "content": "Hi"}]
MISSING, INVALID, TYPE = "missing_required_parameter", "invalid_value", "invalid_type"
BAD: list[tuple[str, dict[str, Any], str, str]] = [
    (CHAT, {}, MISSING, "body.messages"),
    (CHAT, {"messages": None}, MISSING, "body.messages"),
    (CHAT, {"input": "Hi"}, MISSING, "body.messages"),
    (CHAT, {"messages": []}, INVALID, "body.messages"),
    (CHAT, {"messages": "Hi"}, TYPE, "body.messages"),
    (CHAT, {"messages": {"role": "user"}}, TYPE, "body.messages"),
    (CHAT, {"messages": True}, TYPE, "body.messages"),
    (CHAT, {"messages": 1}, TYPE, "body.messages"),
    (CHAT, {"messages": [None]}, TYPE, "body.messages[0]"),
    (CHAT, {"messages": ["Hi"]}, TYPE, "body.messages[0]"),
    (CHAT, {"messages": MESSAGES, "model": " gpt-4o"}, INVALID, "body.model"),
    (CHAT, {"messages": MESSAGES, "model": "gpt-4o\n"}, INVALID, "body.model"),
    (RESPONSES, {}, MISSING, "body.input"),
    (RESPONSES, {"input": None, "prompt": None}, MISSING, "body.input"),
    (RESPONSES, {"input": {"text": "Hi"}}, TYPE, "body.input"),
    (RESPONSES, {"input": 5}, TYPE, "body.input"),
    (EMBEDDINGS, {}, MISSING, "body.input"),
    (EMBEDDINGS, {"input": None}, MISSING, "body.input"),
    (EMBEDDINGS, {"input": False}, TYPE, "body.input"),
    ("/v1/moderations", {"input": None}, MISSING, "body.input"),
    ("/v1/completions", {}, MISSING, "body.prompt"),
    ("/v1/completions", {"prompt": None}, MISSING, "body.prompt"),
    ("/v1/images/generations", {"prompt": None}, MISSING, "body.prompt"),
    ("/v1/videos", {}, MISSING, "body.prompt"),
]
GOOD: list[tuple[str, dict[str, Any]]] = [
    (CHAT, {"messages": MESSAGES}),
    (CHAT, {"messages": [{}, 1, "x"], "prompt": None}),
    (RESPONSES, {"input": "Hi"}),
    (RESPONSES, {"input": []}),
    (RESPONSES, {"prompt": {"id": "pmpt_1"}}),
    (RESPONSES, {"input": None, "previous_response_id": "resp_1"}),
    (RESPONSES, {"conversation": "conv_1"}),
    (EMBEDDINGS, {"input": ["a", "b"]}),
    (EMBEDDINGS, {"input": [1, 2]}),
    ("/v1/completions", {"prompt": "Once"}),
    ("/v1/completions", {"prompt": ["Once", "Twice"]}),
    ("/v1/images/edits", {"prompt": "a cat"}),
]


def request(url: str, body: dict[str, Any], custom_id: str = "a") -> bytes:
    asked = {"custom_id": custom_id, "method": "POST", "url": url}
    return lines([asked | {"body": {"model": "gpt-5-mini"} | body}])


def neighbours(url: str, count: int) -> bytes:
    body = {"messages": MESSAGES, "input": "Hi", "prompt": "Hi"}
    return b"".join(request(url, body, f"n{n}") for n in range(count))


@pytest.mark.parametrize(("url", "body", "code", "param"), BAD)
@pytest.mark.parametrize("before", [0, 200])
def test_line_that_asks_nothing_is_found(
    url: str, body: dict[str, Any], code: str, param: str, before: int
) -> None:
    found = split_bytes(neighbours(url, before) + request(url, body))

    assert found.marks == [(before + 1, code, param)]
    assert found.problems[0].remedy


@pytest.mark.parametrize(("url", "body"), GOOD)
@pytest.mark.parametrize("spaces", [(",", ":"), (", ", ": "), (" ,  ", " : ")])
def test_line_that_asks_is_good(url: str, body: dict[str, Any], spaces: tuple[str, str]) -> None:
    data = json.dumps(json.loads(request(url, body)), separators=spaces).encode()

    assert split_bytes(neighbours(url, 3) + data).problems == []
    assert split_bytes(data).problems == []


def test_skip_leaves_a_line_out_that_asks_nothing() -> None:
    found = split_bytes(request(CHAT, {"messages": None}) + neighbours(CHAT, 199), skip=True)

    assert (found.requests, found.bad_lines) == (199, 1)
