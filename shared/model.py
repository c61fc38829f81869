"""The two kinds of model: ours are frozen and exact, theirs ignore what they do not know."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator


class FrozenModel(BaseModel):
    """A fact of ours: never changed, only replaced; an unknown field is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ExternalModel(BaseModel):
    """An answer of somebody else's: new fields may appear any day, and any field may be null."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", coerce_numbers_to_str=True, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: each for name, each in value.items() if each is not None}
        return value


def _falsy_is_absent(value: Any) -> Any:
    return value or None


# A live batch was seen with `error_file_id: ""`, which would become GET /files//content.
OptionalId = Annotated[str | None, BeforeValidator(_falsy_is_absent)]
