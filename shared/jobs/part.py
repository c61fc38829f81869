"""A part of a job, and the states it goes through."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import NamedTuple, Self

from shared.batchfile.schema import PARTS_PER_ATTEMPT
from shared.jobs.answer_counts import Usage
from shared.jobs.estimate import Asked, Kind
from shared.jobs.model import Job
from shared.model import FrozenModel
from shared.objects import PartRef, Span
from shared.openai.models import Batch, BatchError, BatchStatus
from shared.text import shorten

KEPT_ERRORS = 20  # of a refused batch, in the ledger: an item stays below 10 KB
KEPT_BATCHES = 20  # the newest: a list shows a batch as it was for minutes, not for days
KEPT_REASONS = 10  # for which a part waited
ITS_TURN, OTHER_REASONS = "its turn", "other reasons"
REFUSED = "refused"  # instead of OpenAI's status: create itself was refused


class PartState(StrEnum):
    PLANNED = "planned"
    WAITING = "waiting"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    ENDED = "ended"
    LANDED = "landed"


class PartLines(FrozenModel):
    """Which lines of the dropped file a part holds; the numbers themselves lie under `key`."""

    key: str | None  # None: they lie side by side
    first: int
    last: int
    count: int
    tokens: int  # estimated


class Retry(NamedTuple):
    """When and why requests are sent again, and whether that costs one of their attempts."""

    pause: timedelta
    reason: str
    free: bool = False
    without_refused: bool = False
    names_nothing: bool = False


class Part(FrozenModel):
    """The requests of a job that go to OpenAI as one batch. Poll looks at it when it is `due`."""

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
    tokens: int  # estimated prompt tokens, by bytes alone
    learnt_tokens: int | None = None  # the same, as such requests took lately
    bounded: int = 0  # requests that say how long an answer may be
    most_output: int = 0  # tokens, of those
    expected: int = 0  # millionths of a dollar that it may cost, as estimated
    month: str = ""  # whose budget that was taken from
    cost: int = 0  # millionths of a dollar that it did cost, once it has landed
    libraries: list[str] = []  # whose documents it waits for, if they were dropped before it
    stores: dict[str, str] = {}  # the stores that its lines name for them
    reason: str = ""
    due: datetime
    requested_at: datetime | None = None  # when submit was last requested to take it
    tries: int = 0
    refused_alone: int = 0  # for lack of capacity, with nothing else of its model enqueued
    rejections: int = 0  # by OpenAI, of the kind that may pass: no such file, its own errors
    file_id: str | None = None
    missing_since: datetime | None = None  # when OpenAI first did not find its batch or an output
    source_missing_since: datetime | None = None  # when S3 first did not give the dropped file
    names_nothing: bool = False  # its batch's answers name none of the requests, as one before
    free_attempts: int = 0  # before this one, that failed for want of money alone: they don't count
    without_refused: int = 0  # how often it goes without lines for which OpenAI refused a batch
    unusable: list[str] = []  # uploads that OpenAI could not find, though it lists them
    creating_at: datetime | None = None  # set: create was called, and its answer may be lost
    batch_id: str | None = None
    past_batches: list[str] = []  # that failed validation; a list may show them as they were
    batch_status: str = ""
    done: int = 0
    failed: int = 0
    input_tokens: int | None = None  # as the batch states them
    output_tokens: int | None = None
    used: Usage | None = None  # as its answers state it, whatever became of them
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: list[BatchError] = []
    errors_total: int = 0
    answers_until: int | None = None  # line, where its answers are those of others' requests too
    extras: int = 0  # answers to no request of the part, or second ones
    replaced: bool = False  # split into smaller parts, which hold its requests now
    stuck_published: str = ""  # the status for which `Part Stuck` was published
    cancel_sent: bool = False  # the cancel of its batch was sent to OpenAI
    cut_short: bool = False  # the job's cancel kept some of it from being done
    times: dict[str, datetime] = {}
    waited: dict[str, int] = {}  # seconds by what it waited for
    rev: int = 0

    @property
    def enqueues(self) -> int:
        """Prompt tokens that it takes of its model's capacity."""
        return self.tokens if self.learnt_tokens is None else self.learnt_tokens

    def enqueues_of(self, tokens: int) -> int:
        """So many of its tokens by bytes, as it takes them of its model's capacity."""
        return -(-tokens * self.enqueues // self.tokens) if self.tokens else tokens

    @property
    def name(self) -> str:
        return f"{self.job}/{self.number:06d}"

    @property
    def ref(self) -> PartRef:
        return PartRef(job=self.job, part=self.number)

    @property
    def base(self) -> int:
        """The number of the part whose requests these are, whatever the attempt."""
        return self.number % PARTS_PER_ATTEMPT

    @property
    def title(self) -> str:
        return part_title(self.number, self.attempt)

    @property
    def metadata(self) -> dict[str, str]:
        """What the batch carries, so that a lost answer is found again."""
        return {"job_id": self.job, "part": str(self.base), "attempt": str(self.attempt)}

    def owns(self, batch: Batch) -> bool:
        """Whether a batch at OpenAI is this part's, by its metadata or its input file."""
        if batch.id in self.past_batches:
            return False
        if self.file_id and batch.input_file_id == self.file_id:
            return True
        return self.metadata.items() <= (batch.metadata or {}).items()

    def waits(self, now: datetime, reason: str, until: datetime) -> Self:
        past = self.past_batches
        if self.state is PartState.SUBMITTED and self.batch_id:
            past = [*past, self.batch_id][-KEPT_BATCHES:]
        return self._in_state(
            PartState.WAITING,
            now,
            reason=shorten(reason),
            due=until,
            requested_at=None,
            past_batches=past,
        )

    def missing(self, since: datetime | None, reason: str, until: datetime) -> Self:
        """OpenAI does not give what it made; patience counts from the first time it is refused."""
        return self._updated(missing_since=since, reason=shorten(reason), due=until)

    def with_source_missing(self, now: datetime) -> Self:
        """Noted with the next revision."""
        return self.model_copy(update={"source_missing_since": self.source_missing_since or now})

    def requested(self, now: datetime) -> Self:
        return self._updated(requested_at=now)

    def postponed(self, until: datetime) -> Self:
        """Poll looks at it again then."""
        return self._updated(due=until)

    @property
    def outcome_unknown(self) -> bool:
        """An answer of create was lost: until that is cleared up, it keeps its capacity."""
        return self.creating_at is not None

    @property
    def holds_capacity(self) -> bool:
        return self.outcome_unknown or self.state in {PartState.SUBMITTING, PartState.SUBMITTED}

    @property
    def kind(self) -> Kind:
        return self.model, self.endpoint

    @property
    def asked(self) -> Asked:
        return Asked(self.requests, self.tokens, self.bounded, self.most_output)

    @property
    def waits_since(self) -> datetime:
        """Since when it could go on: a retry that is due later does not wait for capacity yet."""
        return max(self.times.get(PartState.WAITING.value, self.due), self.due)

    @property
    def counted_attempts(self) -> int:
        return self.attempt - self.free_attempts

    def may_be_claimed(self, now: datetime) -> bool:
        """A waiting part that is due, or one whose holder must be dead: its lease ran out."""
        return self.state in {PartState.WAITING, PartState.SUBMITTING} and self.due <= now

    def claimed(self, now: datetime, lease: timedelta) -> Self:
        return self._in_state(PartState.SUBMITTING, now, due=now + lease, tries=self.tries + 1)

    def creating(self, now: datetime, file_id: str) -> Self:
        """Written before the call: from then on its answer may be lost."""
        return self._updated(creating_at=now, file_id=file_id)

    def not_created(self) -> Self:
        """Create had no effect, so there is no batch to look for."""
        return self.model_copy(update={"creating_at": None})

    def rejected(self) -> Self:
        """Once more, for a reason that may pass."""
        return self.model_copy(update={"rejections": self.rejections + 1})

    def without_upload(self) -> Self:
        """Its upload is of no use, and will not be taken again."""
        known = {*self.unusable, self.file_id or ""} - {""}
        return self.model_copy(update={"file_id": None, "unusable": sorted(known)})

    def with_stores(self, source: Span, stores: dict[str, str], unusable: Collection[str]) -> Self:
        """Its lines name other stores now; what was uploaded of it before is of no use."""
        known = {*self.unusable, *unusable, self.file_id or ""} - {""}
        return self._updated(
            source=source,
            bytes=source.length,
            stores=stores,
            file_id=None,
            unusable=sorted(known),
        )

    def refused(self, now: datetime, error: BatchError) -> Self:
        """OpenAI refused to create its batch: it ends as one that failed validation does."""
        refused = self.model_copy(update={"errors": [brief(error)], "errors_total": 1})
        return refused.not_created()._in_state(
            PartState.ENDED, now, due=now, batch_status=REFUSED, reason=shorten(error.message or "")
        )

    def submitted(self, batch: Batch, now: datetime) -> Self:
        submitted = self._in_state(PartState.SUBMITTED, now, creating_at=None, due=now, reason="")
        return submitted.observed(batch)

    def observed(self, batch: Batch) -> Self:
        """Takes over what OpenAI reports about the batch; the part's own state stays."""
        usage = batch.usage
        return self.model_copy(
            update={
                "file_id": batch.input_file_id or self.file_id,
                "batch_id": batch.id,
                "missing_since": None,
                "reason": "" if self.missing_since else self.reason,
                "batch_status": shorten(batch.status),
                "done": batch.counts.completed,
                "failed": batch.counts.failed,
                "input_tokens": usage.input_tokens if usage else None,
                "output_tokens": usage.output_tokens if usage else None,
                "output_file_id": batch.output_file_id,
                "error_file_id": batch.error_file_id,
                "errors": [brief(error) for error in batch.problems[:KEPT_ERRORS]],
                "errors_total": len(batch.problems),
            }
        )

    def with_batch(self, batch: Batch) -> Self:
        """The next revision: its batch has changed, or this batch replaces its own."""
        return self.observed(batch)._updated()

    def ended(self, now: datetime, reason: str = "") -> Self:
        return self._in_state(PartState.ENDED, now, due=now, reason=shorten(reason))

    def landed(
        self,
        now: datetime,
        extras: int,
        *,
        cut_short: bool = False,
        reason: str | None = None,
    ) -> Self:
        told = self.reason if reason is None else shorten(reason)
        return self._in_state(
            PartState.LANDED,
            now,
            due=now,
            extras=extras,
            cut_short=cut_short,
            reason=told,
        )

    def answering(self, last_line: int) -> Self:
        return self.model_copy(update={"answers_until": last_line})

    def paid(self, used: Usage, cost: int) -> Self:
        """With what its answers took, and their cost."""
        return self.model_copy(update={"used": used, "cost": cost})

    def was_cancelled_by(self, job: Job) -> bool:
        """Not if its batch was cancelled earlier: that can be done at OpenAI too."""
        ended = self.times.get(PartState.ENDED.value)
        if job.cancel_requested is None or ended is None:
            return False
        return self.batch_status == BatchStatus.CANCELLED and ended >= job.cancel_requested

    def cancelled(self, now: datetime, reason: str = "") -> Self:
        """Without waiting for OpenAI: there is no batch, or it does not come to an end."""
        return self._in_state(
            PartState.ENDED, now, due=now, batch_status=BatchStatus.CANCELLED, reason=reason
        )

    def split(self, now: datetime) -> Self:
        """Its requests go on in smaller parts."""
        return self._in_state(PartState.LANDED, now, due=now, replaced=True)

    def with_cancel_sent(self) -> Self:
        return self._updated(cancel_sent=True)

    def with_stuck_published(self) -> Self:
        return self._updated(stuck_published=self.batch_status)

    def next_attempt(self, source: Span, lines: PartLines, now: datetime, retry: "Retry") -> "Part":
        """Those of its requests that may succeed later, as a part of the next attempt."""
        number, attempt = self.number + PARTS_PER_ATTEMPT, self.attempt + 1
        update = {
            "due": now + retry.pause,
            "reason": shorten(retry.reason),
            "free_attempts": self.free_attempts + retry.free,
            "names_nothing": retry.names_nothing,
            "without_refused": self.without_refused + retry.without_refused,
        }
        return self._child(number, attempt, (source, lines), now).model_copy(update=update)

    def split_off(self, number: int, source: Span, lines: PartLines, now: datetime) -> "Part":
        """Some of its requests, as a part of the same attempt."""
        return self._child(number, self.attempt, (source, lines), now)

    def _in_state(self, state: PartState, now: datetime, **changes: object) -> Self:
        times = self.times | {state.value: now}
        return self._updated(state=state, times=times, waited=self._waited_until(now), **changes)

    def _waited_until(self, now: datetime) -> dict[str, int]:
        """With the wait that ends now; what differs from all others is summed up."""
        if self.state is not PartState.WAITING:
            return self.waited
        since = self.times.get(PartState.WAITING.value, self.due)
        seconds = int((now - since).total_seconds())
        reason = self.reason or ITS_TURN
        if reason not in self.waited and len(self.waited) >= KEPT_REASONS:
            reason = OTHER_REASONS
        return self.waited | {reason: self.waited.get(reason, 0) + max(seconds, 0)}

    def _updated(self, **changes: object) -> Self:
        return self.model_copy(update={"rev": self.rev + 1, **changes})

    def _child(
        self, number: int, attempt: int, held: tuple[Span, PartLines], now: datetime
    ) -> "Part":
        source, lines = held
        share = lines.count / self.requests
        return Part(
            job=self.job,
            number=number,
            attempt=attempt,
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
            libraries=self.libraries,
            stores=self.stores,
            tokens=lines.tokens,
            learnt_tokens=self.learnt_tokens and self.enqueues_of(lines.tokens),
            bounded=round(self.bounded * share),
            most_output=ceil(self.most_output * share),
            expected=ceil(self.expected * share),
            month=self.month,
            due=now,
            times={PartState.WAITING.value: now},
        )


def part_title(number: int, attempt: int) -> str:
    """As people count: part 1, second attempt."""
    base = f"part {number % PARTS_PER_ATTEMPT}"
    if attempt == 1:
        return base
    words = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}
    return f"{base}, {words[attempt]} attempt" if attempt in words else f"{base}, attempt {attempt}"


def part_number(base: int, attempt: int) -> int:
    return base + (attempt - 1) * PARTS_PER_ATTEMPT


def brief(error: BatchError) -> BatchError:
    return error.model_copy(
        update={
            "code": _brief(error.code),
            "message": _brief(error.message),
            "param": _brief(error.param),
        }
    )


def _brief(text: str | None) -> str | None:
    return shorten(text) if text else None
