"""Answers against the official client's own types: strictly, and without other fields."""

from collections.abc import Iterator
from typing import Any

from openai import BaseModel

BEYOND = {".store", ".description"}  # seen in answers, and in the documentation's examples


def assert_is_strictly(model: type[BaseModel], answer: dict[str, Any]) -> None:
    parsed = model.model_validate(answer, strict=True)

    beyond = set(unknown_fields(parsed)) - BEYOND
    assert not beyond, f"{model.__name__} has no {', '.join(sorted(beyond))}"


def unknown_fields(value: Any, path: str = "") -> Iterator[str]:
    """Fields that the client's types do not have."""
    if isinstance(value, BaseModel):
        yield from (f"{path}.{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from unknown_fields(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from unknown_fields(item, f"{path}[{at}]")
