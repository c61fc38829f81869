"""Answers follow the schema that a request asks for, or the request is refused."""

import base64
import struct
from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from local.openai import SmallOpenAI
from local.openai.inference.schema import follow
from local.openai.inference.schema_check import problem_of
from tests.support.batch_files import lines
from tests.support.clock import Clock
from tests.support.small_openai import Json, http, look, results, submit

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
JSON = {"type": "json_object"}
ASKED = {"messages": [{"role": "user", "content": "Answer in JSON: who purrs?"}]}


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Address(BaseModel):
    street: str
    number: Annotated[int, Field(ge=1, le=9_999)]


class Person(BaseModel):
    name: Annotated[str, Field(max_length=12)]
    age: Annotated[int, Field(gt=0, lt=3)]
    colour: Colour
    home: Address
    friends: Annotated[list[Address], Field(min_length=2)]


class Node(BaseModel):
    label: str
    children: list["Node"]
    parent: "Node | None"


ANNOTATIONS: tuple[Any, ...] = (
    *(int, float, str, bool, date, datetime, UUID, Colour, Address, Node, None),
    *(list[int], list[Address], dict[str, int], int | None, Address | str, Literal["a", "b"]),
    Annotated[int, Field(ge=-7, le=-5)],
    Annotated[int, Field(multiple_of=7, gt=13)],
    Annotated[int, Field(lt=-100)],
    Annotated[float, Field(gt=1, lt=1.5)],
    Annotated[float, Field(multiple_of=0.25, ge=2)],
    Annotated[str, Field(min_length=80, max_length=90)],
    Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{3,5}(x|yz)?$")],
    Annotated[str, Field(pattern=r"^[^\W\d_]+@\w+\.(com|org)$")],
    Annotated[list[str], Field(min_length=3, max_length=4)],
)


@pytest.fixture
def client(small: SmallOpenAI) -> httpx.Client:
    return http(small)


@pytest.fixture
def ask(client: httpx.Client, clock: Clock) -> Callable[[str, Json], Json]:
    """The line that answers a request, of whichever file."""

    def ask(endpoint: str, body: Json) -> Json:
        full = {"model": "gpt-4.1", **body}
        line = {"custom_id": "a", "method": "POST", "url": endpoint, "body": full}
        batch = submit(client, lines([line]), endpoint)
        clock.advance(100)
        ended = look(client, batch)
        files = (ended["output_file_id"], ended["error_file_id"])
        (found,) = [line for file in files for line in results(client, file)]
        response: Json = found["response"]
        return response

    return ask


@pytest.mark.parametrize("model", [Person, Address, Node])
def test_a_chat_answer_follows_the_schema_of_its_format(
    ask: Callable[[str, Json], Json], model: type[BaseModel]
) -> None:
    schema = {"name": "answer", "schema": rooted(model)}
    body = {**ASKED, "response_format": {"type": "json_schema", "json_schema": schema}}

    choices = ask(CHAT, {**body, "n": 3})["body"]["choices"]

    assert len(choices) == 3
    for choice in choices:
        model.model_validate_json(choice["message"]["content"])


@pytest.mark.parametrize("model", [Person, Address, Node])
def test_a_response_follows_the_schema_of_its_text(
    ask: Callable[[str, Json], Json], model: type[BaseModel]
) -> None:
    format_ = {"type": "json_schema", "name": "answer", "schema": rooted(model)}

    answer = ask(RESPONSES, {"input": "Who purrs?", "text": {"format": format_}})["body"]

    model.model_validate_json(answer["output"][0]["content"][0]["text"])


def test_a_json_object_is_one(ask: Callable[[str, Json], Json]) -> None:
    chat = ask(CHAT, {**ASKED, "response_format": {"type": "json_object"}})["body"]
    text = {"format": {"type": "json_object"}}
    response = ask(RESPONSES, {"input": "Who purrs, in JSON?", "text": text})["body"]

    assert '"answer":"' in chat["choices"][0]["message"]["content"]
    assert '"answer":"' in response["output"][0]["content"][0]["text"]


@pytest.mark.parametrize(
    ("choice", "finish_reason"),
    [
        ("required", "tool_calls"),
        ({"type": "function", "function": {"name": "save"}}, "stop"),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": "save"}}],
                },
            },
            "stop",
        ),
    ],
)
def test_a_forced_tool_of_chat_is_called_with_its_parameters(
    ask: Callable[[str, Json], Json], choice: object, finish_reason: str
) -> None:
    function = {"name": "save", "parameters": rooted(Person)}
    body = {**ASKED, "tools": [{"type": "function", "function": function}], "tool_choice": choice}

    (made,) = ask(CHAT, body)["body"]["choices"]

    (call,) = made["message"]["tool_calls"]
    assert (made["finish_reason"], made["message"]["content"]) == (finish_reason, None)
    assert (call["type"], call["function"]["name"]) == ("function", "save")
    Person.model_validate_json(call["function"]["arguments"])


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "save"}])
def test_a_forced_tool_of_a_response_is_called_with_its_parameters(
    ask: Callable[[str, Json], Json], choice: object
) -> None:
    tool = {"type": "function", "name": "save", "parameters": rooted(Person)}
    body = {"input": "Who purrs?", "tools": [tool], "tool_choice": choice}

    (item,) = ask(RESPONSES, body)["body"]["output"]

    assert (item["type"], item["name"]) == ("function_call", "save")
    Person.model_validate_json(item["arguments"])


def test_the_older_functions_are_called_too(ask: Callable[[str, Json], Json]) -> None:
    functions = [{"name": "save", "parameters": rooted(Address)}]
    body = {**ASKED, "functions": functions, "function_call": {"name": "save"}}

    (choice,) = ask(CHAT, body)["body"]["choices"]

    Address.model_validate_json(choice["message"]["function_call"]["arguments"])


