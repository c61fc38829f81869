"""Checks of request parameters, refusing in OpenAI's own words."""

from collections.abc import Collection
from typing import Any

from local.openai.http.messages import Json, Refusal

TYPES = {
    "string": str,
    "object": dict,
    "array": list,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
}
DIGITS = 19  # more of them are as far out of any range
ARTICLES = {"object": "an", "array": "an", "integer": "an"}


def require(body: Json, name: str, prefix: str = "") -> Any:
    if body.get(name) is None:
        full = f"{prefix}{name}"
        raise Refusal(
            f"Missing required parameter: '{full}'.", param=full, code="missing_required_parameter"
        )
    return body[name]


def given(body: Json) -> Json:
    """The parameters without those that are null, which says the same as leaving them out."""
    return {name: value for name, value in body.items() if value is not None}


def check_known(body: Json, known: Collection[str], prefix: str = "") -> None:
    for name in body:
        if name not in known:
            full = f"{prefix}{name}"
            raise Refusal(f"Unknown parameter: '{full}'.", param=full, code="unknown_parameter")


def check_type(value: object, kind: str, name: str) -> Any:
    if not is_a(value, kind):
        raise Refusal(
            f"Invalid type for '{name}': expected {with_article(kind)}, but got "
            f"{with_article(kind_of(value))} instead.",
            param=name,
            code="invalid_type",
        )
    return value


def check_choice(value: object, allowed: Collection[str], name: str) -> str:
    if value not in allowed:
        raise Refusal(
            f"Invalid value: '{value}'. Supported values are: {_listed(allowed)}.",
            param=name,
            code="invalid_value",
        )
    return str(value)


def check_range(value: object, low: int, high: int, name: str) -> int:
    number: int = check_type(value, "integer", name)
    if number < low:
        raise Refusal(
            f"Invalid '{name}': integer below minimum value. Expected a value >= {low}, "
            f"but got {number} instead.",
            param=name,
            code="integer_below_min_value",
        )
    if number > high:
        raise Refusal(
            f"Invalid '{name}': integer above maximum value. Expected a value <= {high}, "
            f"but got {number} instead.",
            param=name,
            code="integer_above_max_value",
        )
    return number


def check_integer(value: str, name: str) -> int:
    """A query parameter that must be a whole number."""
    if not value.removeprefix("-").isdecimal():
        check_type(value, "integer", name)
    return int(value[:DIGITS])


def check_list(value: object, lengths: tuple[int, int], name: str) -> list[Any]:
    items: list[Any] = check_type(value, "array", name)
    least, most = lengths
    if len(items) < least:
        raise Refusal(
            f"Invalid '{name}': empty array. Expected an array with minimum length {least}, but "
            "got an empty array instead.",
            param=name,
            code="empty_array",
        )
    if len(items) > most:
        raise Refusal(
            f"Invalid '{name}': array too long. Expected an array with maximum length {most}, but "
            f"got an array with length {len(items)} instead.",
            param=name,
            code="array_above_max_length",
        )
    return items


def check_texts(value: object, lengths: tuple[int, int], name: str) -> list[str]:
    items = check_list(value, lengths, name)
    return [check_type(item, "string", f"{name}[{at}]") for at, item in enumerate(items)]


def metadata(value: object, name: str = "metadata", strings_only: bool = True) -> Json:
    """Up to 16 pairs; keys of 64 characters, values of 512."""
    if value is None:
        return {}
    pairs: Json = check_type(value, "object", name)
    if len(pairs) > 16:
        raise Refusal(
            f"Invalid '{name}': object with too many properties. Expected an object with at most "
            f"16 properties, but got an object with {len(pairs)} properties instead.",
            param=name,
            code="object_above_max_properties",
        )
    for key, item in pairs.items():
        _pair(key, item, name, strings_only)
    return pairs


def _pair(key: str, value: object, name: str, strings_only: bool) -> None:
    if len(key) > 64:
        raise Refusal(
            f"Invalid property name in '{name}': '{key[:16]}...' was too long. Expected a string "
            f"with maximum length 64, but got a string with length {len(key)} instead.",
            param=name,
            code="property_name_above_max_length",
        )
    if strings_only or not isinstance(value, bool | int | float):
        text(value, 512, f"{name}.{key}")


def text(value: object, longest: int, name: str) -> str:
    string: str = check_type(value, "string", name)
    if len(string) > longest:
        raise Refusal(
            f"Invalid '{name}': string too long. Expected a string with maximum length {longest}, "
            f"but got a string with length {len(string)} instead.",
            param=name,
            code="string_above_max_length",
        )
    return string


def is_a(value: object, kind: str) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False
    return isinstance(value, TYPES[kind])  # type: ignore[arg-type]


def kind_of(value: object) -> str:
    if value is None:
        return "null"
    return next((kind for kind in TYPES if is_a(value, kind)), type(value).__name__)


def with_article(kind: str) -> str:
    return kind if kind == "null" else f"{ARTICLES.get(kind, 'a')} {kind}"


def _listed(values: Collection[str]) -> str:
    quoted = [f"'{value}'" for value in values]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
