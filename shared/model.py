"""The two kinds of model: our own are frozen and exact; external ones ignore unknown fields."""

from typing import Annotated, Any, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    model_validator,
)


class FrozenModel(BaseModel):
    """Our own data: never changed, only replaced; an unknown field is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ExternalModel(BaseModel):
    """Data from outside: new fields may appear any day, and any field may be null."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        coerce_numbers_to_str=True,
        defer_build=True,
        hide_input_in_errors=True,  # it may hold a key
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: each for name, each in value.items() if each is not None}
        return value


class Mistake(NamedTuple):
    """A field that is not as its model demands."""

    path: tuple[str, ...]  # empty: the value as a whole
    kind: str  # pydantic's name for it, such as extra_forbidden
    message: str
    value: object


def mistakes(error: ValidationError) -> list[Mistake]:
    """What is wrong with each field, in words for a person."""
    return [
        Mistake(
            tuple(map(str, each["loc"])),
            each["type"],
            each["msg"].removeprefix("Value error, "),
            each["input"],
        )
        for each in error.errors(include_url=False)
    ]


def _falsy_is_absent(value: Any) -> Any:
    return value or None


# A live batch was seen with `error_file_id: ""`, which would become GET /files//content.
OptionalId = Annotated[str | None, BeforeValidator(_falsy_is_absent)]
