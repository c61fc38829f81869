"""OpenAI's objects as the API answers them; every field but the id may be missing."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from shared.model import OptionalId
from shared.openai.reading import OpenAIObject, Said, Seconds, readable


class BatchStatus(StrEnum):
    """The eight documented statuses; the API may answer others, so `Batch.status` is a str."""

    VALIDATING = "validating"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


ENDED = frozenset(
    {BatchStatus.FAILED, BatchStatus.COMPLETED, BatchStatus.EXPIRED, BatchStatus.CANCELLED}
)


class RequestCounts(OpenAIObject):
    total: int = 0
    completed: int = 0
    failed: int = 0


class InputTokensDetails(OpenAIObject):
    cached_tokens: int = 0


class OutputTokensDetails(OpenAIObject):
    reasoning_tokens: int = 0


class BatchUsage(OpenAIObject):
    input_tokens: int = 0
    input_tokens_details: InputTokensDetails | None = None
    output_tokens: int = 0
    output_tokens_details: OutputTokensDetails | None = None
    total_tokens: int = 0


class BatchError(OpenAIObject):
    code: Said | None = None
    message: Said | None = None
    param: Said | None = None
    line: int | None = None


class BatchErrors(OpenAIObject):
    object: str = "list"
    data: Annotated[list[BatchError], BeforeValidator(partial(readable, BatchError))] = []


def _as_errors(value: Any) -> Any:
    """A text, or a list without its envelope, says why as well."""
    if isinstance(value, str):
        return {"data": [{"message": value}]} if value.strip() else None
    return {"data": value} if isinstance(value, list) else value


def _lowered(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


Status = Annotated[str, BeforeValidator(_lowered)]


class Batch(OpenAIObject):
    """https://platform.openai.com/docs/api-reference/batch/object; times are unix seconds."""

    DECIDES: ClassVar = frozenset({"status", "output_file_id", "error_file_id"})

    id: str = Field(min_length=1)
    object: str = "batch"
    endpoint: str | None = None
    model: str | None = None
    errors: Annotated[BatchErrors | None, BeforeValidator(_as_errors)] = None
    input_file_id: OptionalId = None
    completion_window: str | None = None
    status: Status = ""
    output_file_id: OptionalId = None
    error_file_id: OptionalId = None
    created_at: Seconds = 0
    in_progress_at: Seconds | None = None
    expires_at: Seconds | None = None
    finalizing_at: Seconds | None = None
    completed_at: Seconds | None = None
    failed_at: Seconds | None = None
    expired_at: Seconds | None = None
    cancelling_at: Seconds | None = None
    cancelled_at: Seconds | None = None
    request_counts: RequestCounts | None = None
    usage: BatchUsage | None = None
    metadata: dict[str, Any] | None = None  # texts, if OpenAI keeps its word

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def created(self) -> datetime:
        return datetime.fromtimestamp(self.created_at, UTC)

    @property
    def counts(self) -> RequestCounts:
        return self.request_counts or RequestCounts()

    @property
    def problems(self) -> list[BatchError]:
        return self.errors.data if self.errors else []


class BatchPage(OpenAIObject):
    DECIDES: ClassVar = frozenset({"has_more"})

    data: Annotated[list[Batch], BeforeValidator(partial(readable, Batch))]
    first_id: OptionalId = None
    last_id: OptionalId = None
    has_more: bool = False

    @property
    def after(self) -> str | None:
        """Where the next page starts; None: there is none, or nobody can say where."""
        if not self.has_more:
            return None
        return self.last_id or (self.data[-1].id if self.data else None)


class File(OpenAIObject):
    """https://platform.openai.com/docs/api-reference/files/object"""

    id: str = Field(min_length=1)
    object: str = "file"
    bytes: int = 0
    created_at: Seconds = 0
    expires_at: Seconds | None = None
    filename: str = ""
    purpose: str = ""
    status: str = ""
    status_details: Said | None = None


class FilePage(OpenAIObject):
    DECIDES: ClassVar = frozenset({"has_more"})

    data: Annotated[list[File], BeforeValidator(partial(readable, File))]
    last_id: OptionalId = None
    has_more: bool = False

    @property
    def after(self) -> str | None:
        """Where the next page starts; None: there is none, or nobody can say where."""
        if not self.has_more:
            return None
        return self.last_id or (self.data[-1].id if self.data else None)


class ApiError(OpenAIObject):
    """What an error answer says, in whichever of the usual places."""

    message: Said = ""
    type: Said | None = None
    param: Said | None = None
    code: Said | None = None


class SafetyAlert(OpenAIObject):
    """An alert of a project, as the official client 3.54.0 types it."""

    id: str
    error_type: str = ""
    model: str = ""
    reason: str | None = None
    request_id: str = ""
    request_paused: bool = False
