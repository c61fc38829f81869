"""What is wrong with a JSON Schema, by the rules of structured outputs, in OpenAI's words."""

import random
from collections.abc import Iterator
from typing import Any

from local.openai.http.messages import Json
from local.openai.http.validation import is_a
from local.openai.inference.patterns import Unsupported, text_like
from local.openai.inference.schema import MAKERS, resolve

DEEPEST = 10  # levels of a strict schema, as documented
DEEPEST_OF_ALL = 100
NESTED = ("properties", "$defs", "definitions")
LISTED = ("anyOf", "oneOf", "allOf")
KEYWORDS = {
    **dict.fromkeys(("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"), "number"),
    **dict.fromkeys(("maxItems", "maxLength", "minItems", "minLength"), "integer"),
    **dict.fromkeys((*LISTED, "enum", "required"), "array"),
    **dict.fromkeys(NESTED, "object"),
    **dict.fromkeys(("$ref", "pattern"), "string"),
    "items": "object",
    "multipleOf": "number",
}
ORDERED = (("minimum", "maximum"), ("minItems", "maxItems"), ("minLength", "maxLength"))

Path = tuple[str, ...]


def problem_of(schema: object, strict: bool) -> str | None:
    """The first one; an empty schema, of a function without parameters, is right."""
    if isinstance(schema, dict) and schema and schema.get("type") != "object":
        kind = schema.get("type")
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    return next(Checker(schema, strict).problems(schema, ()), None)


class Checker:
    def __init__(self, root: Any, strict: bool) -> None:
        self.root = root
        self.strict = strict

    def problems(self, node: Any, path: Path) -> Iterator[str]:
        if not isinstance(node, dict):
            yield f"In context={path}, {node!r:.60} is not of type 'object', 'boolean'."
            return
        if len(path) > 2 * (DEEPEST if self.strict else DEEPEST_OF_ALL):
            yield "The schema is nested too deeply."
            return
        yield from (f"In context={path}, {text}" for text in self._of_node(node))
        for name, child in _children(node):
            yield from self.problems(child, (*path, *name))

    def _of_node(self, node: Json) -> Iterator[str]:
        yield from _types(node)
        yield from _keywords(node)
        yield from _values(node)
        if "$ref" in node and not isinstance(resolve(self.root, node["$ref"]), dict):
            yield f"reference to component '{node['$ref']}' which was not found in the schema."
        if self.strict and node.get("type") == "object":
            yield from _strict(node)


def _types(node: Json) -> Iterator[str]:
    kinds = node.get("type", "string")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if not isinstance(kind, str) or kind not in MAKERS:
            yield f"{kind!r:.60} is not valid under any of the given schemas."


def _keywords(node: Json) -> Iterator[str]:
    for name, kind in KEYWORDS.items():
        if name in node and not is_a(node[name], kind):
            yield f"{node[name]!r:.60} is not of type '{kind}'."


def _values(node: Json) -> Iterator[str]:
    """Keywords are of their types by now."""
    for name in ("enum", *LISTED):
        if node.get(name) == []:
            yield f"'{name}' should be non-empty."
    for low, high in ORDERED:
        if low in node and high in node and node[low] > node[high]:
            yield f"'{low}' is greater than '{high}'."
    if node.get("multipleOf", 1) <= 0:
        yield "'multipleOf' should be greater than 0."
    yield from _pattern(node)


def _pattern(node: Json) -> Iterator[str]:
    try:
        text_like(node.get("pattern", ""), random.Random(0))
    except Unsupported as problem:
        yield f"'pattern' is not supported: {problem}."


def _strict(node: Json) -> Iterator[str]:
    if node.get("additionalProperties") is not False:
        yield "'additionalProperties' is required to be supplied and to be false."
    required = node.get("required", [])
    for name in node.get("properties", {}):
        if name not in required:
            yield (
                "'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{name}'."
            )


def _children(node: Json) -> Iterator[tuple[Path, Any]]:
    for keyword in NESTED:
        yield from (((keyword, name), child) for name, child in node.get(keyword, {}).items())
    for keyword in LISTED:
        yield from (((keyword, str(at)), child) for at, child in enumerate(node.get(keyword, ())))
    if "items" in node:
        yield ("items",), node["items"]
