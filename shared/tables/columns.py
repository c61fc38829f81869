"""What an answer says, as the values of a recipe's columns."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from shared.nesting import is_too_deep
from shared.tables.answer_schema import validator
from shared.tables.recipe import EMBEDDING, TEXT, Recipe, path_of
from shared.text import sanitize

_decode, _encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
TYPES = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
ERROR = "_error"
INVALID = "invalid_output"
MOST_SAID = 300  # characters of an error
INT64 = 1 << 63


class Columns:
    """The columns that a recipe adds."""

    def __init__(self, recipe: Recipe) -> None:
        self.types = {name: _type(recipe, place) for name, place in recipe.answer.columns.items()}
        self._places = dict(recipe.answer.columns)
        self._takes = {
            name: _taking(place, self.types[name]) for name, place in self._places.items()
        }
        self._needs_json = any(place.startswith("$") for place in self._places.values())
        schema = recipe.answer_schema if self._needs_json else None
        self._validator = _validator(schema)

    def values(self, line: bytes) -> dict[str, Any]:
        """Of a line of results: each column's value, and `_error` where there is none."""
        answer = _lenient(line)
        if why := _failure(answer):
            return {ERROR: why}
        body = answer["response"]["body"]
        body = _read(body) if isinstance(body, str) else body
        text = text_in(body)
        found: Any = None
        if self._needs_json:
            try:
                found = _read(text)
            except ValueError:
                return {ERROR: f"{INVALID}: the answer is no JSON"}
            if self._validator and (error := next(self._validator.iter_errors(found), None)):
                return {ERROR: f"{INVALID}: {sanitize(error.message, MOST_SAID)}"}
        return {name: take(text, found, body) for name, take in self._takes.items()}


def _validator(schema: Mapping[str, Any] | None) -> Any:
    """None for a schema that is none; intake refuses those, and so does OpenAI."""
    try:
        return schema and validator(schema)
    except ValueError:
        return None


def _type(recipe: Recipe, place: str) -> str:
    """DuckDB's, from the schema where there is one."""
    if place == EMBEDDING:
        return "FLOAT[]"
    schema = _schema_at(recipe.answer_schema, path_of(place) or ()) if place != TEXT else None
    kind = schema.get("type") if isinstance(schema, dict) else None
    kinds = [each for each in (kind if isinstance(kind, list) else [kind]) if each != "null"]
    return TYPES.get(kinds[0] or "", "VARCHAR") if len(kinds) == 1 else "VARCHAR"


def _schema_at(schema: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        if not isinstance(schema, dict):
            return None
        inner = schema.get("items") if isinstance(step, int) else schema.get("properties")
        schema = inner.get(step) if isinstance(inner, dict) and isinstance(step, str) else inner
    return schema


def _failure(answer: Mapping[str, Any]) -> str:
    """Why there is no answer, in a word or OpenAI's; empty if there is one."""
    response = answer.get("response") or {}
    body = response.get("body")
    inner = body.get("error") if isinstance(body, dict) else None
    if said := _said(answer.get("error")) or _said(inner):
        return said
    if not body:
        return "no_answer"
    status = response.get("status_code")
    return f"status {status}" if isinstance(status, int) and status >= 400 else ""


def _said(error: Any) -> str:
    """Empty for what is no error, or says nothing."""
    if not error or not isinstance(error, dict):
        return ""
    parts = [str(error[name]) for name in ("code", "message") if error.get(name)]
    return sanitize(": ".join(parts), MOST_SAID)


def text_in(body: Any) -> str:
    """What the model wrote, at any endpoint that answers with text."""
    if not isinstance(body, dict):
        return ""
    found: list[str] = []
    for choice in _list(body, "choices"):
        message = choice.get("message") if isinstance(choice, dict) else None
        _add_text(found, message if isinstance(message, dict) else choice)
    for item in _list(body, "output"):
        for content in _list(item, "content"):
            _add_text(found, content)
    return "".join(found)


def _add_text(found: list[str], held: Any) -> None:
    for name in ("content", "text") if isinstance(held, dict) else ():
        value = held.get(name)
        if isinstance(value, str):
            found.append(value)


def _list(held: Any, name: str) -> list[Any]:
    value = held.get(name) if isinstance(held, dict) else None
    return value if isinstance(value, list) else []


def _taking(place: str, kind: str) -> Callable[[str, Any, Any], Any]:
    """How a column's value is taken from an answer's text, its JSON and its body."""
    if place == TEXT:
        return lambda text, found, body: text
    if place == EMBEDDING:
        return lambda text, found, body: _vector(_embedding(body))
    check, steps = _CHECKS[kind], path_of(place) or ()
    if len(steps) == 1 and isinstance(steps[0], str):
        return partial(_taken, check, steps[0])

    def take(_: str, found: Any, __: Any) -> Any:
        value = _below(found, steps)
        return None if value is None else check(value)

    return take


def _taken(check: Callable[[Any], Any], name: str, _: str, found: Any, __: Any) -> Any:
    """At the top of the answer's JSON, where most values stand."""
    value = found.get(name) if type(found) is dict else None
    return None if value is None else check(value)


def _embedding(body: Any) -> Any:
    first = next(iter(_list(body, "data")), None)
    return first.get("embedding") if isinstance(first, dict) else None


def _read(text: str) -> Any:
    """Raises ValueError."""
    data = text.encode(errors="replace")
    if is_too_deep(data):
        raise ValueError("nested too deeply")
    return _lenient(data)


def _lenient(data: bytes) -> Any:
    """Half a surrogate pair, which only Python's own reader takes, becomes a question mark.

    Raises ValueError.
    """
    try:
        return _decode(data)
    except msgspec.DecodeError:
        found = json.loads(data.decode(errors="replace"))
        return _decode(json.dumps(found, ensure_ascii=False).encode(errors="replace"))


def _below(value: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value).decode()


def _of_type(kinds: tuple[type, ...], value: Any) -> Any:
    is_bool = isinstance(value, bool)
    return value if isinstance(value, kinds) and is_bool == (kinds == (bool,)) else None


def _whole(value: Any) -> Any:
    number = _of_type((int, float), value)
    is_whole = number is not None and number == int(number) and abs(number) < INT64
    return int(number) if is_whole else None


def _vector(value: Any) -> Any:
    return value if isinstance(value, list) else None


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "VARCHAR": _text,
    "BIGINT": _whole,
    "DOUBLE": partial(_of_type, (int, float)),
    "BOOLEAN": partial(_of_type, (bool,)),
    "FLOAT[]": _vector,
}
