"""Checks the tools and the format that a request asks for, and refuses them in OpenAI's words."""

import re
from typing import Any

from local.openai.http import validation
from local.openai.http.messages import Json, Refusal
from local.openai.inference.schema_check import problem_of
from local.openai.inference.structure import chosen_function, functions_of

NAME = r"^[a-zA-Z0-9_-]+$"
CHAT_TOOLS = ("function", "custom")
RESPONSE_TOOLS = (
    *("function", "file_search", "web_search", "web_search_preview", "code_interpreter", "mcp"),
    *("computer_use_preview", "image_generation", "local_shell", "shell", "apply_patch", "custom"),
)
FORMATS = ("text", "json_object", "json_schema")
CHOICES = ("none", "auto", "required")
MOST = 128


def check_chat_structure(body: Json) -> None:
    for name, tool in _items(body, "tools", 1):
        if _kind(tool, name, CHAT_TOOLS) == "function":
            function = validation.require(tool, "function", f"{name}.")
            _check_function(function, f"{name}.function")
    for name, function in _items(body, "functions", 1):
        _check_function(function, name)
    _check_choice(body)
    if body.get("response_format") is not None:
        _check_chat_format(validation.check_type(body["response_format"], "object", FORMAT), body)


def check_response_structure(body: Json) -> None:
    for name, tool in _items(body, "tools", 0):
        if _kind(tool, name, RESPONSE_TOOLS) == "function":
            _check_function(tool, name)
    _check_choice(body)
    text = validation.check_type(body.get("text") or {}, "object", "text")
    if text.get("format") is not None:
        wanted: Json = validation.check_type(text["format"], "object", "text.format")
        if _kind(wanted, "text.format", FORMATS) == "json_schema":
            _check_json_schema(wanted, "text.format", "text.format.schema")


FORMAT = "response_format"


def _check_chat_format(wanted: Json, body: Json) -> None:
    kind = _kind(wanted, FORMAT, FORMATS)
    if kind == "json_schema":
        inner = validation.require(wanted, "json_schema", f"{FORMAT}.")
        _check_json_schema(inner, f"{FORMAT}.json_schema", FORMAT)
    if kind == "json_object" and "json" not in str(body.get("messages")).lower():
        raise Refusal(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of "
            "type 'json_object'.",
            param="messages",
        )


def _check_json_schema(wanted: object, name: str, param: str) -> None:
    """`param` is what OpenAI says is wrong where the schema is."""
    found: Json = validation.check_type(wanted, "object", name)
    called = _name(found, name)
    schema = found.get("schema")
    if schema is None:
        return
    if problem := problem_of(schema, bool(found.get("strict"))):
        code = None if param == FORMAT else "invalid_json_schema"
        raise Refusal(
            f"Invalid schema for response_format '{called}': {problem}", param=param, code=code
        )


def _check_function(wanted: object, name: str) -> None:
    found: Json = validation.check_type(wanted, "object", name)
    called = _name(found, name)
    parameters = found.get("parameters")
    if parameters is None:
        return
    validation.check_type(parameters, "object", f"{name}.parameters")
    if problem := problem_of(parameters, bool(found.get("strict"))):
        raise Refusal(
            f"Invalid schema for function '{called}': {problem}",
            param=f"{name}.parameters",
            code="invalid_function_parameters",
        )


def _check_choice(body: Json) -> None:
    choice = body.get("tool_choice")
    if choice is None or choice in ("none", "auto"):
        return
    if not body.get("tools"):
        message = "'tool_choice' is only allowed when 'tools' are specified."
        raise Refusal(message, param="tool_choice")
    if isinstance(choice, str):
        validation.check_choice(choice, CHOICES, "tool_choice")
        return
    validation.check_type(choice, "object", "tool_choice")
    called = chosen_function(choice)
    if called and called not in {each.name for each in functions_of(body)}:
        raise Refusal(
            f"Invalid value for 'tool_choice': no function named '{called}' was specified in the "
            "'tools' parameter.",
            param="tool_choice",
        )


def _items(body: Json, name: str, least: int) -> list[tuple[str, Any]]:
    """What is listed, with the name of each place."""
    if body.get(name) is None:
        return []
    listed = validation.check_list(body[name], (least, MOST), name)
    return [(f"{name}[{at}]", item) for at, item in enumerate(listed)]


def _kind(wanted: object, name: str, kinds: tuple[str, ...]) -> str:
    found: Json = validation.check_type(wanted, "object", name)
    kind = validation.require(found, "type", f"{name}.")
    return validation.check_choice(kind, kinds, f"{name}.type")


def _name(found: Json, name: str) -> str:
    called = validation.text(validation.require(found, "name", f"{name}."), 64, f"{name}.name")
    if not re.match(NAME, called):
        raise Refusal(
            f"Invalid '{name}.name': string does not match pattern. Expected a string that matches "
            f"the pattern '{NAME}'.",
            param=f"{name}.name",
            code="invalid_value",
        )
    return called
