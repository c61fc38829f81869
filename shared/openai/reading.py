"""Reads OpenAI's answers, however odd: one odd thing never stops the others.

What decides something (an id, a status, the id of an output) is read strictly. Every other field
that makes no sense is taken as absent, and a list's entries are read one by one.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from shared.errors import OutcomeUnknown
from shared.model import ExternalModel, mistakes
from shared.text import masked

LATEST = 253_402_300_799  # the last second that a datetime can hold
IN_MILLISECONDS = 100_000_000_000


class OpenAIObject(ExternalModel):
    """Only an id, and what is named in DECIDES, has to make sense."""

    DECIDES: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="wrap")
    @classmethod
    def _odd_is_absent(
        cls, value: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        field = cls.model_fields[str(info.field_name)]
        try:
            return read(value)
        except ValidationError:
            if field.is_required() or info.field_name in cls.DECIDES:
                raise
            return field.get_default(call_default_factory=True)


Object = TypeVar("Object", bound=OpenAIObject)


def read(kind: type[Object], answer: Any, call: str) -> Object:
    """Raises OutcomeUnknown if that is not in it: the call may have done its work."""
    try:
        return kind.model_validate(_unwrapped(answer))
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(each.path) or "all" for each in mistakes(error)}))
        raise OutcomeUnknown(f"{call}: the answer can't be read ({fields})") from None


def readable(kind: type[Object], entries: Any) -> list[Object]:
    """The entries of a list that can be read."""
    if not isinstance(entries, list):
        raise ValueError("not a list")
    found: list[Object] = []
    for each in entries:
        try:
            found.append(kind.model_validate(each))
        except ValidationError:
            continue
    return found


def error_in(answer: Any) -> dict[str, Any] | None:
    """What an answer says went wrong: `{"error": …}`, `{"detail": …}`, a text, a list of them."""
    if isinstance(answer, str):
        return {"message": answer} if answer.strip() else None
    if isinstance(answer, list):
        return next(filter(None, map(error_in, answer)), None)
    if not isinstance(answer, dict):
        return None
    own = {name: answer[name] for name in ("code", "type", "param") if answer.get(name)}
    for place in ("error", "errors", "message", "detail", "msg"):
        if inner := error_in(answer.get(place)):
            return own | inner
    return own or None


def _unwrapped(answer: Any) -> Any:
    """Some servers wrap an object (`{"job": {…}}`), or answer a list without its envelope."""
    if isinstance(answer, list):
        return {"data": answer}
    if isinstance(answer, dict) and len(answer) == 1:
        (inner,) = answer.values()
        if isinstance(inner, dict) and "id" in inner:
            return inner
    return answer


def _as_seconds(value: Any) -> int:
    """Unix seconds, also from milliseconds and from ISO 8601; 0 where it is no time."""
    try:
        if isinstance(value, str) and not value.strip().isdecimal():
            time = datetime.fromisoformat(value.strip())
            seconds = time.replace(tzinfo=time.tzinfo or UTC).timestamp()
        else:
            seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0
    seconds = seconds / 1_000 if seconds > IN_MILLISECONDS else seconds
    return int(seconds) if 0 <= seconds <= LATEST else 0


Said = Annotated[str, AfterValidator(masked)]  # it may quote a key
Seconds = Annotated[int, BeforeValidator(_as_seconds)]
