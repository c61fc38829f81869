"""What answers say, as the values of columns."""

import json
from typing import Any

import pytest

from shared.tables.columns import Columns
from shared.tables.recipe import read_recipe
from shared.tables.writing import new_names

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "label": {"type": "string"},
        "score": {"type": ["integer", "null"]},
        "share": {"type": "number"},
        "sure": {"type": "boolean"},
        "either": {"type": ["string", "integer"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "inner": {"type": "object", "properties": {"n": {"type": "integer"}}},
    },
    "required": ["label"],
}
PLACES = {
    "label": "$.label",
    "score": "$.score",
    "share": "$.share",
    "sure": "$.sure",
    "tags": "$.tags",
    "first": "$.tags[0]",
    "n": "$.inner.n",
    "all": "$",
    "raw": "text",
}


def columns(url: str = "/v1/chat/completions", **places: str) -> Columns:
    format_ = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    body = {"model": "m", "messages": [], "response_format": format_}
    text = {"request": {"url": url, "body": body}, "answer": {"columns": places or PLACES}}
    recipe, problems = read_recipe(json.dumps(text).encode())
    assert recipe, problems
    return Columns(recipe)


def line(text: str, status: int = 200, **more: object) -> bytes:
    body = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    return json.dumps(
        {"custom_id": "1", "response": {"status_code": status, "body": body}, "error": None} | more
    ).encode()


def test_types_come_from_the_schema() -> None:
    assert columns().types == {
        "label": "VARCHAR",
        "score": "BIGINT",
        "share": "DOUBLE",
        "sure": "BOOLEAN",
        "tags": "VARCHAR",
        "first": "VARCHAR",
        "n": "BIGINT",
        "all": "VARCHAR",
        "raw": "VARCHAR",
    }


def test_what_may_be_of_several_types_is_a_text() -> None:
    found = columns(either="$.either")

    assert found.types == {"either": "VARCHAR"}
    assert found.values(line('{"label": "a", "either": 5}')) == {"either": "5"}


def test_values_are_found_where_they_stand() -> None:
    said = {"label": "a", "score": 3, "share": 1, "sure": False, "tags": ["x", "y"]}
    text = json.dumps(said | {"inner": {"n": 7}})

    found = columns().values(line(text))

    assert found | {"all": None, "raw": None} == said | {
        "tags": '["x","y"]',
        "first": "x",
        "n": 7,
        "all": None,
        "raw": None,
    }
    assert json.loads(found["all"])["inner"] == {"n": 7}
    assert found["raw"] == text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("no json", "invalid_output: the answer is no JSON"),
        ("{}", 'invalid_output: "label" is a required property'),
        ('{"label": 5}', 'invalid_output: 5 is not of type "string"'),
        ("", "invalid_output: the answer is no JSON"),
        ("[" * 2_000, "invalid_output: the answer is no JSON"),
    ],
)
def test_an_answer_that_misses_the_schema_says_how(text: str, error: str) -> None:
    assert columns().values(line(text)) == {"_error": error}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (line("x", error={"code": "server_error", "message": "No."}), "server_error: No."),
        (line("x", 500), "status 500"),
        (b'{"custom_id": "1", "response": null, "error": null}', "no_answer"),
        (b'{"custom_id": "1", "response": {"status_code": 200, "body": null}}', "no_answer"),
        (
            b'{"custom_id": "1", "response": {"status_code": 200, "body": '
            b'{"error": {"message": "quota"}}}}',
            "quota",
        ),
    ],
)
def test_what_failed_says_why(answer: bytes, error: str) -> None:
    assert columns().values(answer) == {"_error": error}


def test_text_alone_needs_no_json() -> None:
    assert columns(summary="text").values(line("just words")) == {"summary": "just words"}


@pytest.mark.parametrize(
    ("own", "added", "names"),
    [
        (["a"], ["b", "_error"], ["b", "_error"]),
        (["a"], ["A"], ["A_2"]),
        (["a", "a_2"], ["a", "_error"], ["a_2_2", "_error"]),
    ],
)
def test_the_users_own_columns_keep_their_names(
    own: list[str], added: list[str], names: list[str]
) -> None:
    assert new_names(own, added)[:1] == names[:1]


@pytest.mark.parametrize("said", ["\\ud800", "\\ud83d\\ude00", "\\u0000", "é"])
def test_whatever_letters_a_model_writes_a_value_can_be_written(said: str) -> None:
    answer = line("TEXT").replace(b"TEXT", said.encode())

    found = columns(summary="text").values(answer)

    assert json.loads(json.dumps(found["summary"])).encode()


def test_half_a_pair_inside_the_answers_json_is_taken() -> None:
    assert columns(label="$.label").values(line('{"label": "\\ud800x"}')) == {"label": "?x"}
