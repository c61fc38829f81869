"""What a job and its parts are, and the moves they may make."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field

from shared.model import Ours
from shared.openai_models import Batch, BatchError
from shared.options import Options

NUMBERS = 100_000  # an attempt's parts are numbered from (attempt - 1) × this
KEPT_ERRORS = 20  # of a refused batch, in the ledger: an item stays below 10 KB
TEXT_LIMIT = 300  # characters of somebody else's text, wherever we keep it


class JobState(StrEnum):
    CHECKING = "checking"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PartState(StrEnum):
    PLANNED = "planned"
    WAITING = "waiting"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    ENDED = "ended"
    LANDED = "landed"


REFUSED = "refused"  # stands for OpenAI's status where create itself was refused
OVER = frozenset({JobState.REJECTED, JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})


class Source(Ours):
    """One version of one object in S3."""

    bucket: str
    key: str
    version: str | None = None
    etag: str = ""
    sequencer: str = ""
    size: int = 0

    @property
    def identity(self) -> str:
        """The version; without one (a bucket that is not versioned) ETag and sequencer."""
        return self.version or f"{self.etag}-{self.sequencer}"


class Span(Ours):
    """A run of bytes of an object: the whole of it, or the lines that lie side by side in it."""

    bucket: str
    key: str
    version: str | None = None
    start: int = 0
    length: int


class Job(Ours):
    """One dropped file and everything that becomes of it."""

    id: str
    source: Source
    state: JobState = JobState.CHECKING
    options: Options = Options()
    requests: int = 0
    parts: int = 0
    tokens: int = 0  # estimated prompt tokens
    reason: str = ""
    results_prefix: str = ""
    skipped: int = 0  # bad lines left out
    notes: list[str] = []
    due: datetime
    times: dict[str, datetime] = {}
    rev: int = 0

    @property
    def key(self) -> str:
        return self.source.key

    @property
    def over(self) -> bool:
        return self.state in OVER

    def moved(self, state: JobState, now: datetime, **changes: object) -> Self:
        times = self.times | {state.value: now}
        update = {"state": state, "times": times, "rev": self.rev + 1, **changes}
        return self.model_copy(update=update)


class Lines(Ours):
    """Which lines of the dropped file a part holds; the numbers themselves lie under `key`."""

    key: str
    first: int
    last: int
    count: int


class Part(Ours):
    """What of a job goes to OpenAI as one batch; `due` is when poll should look at it again."""

    job: str
    number: int
    attempt: int = 1
    state: PartState = PartState.PLANNED
    endpoint: str
    model: str
    source: Span
    first_line: int
    last_line: int
    lines_key: str | None = None  # line numbers, where the lines do not lie side by side
    requests: int
    bytes: int
    inputs: int = 0  # embedding inputs
    tokens: int  # estimated prompt tokens
    reason: str = ""
    due: datetime
    asked_at: datetime | None = None  # when poll asked submit for it
    tries: int = 0
    file_id: str | None = None
    creating_at: datetime | None = None  # set: an answer of create may be lost
    batch_id: str | None = None
    batch_status: str = ""
    done: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: list[BatchError] = []
    errors_total: int = 0
    extras: int = 0  # answers to nobody, or second ones
    times: dict[str, datetime] = {}
    rev: int = 0

    @property
    def name(self) -> str:
        return f"{self.job}/{self.number:06d}"

    @property
    def base(self) -> int:
        """The number of the part whose requests these are, whatever the attempt."""
        return self.number % NUMBERS

    @property
    def metadata(self) -> dict[str, str]:
        """What the batch carries, so that a lost answer is found again."""
        return {"job_id": self.job, "part": str(self.base), "attempt": str(self.attempt)}

    def is_made_into(self, batch: Batch) -> bool:
        """Whether a batch at OpenAI is this part's, told by metadata or by its input file."""
        if self.file_id and batch.input_file_id == self.file_id:
            return True
        return self.metadata.items() <= (batch.metadata or {}).items()

    def _moved(self, state: PartState, now: datetime, **changes: object) -> Self:
        times = self.times | {state.value: now}
        update = {"state": state, "times": times, "rev": self.rev + 1, **changes}
        return self.model_copy(update=update)

    def waits(self, now: datetime, reason: str, until: datetime) -> Self:
        return self._moved(
            PartState.WAITING, now, reason=shortened(reason), due=until, asked_at=None
        )

    def asked(self, now: datetime) -> Self:
        return self.model_copy(update={"asked_at": now, "rev": self.rev + 1})

    def may_be_claimed(self, now: datetime) -> bool:
        """A waiting part, or one whose holder must be dead because its lease ran out."""
        if self.state is PartState.WAITING:
            return True
        return self.state is PartState.SUBMITTING and self.due <= now

    def claimed(self, now: datetime, lease: timedelta) -> Self:
        return self._moved(PartState.SUBMITTING, now, due=now + lease, tries=self.tries + 1)

    def creating(self, now: datetime, file_id: str) -> Self:
        """Written before the call: from here on an answer may be lost."""
        update = {"creating_at": now, "file_id": file_id, "rev": self.rev + 1}
        return self.model_copy(update=update)

    def answered_no(self) -> Self:
        """Nothing was made, so nothing needs to be looked for."""
        return self.model_copy(update={"creating_at": None})

    def refused(self, now: datetime, error: BatchError) -> Self:
        """OpenAI would not make a batch of it: it ends as one that failed validation does."""
        told = self.model_copy(update={"errors": [brief(error)], "errors_total": 1})
        return told.answered_no()._moved(
            PartState.ENDED, now, due=now, batch_status=REFUSED, reason=shortened(error.message)
        )

    def submitted(self, batch: Batch, now: datetime) -> Self:
        moved = self._moved(PartState.SUBMITTED, now, creating_at=None, due=now, reason="")
        return moved.observed(batch)

    def observed(self, batch: Batch) -> Self:
        """What OpenAI says of the batch, without a move of ours."""
        usage = batch.usage
        return self.model_copy(
            update={
                "file_id": batch.input_file_id or self.file_id,
                "batch_id": batch.id,
                "batch_status": shortened(batch.status),
                "done": batch.counts.completed,
                "failed": batch.counts.failed,
                "input_tokens": usage.input_tokens if usage else 0,
                "output_tokens": usage.output_tokens if usage else 0,
                "output_file_id": batch.output_file_id,
                "error_file_id": batch.error_file_id,
                "errors": [brief(error) for error in batch.problems[:KEPT_ERRORS]],
                "errors_total": len(batch.problems),
            }
        )

    def swapped(self, batch: Batch) -> Self:
        """The older of two batches of this part takes the place of the younger."""
        return self.observed(batch).model_copy(update={"rev": self.rev + 1})

    def ended(self, now: datetime, reason: str = "") -> Self:
        return self._moved(PartState.ENDED, now, due=now, reason=shortened(reason))

    def landed(self, now: datetime, extras: int) -> Self:
        return self._moved(PartState.LANDED, now, due=now, extras=extras)

    def again(self, source: Span, lines: "Lines", now: datetime) -> "Part":
        """Those of its requests that may succeed later, as a part of the next attempt."""
        return Part(
            job=self.job,
            number=self.number + NUMBERS,
            attempt=self.attempt + 1,
            state=PartState.WAITING,
            endpoint=self.endpoint,
            model=self.model,
            source=source,
            first_line=lines.first,
            last_line=lines.last,
            lines_key=lines.key,
            requests=lines.count,
            bytes=source.length,
            inputs=self.inputs,
            tokens=-(-source.length // 4),
            due=now,
            times={PartState.WAITING.value: now},
        )


class Room(Ours):
    """How many estimated prompt tokens of one model are enqueued, and how many may be."""

    model: str
    used: int = 0
    limit: int | None = None

    @property
    def free(self) -> int | None:
        """None: nothing is known of a limit."""
        return None if self.limit is None else self.limit - self.used


class Ask(Ours):
    """A message between doors: look at this part of this job."""

    job: str
    part: int = Field(ge=0)


def job_id(bucket: str, key: str, version: str) -> str:
    """The same notification twice is the same job."""
    return hashlib.sha256("\0".join((bucket, key, version)).encode()).hexdigest()[:16]


def part_number(base: int, attempt: int) -> int:
    return base + (attempt - 1) * NUMBERS


def shortened(text: str | None) -> str:
    text = text or ""
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def brief(error: BatchError) -> BatchError:
    return error.model_copy(
        update={
            "code": shortened(error.code) or None,
            "message": shortened(error.message) or None,
            "param": shortened(error.param) or None,
        }
    )
