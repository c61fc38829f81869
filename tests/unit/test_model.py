"""The two kinds of model, and what is said of values that do not fit."""

from typing import Any

import pytest
from pydantic import ValidationError, field_validator

from shared.model import ExternalModel, FrozenModel, OptionalId, mistakes


class Inner(FrozenModel):
    count: int


class Outer(FrozenModel):
    inner: Inner
    name: str = "x"

    @field_validator("name")
    @classmethod
    def _is_short(cls, name: str) -> str:
        if len(name) > 3:
            raise ValueError("too long")
        return name


class Answer(ExternalModel):
    id: str
    count: int = 7
    file: OptionalId = None


def found(value: Any) -> list[tuple[tuple[str, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(value)
    return [(each.path, each.message) for each in mistakes(caught.value)]


def test_mistakes_name_the_path_and_what_is_wrong() -> None:
    assert found({"inner": {"count": "a"}, "name": "long", "more": 1}) == [
        (
            ("inner", "count"),
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        (("name",), "too long"),
        (("more",), "Extra inputs are not permitted"),
    ]


def test_mistake_of_the_whole_value_has_no_path() -> None:
    ((path, _),) = found([])

    assert path == ()


def test_external_model_ignores_unknown_fields_and_nulls() -> None:
    answer = Answer.model_validate({"id": 5, "count": None, "file": "", "new": [1]})

    assert answer == Answer(id="5", count=7, file=None)
