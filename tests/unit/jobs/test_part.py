"""The states of a part, and the batch it owns."""

from datetime import datetime, timedelta

import pytest

from shared.batchfile.schema import PARTS_PER_ATTEMPT
from shared.jobs.part import (
    KEPT_ERRORS,
    KEPT_REASONS,
    Part,
    PartLines,
    PartState,
    Retry,
    part_number,
)
from shared.openai.models import Batch, BatchError
from shared.text import LONGEST
from tests.support.records import NOW, SPAN, batch, job, part

LATER = NOW + timedelta(minutes=5)
LEASE = timedelta(minutes=15)


def test_part_goes_from_planned_to_landed() -> None:
    it = part().waits(NOW, "no capacity", LATER).requested(NOW)
    assert (it.reason, it.due, it.requested_at) == ("no capacity", LATER, NOW)
    assert it.waits_since == LATER

    it = it.claimed(LATER, LEASE)
    assert (it.tries, it.due) == (1, LATER + LEASE)

    it = it.creating(LATER, "file-1")
    assert (it.creating_at, it.file_id) == (LATER, "file-1")

    it = it.submitted(batch(status="validating"), LATER)
    assert (it.batch_id, it.creating_at, it.reason) == ("batch_1", None, "")

    it = it.observed(batch(status="completed", output_file_id="file-2")).ended(LATER, "done")
    assert (it.batch_status, it.output_file_id, it.reason) == (
        "completed",
        "file-2",
        "done",
    )

    it = it.landed(LATER, extras=3)
    assert (it.state, it.extras, it.rev) == (PartState.LANDED, 3, 7)
    assert list(it.times) == ["waiting", "submitting", "submitted", "ended", "landed"]


def test_part_that_never_waited_waits_since_it_was_due() -> None:
    assert part().waits_since == NOW


@pytest.mark.parametrize(
    ("state", "due", "may"),
    [
        (PartState.PLANNED, NOW, False),
        (PartState.WAITING, NOW, True),
        (PartState.WAITING, LATER, False),
        (PartState.SUBMITTING, NOW, True),
        (PartState.SUBMITTING, LATER, False),
        (PartState.SUBMITTED, NOW, False),
        (PartState.ENDED, NOW, False),
        (PartState.LANDED, NOW, False),
    ],
)
def test_part_that_is_due_may_be_claimed_in_two_states(
    state: PartState, due: datetime, may: bool
) -> None:
    assert part(state=state, due=due).may_be_claimed(NOW) is may


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (part(file_id="file-1"), batch(metadata=None)),
        (part(), batch(metadata={"job_id": "j1", "part": "1", "attempt": "1", "team": "x"})),
        (
            part(number=1 + PARTS_PER_ATTEMPT, attempt=2),
            batch(metadata={"job_id": "j1", "part": "1", "attempt": "2"}),
        ),
    ],
)
def test_part_owns_a_batch_with_its_file_or_its_metadata(ours: Part, theirs: Batch) -> None:
    assert ours.owns(theirs)


@pytest.mark.parametrize(
    "theirs",
    [
        batch(metadata=None),
        batch(metadata={"job_id": "j1", "part": "1"}),
        batch(metadata={"job_id": "j1", "part": "1", "attempt": "2"}),
        batch(metadata={"job_id": "j2", "part": "1", "attempt": "1"}),
        batch(input_file_id="", metadata={}),
    ],
)
def test_part_does_not_own_a_batch_of_somebody_else(theirs: Batch) -> None:
    assert not part(file_id="file-9").owns(theirs)
    assert not part().owns(theirs)


def test_observed_part_keeps_the_first_errors_and_short_texts() -> None:
    errors = [{"code": "c" * 999, "message": "m" * 999, "line": n} for n in range(30)]
    seen = part(file_id="file-1").observed(
        batch(
            input_file_id="",
            status="s" * 999,
            request_counts={"total": 9, "completed": 5, "failed": 2},
            usage={"input_tokens": 11, "output_tokens": 12},
            errors={"data": errors},
        )
    )

    assert (seen.file_id, seen.done, seen.failed) == ("file-1", 5, 2)
    assert (seen.input_tokens, seen.output_tokens) == (11, 12)
    assert (len(seen.errors), seen.errors_total) == (KEPT_ERRORS, 30)
    assert len(seen.batch_status) == LONGEST
    assert len(str(seen.errors[0].message)) == LONGEST
    assert (seen.errors[0].param, seen.errors[0].line) == (None, 0)


def test_observed_part_of_an_empty_batch_has_zeros() -> None:
    seen = part().observed(batch())

    assert (seen.batch_status, seen.done, seen.input_tokens, seen.errors) == ("", 0, None, [])


