"""A job, and the states it goes through."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Self

from shared.jobs.estimate import Estimate
from shared.jobs.options import Options
from shared.model import FrozenModel
from shared.objects import Source


class JobState(StrEnum):
    CHECKING = "checking"
    HELD = "held"  # nothing is paid before a person approves it
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ESTIMATED = "estimated"  # a dry run: its price is told, and that is all
    COMPLETED = "completed"  # every request succeeded
    COMPLETED_WITH_FAILURES = "completed_with_failures"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset(
    {JobState.COMPLETED, JobState.COMPLETED_WITH_FAILURES, JobState.FAILED, JobState.CANCELLED}
)
OVER = ENDED | {JobState.REJECTED, JobState.ESTIMATED}
AT_INTAKE = frozenset({JobState.CHECKING, JobState.HELD})  # intake has the next word


def words_of(state: JobState) -> str:
    return state.value.replace("_", " ")


def titled(state: JobState) -> str:
    """As the type of a notification says it: Job Completed With Failures."""
    return f"Job {words_of(state).title()}"


class TableJob(FrozenModel):
    """What a job holds beside its dropped file, if that is a table."""

    lines: Source  # its requests, one for each row
    recipe: Source  # the version they were made by; its text lies beside the results


class Repeated(FrozenModel):
    """Requests of a file that ask what another of its lines asks first."""

    requests: int = 0
    left_out: int = 0  # of them: they are not asked, and get the other's answer
    saved: int | None = None  # millionths of a dollar, as expected: by asking once, or if one did


class Job(FrozenModel):
    """One dropped file and everything that becomes of it."""

    id: str
    source: Source
    state: JobState = JobState.CHECKING
    options: Options = Options()
    requests: int = 0
    parts: int = 0
    tokens: int = 0  # estimated prompt tokens, by bytes alone
    estimate: Estimate | None = None  # of what was accepted
    repeated: Repeated = Repeated()
    reason: str = ""
    results_prefix: str = ""
    table: TableJob | None = None  # it is no table, or its rows are not requests yet
    skipped: int = 0  # bad lines left out
    checks: int = 0  # that began and did not end in order: intake died
    refusals: int = 0  # of S3 to give the file
    ending: JobState | None = None  # its report is written: no other look at the file counts
    checked_until: datetime | None = None  # an intake that reads the file is dead by then
    pauses: int = 0  # in which intake waited for S3
    month: str = ""  # whose budget it takes from
    committed: int = 0  # millionths of a dollar that it took, as it was expected to cost
    cap: int | None = None  # on what it may cost, as long as nobody approved more
    held_since: datetime | None = None  # it costs more than it may, and submits no more parts
    approved: datetime | None = None  # by a person, though it was held
    cancel_requested: datetime | None = None
    waiting_published: bool = False  # that its parts wait for capacity: once is enough
    notes: list[str] = []
    due: datetime
    times: dict[str, datetime] = {}
    rev: int = 0

    @property
    def key(self) -> str:
        return self.source.key

    @property
    def lines(self) -> Source:
        """Where its requests are, one a line: the dropped file, or what a table became."""
        return self.table.lines if self.table else self.source

    @property
    def over(self) -> bool:
        return self.state in OVER

    def with_waiting_published(self) -> Self:
        return self._updated(waiting_published=True)

    def is_being_checked(self, now: datetime) -> bool:
        return self.checked_until is not None and now < self.checked_until

    def check_begins(self, until: datetime) -> Self:
        """Written before the work: a check that ends its function is counted too."""
        return self._updated(checks=self.checks + 1, checked_until=until, due=until, reason="")

    def with_ending(self, state: JobState, reason: str, prefix: str) -> Self:
        """Written before anybody hears of it: a run that goes on with it says the same."""
        return self._updated(ending=state, reason=reason, results_prefix=prefix)

    def waits(self, reason: str, until: datetime, *, refused: bool = False) -> Self:
        """Poll replays its S3 event then, and intake reads the file again."""
        return self._updated(
            reason=reason,
            due=until,
            checks=self.checks - 1,
            checked_until=None,
            pauses=self.pauses + 1,
            refusals=self.refusals + refused,
        )

    def held(self, reason: str, now: datetime, until: datetime) -> Self:
        """It waits for a person: intake ends it then, unless it was approved."""
        state = self.in_state(JobState.HELD, now, reason=reason, checked_until=None, due=until)
        return state.model_copy(update={"checks": self.checks - 1})

    def with_approval(self, now: datetime) -> Self:
        """Intake reads the file again, as if it had been dropped now."""
        times = {JobState.CHECKING.value: now}
        return self._updated(
            state=JobState.CHECKING, times=times, approved=now, due=now, reason="", checks=0
        )

    def with_commitment(self, month: str, amount: int) -> Self:
        return self._updated(month=month, committed=amount)

    def held_while_it_runs(self, reason: str, now: datetime) -> Self:
        """What runs goes on, nothing more is submitted, and a person has the next word."""
        return self._updated(held_since=now, reason=reason)

    def goes_on(self, now: datetime) -> Self:
        """A person approved what it costs, whatever that is."""
        return self._updated(held_since=None, cap=None, approved=now, reason="")

    def postponed(self, until: datetime) -> Self:
        """Poll looks at it again then."""
        return self._updated(due=until)

    def with_cancel_requested(self, now: datetime) -> Self:
        """Poll cancels its parts, tick after tick until none of them runs any more."""
        return self._updated(cancel_requested=now, due=now)

    def in_state(self, state: JobState, now: datetime, **changes: object) -> Self:
        times = self.times | {state.value: now}
        return self._updated(state=state, times=times, **changes)

    def _updated(self, **changes: object) -> Self:
        return self.model_copy(update={"rev": self.rev + 1, **changes})


def job_id(bucket: str, key: str, version: str) -> str:
    """The same notification twice is the same job."""
    return hashlib.sha256("\0".join((bucket, key, version)).encode()).hexdigest()[:16]
