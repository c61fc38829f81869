"""OpenAI's objects as the API answers them; every field but the id may be missing."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from shared.model import ExternalModel, OptionalId


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


class RequestCounts(ExternalModel):
    total: int = 0
    completed: int = 0
    failed: int = 0


class InputTokensDetails(ExternalModel):
    cached_tokens: int = 0


class OutputTokensDetails(ExternalModel):
    reasoning_tokens: int = 0


class BatchUsage(ExternalModel):
    input_tokens: int = 0
    input_tokens_details: InputTokensDetails | None = None
    output_tokens: int = 0
    output_tokens_details: OutputTokensDetails | None = None
    total_tokens: int = 0


class BatchError(ExternalModel):
    code: str | None = None
    message: str | None = None
    param: str | None = None
    line: int | None = None


class BatchErrors(ExternalModel):
    object: str = "list"
    data: list[BatchError] = []


class Batch(ExternalModel):
    """https://platform.openai.com/docs/api-reference/batch/object; times are unix seconds."""

    id: str
    object: str = "batch"
    endpoint: str | None = None
    model: str | None = None
    errors: BatchErrors | None = None
    input_file_id: OptionalId = None
    completion_window: str | None = None
    status: str = ""
    output_file_id: OptionalId = None
    error_file_id: OptionalId = None
    created_at: int = 0
    in_progress_at: int | None = None
    expires_at: int | None = None
    finalizing_at: int | None = None
    completed_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
    cancelling_at: int | None = None
    cancelled_at: int | None = None
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


class BatchPage(ExternalModel):
    data: list[Batch] = []
    first_id: OptionalId = None
    last_id: OptionalId = None
    has_more: bool = False

    @property
    def after(self) -> str | None:
        """Where the next page starts; None: there is none."""
        return (self.last_id or self.data[-1].id) if self.has_more and self.data else None


class File(ExternalModel):
    """https://platform.openai.com/docs/api-reference/files/object"""

    id: str
    object: str = "file"
    bytes: int = 0
    created_at: int = 0
    expires_at: int | None = None
    filename: str = ""
    purpose: str = ""
    status: str = ""
    status_details: str | None = None


class FilePage(ExternalModel):
    data: list[File] = []
    last_id: OptionalId = None
    has_more: bool = False

    @property
    def after(self) -> str | None:
        """Where the next page starts; None: there is none."""
        return (self.last_id or self.data[-1].id) if self.has_more and self.data else None


class ApiError(ExternalModel):
    message: str = ""
    type: str | None = None
    param: str | None = None
    code: str | None = None


class ErrorEnvelope(ExternalModel):
    error: ApiError = Field(default_factory=ApiError)
