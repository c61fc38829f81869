"""Whether a body is of the official client's parameter types, and OpenAI's words where it is not.

The types are narrower than the API. So null stands for what may be left out, and of an object that
names its kind (`type`, `role`) nothing else is required.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, SchemaValidator

from local.openai.http import validation
from local.openai.http.messages import Json, Refusal

KINDS = ("type", "role")  # fields that say which alternative an object is
NAMES = {
    "bool": "boolean",
    "dict": "object",
    "float": "decimal",
    "int": "integer",
    "list": "array",
    "string": "string",
}
Place = tuple[int | str, ...]


def check_types(endpoint: str, body: Json) -> None:
    """Refuses a body with an unknown parameter, or one that is not of its type."""
    validator = _validators().get(endpoint)
    if validator is None:
        return
    given = validation.given(body)
    try:
        validator().validate_python(given, strict=True)
    except ValidationError as problem:
        raise _refusal(problem.errors(include_url=False, include_context=True), given) from None


@cache
def _validators() -> dict[str, Callable[[], SchemaValidator]]:
    """By endpoint, each made when it is needed: the client's types take a second to load."""
    from openai.types import EmbeddingCreateParams, ModerationCreateParams
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
    from openai.types.completion_create_params import (
        CompletionCreateParamsNonStreaming as OldCompletionCreateParams,
    )
    from openai.types.image_generate_params import ImageGenerateParamsNonStreaming
    from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

    types: dict[str, Any] = {
        "/v1/chat/completions": CompletionCreateParamsNonStreaming,
        "/v1/completions": OldCompletionCreateParams,
        "/v1/responses": ResponseCreateParamsNonStreaming,
        "/v1/embeddings": EmbeddingCreateParams,
        "/v1/moderations": ModerationCreateParams,
        "/v1/images/generations": ImageGenerateParamsNonStreaming,
    }
    return {endpoint: cache(lambda of=of: _validator(of)) for endpoint, of in types.items()}


def _validator(parameters: Any) -> SchemaValidator:
    schema = _loosened(TypeAdapter(parameters).core_schema)
    top = schema["schema"] if schema["type"] == "definitions" else schema
    top["extra_behavior"] = "forbid"
    stream = {"type": "typed-dict-field", "schema": {"type": "any"}, "required": False}
    top["fields"]["stream"] = stream  # who answers says whether it may be asked for
    return SchemaValidator(schema)


def _loosened(schema: Any) -> Any:
    """Of pydantic's core schema: lists are lists, null may stand for what may be left out."""
    if isinstance(schema, list | tuple):
        return type(schema)(_loosened(each) for each in schema)
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "json-or-python":
        return _loosened(schema["json_schema"])
    found = {name: _loosened(each) for name, each in schema.items()}
    if found.get("type") == "generator":
        return {"type": "list", "items_schema": found["items_schema"]}
    if found.get("type") == "typed-dict":
        _loosen_fields(found["fields"])
    return found


def _loosen_fields(fields: Json) -> None:
    required = {name for name, field in fields.items() if field.get("required")}
    kept = required.intersection(KINDS) or required
    for name in fields.keys() - kept:
        fields[name]["required"] = False
        fields[name]["schema"] = {"type": "nullable", "schema": fields[name]["schema"]}


def _refusal(errors: Sequence[ErrorDetails], body: Json) -> Refusal:
    """Of what is wrong, the deepest: the alternative that the body means got furthest."""
    others = {each["loc"][:-1] for each in errors if _is_of_kind(each)}
    meant = [each for each in errors if not _inside(each, others)]
    places = {id(each): _place(each, body) for each in meant}
    deepest = max(meant, key=lambda each: (len(places[id(each)]), not _is_of_kind(each)))
    place = places[id(deepest)]
    return _worded([each for each in meant if places[id(each)] == place], place)


def _is_of_kind(error: ErrorDetails) -> bool:
    """The alternative is another one than the body means."""
    return error["type"] in ("literal_error", "missing") and error["loc"][-1] in KINDS


def _inside(error: ErrorDetails, others: Iterable[Place]) -> bool:
    """Whether it is wrong only in an alternative that is not meant."""
    own = error["loc"][:-1] if _is_of_kind(error) else None
    return any(error["loc"][: len(each)] == each != own for each in others)


def _place(error: ErrorDetails, body: Any) -> Place:
    """Where it is in the body, without pydantic's names of alternatives."""
    place: list[int | str] = []
    for step in error["loc"]:
        steps = range(len(body)) if isinstance(body, list) else body
        if isinstance(steps, range | dict) and step in steps:
            body = body[step]
            place.append(step)
    if error["type"] == "missing":
        place.append(error["loc"][-1])
    return tuple(place)


def _worded(errors: Sequence[ErrorDetails], place: Place) -> Refusal:
    name = _written(place)
    first = errors[0]
    if first["type"] == "extra_forbidden":
        return _refused(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    if all(each["type"] == "missing" for each in errors):
        message = f"Missing required parameter: '{name}'."
        return _refused(message, name, "missing_required_parameter")
    literals = [each for each in errors if each["type"] == "literal_error"]
    if literals and isinstance(first["input"], str):
        expected = dict.fromkeys(each["ctx"]["expected"] for each in literals)
        message = f"Invalid value: '{first['input']}'. Supported values are: {', '.join(expected)}."
        return _refused(message, name, "invalid_value")
    wanted = dict.fromkeys(_kind_wanted(each) for each in errors)
    got = validation.kind_of(first["input"])
    message = (
        f"Invalid type for '{name}': expected {_one_of(list(wanted))}, but got "
        f"{validation.with_article(got)} instead."
    )
    return _refused(message, name, "invalid_type")


def _kind_wanted(error: ErrorDetails) -> str:
    return NAMES.get(error["type"].split("_")[0], "string")


def _one_of(kinds: list[str]) -> str:
    if len(kinds) == 1:
        return validation.with_article(kinds[0])
    return f"one of {validation.with_article(kinds[0])} or {' or '.join(kinds[1:])}"


def _written(place: Place) -> str:
    """As OpenAI writes it: messages[0].content."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)[1:]


def _refused(message: str, name: str, code: str) -> Refusal:
    return Refusal(message, param=name, code=code)
