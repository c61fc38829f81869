"""Makes up a value that follows a JSON Schema, the same one for the same seed."""

import random
from collections.abc import Callable
from math import ceil, floor
from typing import Any

from local.openai.http.messages import Json
from local.openai.inference.patterns import text_like

DEEPEST = 30
DEPTH = 5  # below it, what may be left out is left out, so that recursive schemas end
STEPS = 50  # references and alternatives in a row
FORMATS = {
    "date": "2026-11-01",
    "date-time": "2026-11-01T12:00:00Z",
    "duration": "PT1H",
    "email": "user@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "time": "12:00:00Z",
    "uri": "https://example.com/",
    "uuid": "12345678-1234-4234-8234-123456789abc",
}


def follow(schema: Json, text: str, seed: str) -> Any:
    """`text` is what strings say that may say anything."""
    return Follower(schema, text, seed).value(schema, 0)


def resolve(root: Json, reference: str) -> Any:
    """What `#/$defs/Name` points at; None if there is no such thing."""
    found: Any = root
    for name in reference.removeprefix("#").split("/")[1:]:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def kind_of(rule: Json) -> str:
    """The type; of several the first that is not null."""
    kinds = rule.get("type")
    if isinstance(kinds, list):
        return next((kind for kind in kinds if kind != "null"), "null")
    if kinds is None:
        return "object" if "properties" in rule else "array" if "items" in rule else "string"
    return str(kinds)


class Follower:
    def __init__(self, root: Json, text: str, seed: str) -> None:
        self.root = root
        self.text = text
        self.dice = random.Random(seed)

    def value(self, schema: Json, depth: int) -> Any:
        rule = self._resolved(schema, depth)
        if depth > DEEPEST:
            return None  # the schema is endless
        if "const" in rule:
            return rule["const"]
        if "enum" in rule:
            return self.dice.choice(rule["enum"])
        return MAKERS[kind_of(rule)](self, rule, depth)

    def object(self, rule: Json, depth: int) -> Json:
        """Every property; deep down those that are required."""
        required = rule.get("required", [])
        return {
            name: self.value(each, depth + 1)
            for name, each in rule.get("properties", {}).items()
            if depth < DEPTH or name in required
        }

    def array(self, rule: Json, depth: int) -> list[Any]:
        number = min(rule.get("maxItems", 2), 0 if depth >= DEPTH else 2)
        items = range(max(number, rule.get("minItems", 0)))
        return [self.value(rule.get("items", {}), depth + 1) for _ in items]

    def string(self, rule: Json, depth: int) -> str:
        if "pattern" in rule:
            return text_like(rule["pattern"], self.dice)
        if rule.get("format") in FORMATS:
            return FORMATS[rule["format"]]
        text = self.text.ljust(rule.get("minLength", 0), ".")
        return text[: rule.get("maxLength", len(text))]

    def integer(self, rule: Json, depth: int) -> int:
        step = rule.get("multipleOf", 1)
        low, high = _range(rule, 10 * step, 1)
        first = ceil(low / step)
        return int(self.dice.randint(first, max(first, floor(high / step))) * step)

    def number(self, rule: Json, depth: int) -> float:
        step = rule.get("multipleOf")
        low, high = _range(rule, 10 * (step or 1), 0)
        middle = (low + high) / 2
        return float(floor(middle / step) * step if step else middle)

    def _resolved(self, schema: Json, depth: int) -> Json:
        """With references followed and one alternative taken."""
        for _ in range(STEPS):
            if "$ref" in schema:
                schema = resolve(self.root, schema["$ref"])
            elif alternatives := schema.get("anyOf", schema.get("oneOf")):
                schema = self._alternative(alternatives, depth)
            elif "allOf" in schema:
                schema = {name: value for each in schema["allOf"] for name, value in each.items()}
            else:
                break
        return schema

    def _alternative(self, alternatives: list[Json], depth: int) -> Json:
        """Deep down the one that ends soonest: null, or one that refers to nothing."""
        if depth < DEPTH:
            return self.dice.choice([each for each in alternatives if each != NULL] or alternatives)
        return min(alternatives, key=lambda each: (each != NULL, "$ref" in str(each)))


NULL = {"type": "null"}
MAKERS: dict[str, Callable[[Follower, Json, int], Any]] = {
    "array": Follower.array,
    "boolean": lambda follower, rule, depth: follower.dice.random() < 0.5,
    "integer": Follower.integer,
    "null": lambda follower, rule, depth: None,
    "number": Follower.number,
    "object": Follower.object,
    "string": Follower.string,
}


def _range(rule: Json, width: float, beside: float) -> tuple[float, float]:
    """The least and the greatest number allowed; `beside` is how far an excluded end is away."""
    low, high = rule.get("minimum"), rule.get("maximum")
    if "exclusiveMinimum" in rule:
        low = rule["exclusiveMinimum"] + beside
    if "exclusiveMaximum" in rule:
        high = rule["exclusiveMaximum"] - beside
    if low is None:
        low = 0 if high is None else high - width
    return low, low + width if high is None else high