def test_part_with_another_batch_is_a_revision() -> None:
    with_batch = part(batch_id="batch_2").with_batch(batch())

    assert (with_batch.batch_id, with_batch.rev) == ("batch_1", 1)


def test_refused_part_ends_with_the_error() -> None:
    error = BatchError(code="invalid_value", message="No such endpoint.")
    ended = part(creating_at=NOW).refused(NOW, error)

    assert (ended.state, ended.batch_status) == (PartState.ENDED, "refused")
    assert (ended.errors, ended.errors_total, ended.reason) == ([error], 1, "No such endpoint.")
    assert ended.creating_at is None


def test_part_may_be_cancelled_or_split() -> None:
    cancelled, split = part().cancelled(NOW), part().split(NOW)

    assert (cancelled.state, cancelled.batch_status) == (PartState.ENDED, "cancelled")
    assert (split.state, split.replaced) == (PartState.LANDED, True)


def test_change_to_a_part_is_a_revision() -> None:
    changed = part(batch_status="finalizing").with_stuck_published().with_cancel_sent()

    assert (changed.stuck_published, changed.cancel_sent, changed.rev) == ("finalizing", True, 2)


def test_retried_requests_are_a_part_of_the_next_attempt() -> None:
    lines = PartLines(key="parts/j1/retry.lines", first=3, last=9, count=2, tokens=100)

    retry = Retry(timedelta(minutes=5), "two failed", free=True)
    retried = part(number=7).next_attempt(SPAN, lines, NOW, retry)

    assert (retried.number, retried.base, retried.attempt) == (7 + PARTS_PER_ATTEMPT, 7, 2)
    assert (retried.first_line, retried.last_line, retried.requests) == (3, 9, 2)
    assert (retried.bytes, retried.tokens, retried.lines_key) == (400, 100, "parts/j1/retry.lines")
    assert retried.state is PartState.WAITING
    assert retried.metadata == {"job_id": "j1", "part": "7", "attempt": "2"}
    assert retried.number == part_number(7, 2)
    assert (retried.due - NOW, retried.reason) == (timedelta(minutes=5), "two failed")
    assert (retried.counted_attempts, retried.waits_since) == (1, retried.due)


def test_split_off_part_is_of_the_same_attempt() -> None:
    lines = PartLines(key=None, first=1, last=2, count=2, tokens=100)
    split = part(number=7).split_off(9, SPAN, lines, NOW)

    assert (split.number, split.attempt, split.lines_key, split.name) == (9, 1, None, "j1/000009")


@pytest.mark.parametrize(
    ("state", "creating_at", "holds"),
    [
        (PartState.PLANNED, None, False),
        (PartState.WAITING, None, False),
        (PartState.WAITING, NOW, True),
        (PartState.SUBMITTING, None, True),
        (PartState.SUBMITTED, None, True),
        (PartState.ENDED, None, False),
        (PartState.LANDED, None, False),
    ],
)
def test_part_holds_capacity_from_claim_to_end_or_while_unknown(
    state: PartState, creating_at: datetime | None, holds: bool
) -> None:
    assert part(state=state, creating_at=creating_at).holds_capacity is holds


def test_part_remembers_how_long_it_waited_and_for_what() -> None:
    minute = timedelta(minutes=1)
    it = part(state=PartState.PLANNED).waits(NOW, "", NOW)
    it = it.claimed(NOW + minute, minute).waits(NOW + 2 * minute, "no capacity", NOW)
    it = it.claimed(NOW + 5 * minute, minute).waits(NOW + 6 * minute, "no capacity", NOW)
    it = it.waits(NOW + 8 * minute, "the rate", NOW).claimed(NOW + 9 * minute, minute)

    assert it.ended(NOW + 60 * minute).waited == {
        "its turn": 60,
        "no capacity": 300,
        "the rate": 60,
    }


def test_part_that_waits_for_something_new_each_time_stays_small() -> None:
    it = part(state=PartState.PLANNED)
    for n in range(100):
        it = it.waits(NOW + n * timedelta(minutes=1), f"reason {n}", NOW)

    assert len(it.waited) == KEPT_REASONS + 1
    assert sum(it.waited.values()) == 99 * 60


@pytest.mark.parametrize(("minutes", "by_job"), [(-5, False), (0, True), (5, True)])
def test_batch_that_was_cancelled_before_the_job_was_is_not_the_jobs_doing(
    minutes: int, *, by_job: bool
) -> None:
    wanted = job(cancel_requested=NOW)
    ended = part(batch_status="cancelled", times={"ended": NOW + timedelta(minutes=minutes)})

    assert ended.was_cancelled_by(wanted) is by_job
    assert not ended.was_cancelled_by(job())