@pytest.mark.parametrize("choice", [None, "auto", "none"])
def test_a_tool_that_is_not_forced_is_not_called(
    ask: Callable[[str, Json], Json], choice: str | None
) -> None:
    tools = [{"type": "function", "function": {"name": "save"}}]

    (made,) = ask(CHAT, {**ASKED, "tools": tools, "tool_choice": choice})["body"]["choices"]

    assert made["message"]["content"]
    assert "tool_calls" not in made["message"]


def test_embeddings_are_base64_where_that_is_asked_for(ask: Callable[[str, Json], Json]) -> None:
    body = {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 16}
    floats = ask("/v1/embeddings", body)["body"]["data"]

    packed = ask("/v1/embeddings", {**body, "encoding_format": "base64"})["body"]["data"]

    unpacked = [struct.unpack("<16f", base64.b64decode(each["embedding"])) for each in packed]
    assert unpacked == [pytest.approx(each["embedding"], abs=1e-6) for each in floats]


@pytest.mark.parametrize(
    ("model", "size"), [("text-embedding-3-small", 1_536), ("text-embedding-3-large", 3_072)]
)
def test_embeddings_have_the_size_of_their_model_and_length_one(
    ask: Callable[[str, Json], Json], model: str, size: int
) -> None:
    (found,) = ask("/v1/embeddings", {"model": model, "input": "a"})["body"]["data"]

    assert len(found["embedding"]) == size
    assert sum(number**2 for number in found["embedding"]) == pytest.approx(1, abs=1e-3)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(annotations=st.lists(st.sampled_from(ANNOTATIONS), max_size=5), seed=st.integers())
def test_what_is_made_up_follows_any_schema(annotations: list[Any], seed: int) -> None:
    fields: Any = {f"f{at}": (each, ...) for at, each in enumerate(annotations)}
    model = create_model("Anything", **fields)
    schema = rooted(model)

    assert problem_of(schema, strict=False) is None
    model.model_validate(follow(schema, "Small answer", str(seed)))


STRICT: Json = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (STRICT | {"additionalProperties": True}, "'additionalProperties' is required"),
        ({**STRICT, "required": []}, "Missing 'a'"),
        ({"type": "array", "items": {}}, "of 'type: \"object\"'"),
        (STRICT | {"properties": {"a": {"type": "text"}}}, "'text' is not valid"),
        (STRICT | {"properties": {"a": {"$ref": "#/$defs/b"}}}, "reference to component"),
        (STRICT | {"properties": {"a": {"enum": []}}}, "'enum' should be non-empty"),
        (STRICT | {"properties": {"a": 7}}, "7 is not of type 'object'"),
        (STRICT | {"properties": {"a": {"pattern": "(?=b)"}}}, "'pattern' is not supported"),
        (STRICT | {"properties": {"a": {"pattern": "("}}}, "'pattern' is not supported"),
        (STRICT | {"properties": {"a": {"minLength": "1"}}}, "'1' is not of type 'integer'"),
        (STRICT | {"properties": {"a": {"minimum": 2, "maximum": 1}}}, "is greater than"),
    ],
)
def test_a_wrong_schema_is_refused(
    ask: Callable[[str, Json], Json], schema: Json, words: str
) -> None:
    wanted = {"name": "answer", "schema": schema, "strict": True}

    chat = {**ASKED, "response_format": {"type": "json_schema", "json_schema": wanted}}
    refused = ask(CHAT, chat)
    text = {"format": {"type": "json_schema", **wanted}}
    response = ask(RESPONSES, {"input": "x", "text": text})

    error = refused["body"]["error"]
    assert (refused["status_code"], error["param"]) == (400, "response_format")
    assert error["message"].startswith("Invalid schema for response_format 'answer': ")
    assert words in error["message"]
    assert response["body"]["error"]["param"] == "text.format.schema"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {}}},
            "response_format.json_schema.name",
        ),
        ({"tools": "save"}, "tools"),
        ({"tools": []}, "tools"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "tools[0].function.name",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        (
            {
                "tools": [
                    {"type": "function", "function": {"name": "a", "parameters": {"type": "x"}}}
                ]
            },
            "tools[0].function.parameters",
        ),
        ({"tool_choice": "required"}, "tool_choice"),
        (
            {
                "tools": [{"type": "function", "function": {"name": "a"}}],
                "tool_choice": {"type": "function", "function": {"name": "b"}},
            },
            "tool_choice",
        ),
        ({"n": 0}, "n"),
        ({"messages": [{"role": "user", "content": "x"}], "response_format": JSON}, "messages"),
        ({"model": "gpt-5-mini", "max_tokens": 5}, "max_tokens"),
        ({"model": "o3", "max_tokens": 5}, "max_tokens"),
    ],
)
def test_malformed_tools_and_formats_are_refused(
    ask: Callable[[str, Json], Json], change: Json, param: str
) -> None:
    refused = ask(CHAT, {**ASKED, **change})

    assert (refused["status_code"], refused["body"]["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "gpt-5-mini", "max_completion_tokens": 5},
        {"model": "gpt-4.1", "max_tokens": 5},
        {"model": "gpt-4o-mini", "max_tokens": 5},
    ],
)
def test_tokens_are_limited_in_the_way_of_the_model(
    ask: Callable[[str, Json], Json], change: Json
) -> None:
    assert ask(CHAT, {**ASKED, **change})["status_code"] == 200


def rooted(model: type[BaseModel]) -> Json:
    """The schema with an object at its root, as structured outputs want it."""
    schema = model.model_json_schema()
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    root = schema["$defs"][name] if name else {}
    return {name: value for name, value in (schema | root).items() if name != "$ref"}
