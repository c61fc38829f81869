"""The moves of a job and its parts."""

from datetime import datetime, timedelta

import pytest

from shared.batchfile.schema import PARTS_PER_ATTEMPT
from shared.jobs.capacity import LIMIT_KEPT, Capacity
from shared.jobs.model import JobState, job_id
from shared.jobs.part import KEPT_ERRORS, Part, PartLines, PartState, part_number
from shared.objects import PartRef, Source
from shared.openai.models import Batch, BatchError
from shared.text import LONGEST
from tests.support.records import NOW, SPAN, batch, job, part

LATER = NOW + timedelta(minutes=5)
LEASE = timedelta(minutes=15)


def test_a_job_is_named_by_bucket_key_and_version() -> None:
    assert job_id("b", "k", "v") == job_id("b", "k", "v")
    assert len({job_id("b", "k", "v"), job_id("b", "kv", ""), job_id("bk", "", "v")}) == 3
    assert len(job_id("b", "k", "v")) == 16


@pytest.mark.parametrize(
    ("source", "identity"),
    [
        (Source(bucket="b", key="k", version="v", etag="e", sequencer="s"), "v"),
        (Source(bucket="b", key="k", etag="e", sequencer="s"), "e-s"),
    ],
)
def test_without_versions_etag_and_sequencer_tell_objects_apart(
    source: Source, identity: str
) -> None:
    assert source.identity == identity


@pytest.mark.parametrize(
    ("state", "over"),
    [
        (JobState.CHECKING, False),
        (JobState.ACCEPTED, False),
        (JobState.REJECTED, True),
        (JobState.COMPLETED, True),
        (JobState.FAILED, True),
        (JobState.CANCELLED, True),
    ],
)
def test_a_job_is_over_once_nothing_more_comes_of_it(state: JobState, over: bool) -> None:
    assert job(state=state).over is over


def test_a_job_remembers_when_it_moved() -> None:
    moved = job().in_state(JobState.ACCEPTED, NOW, parts=2).in_state(JobState.COMPLETED, LATER)

    assert moved.times == {"accepted": NOW, "completed": LATER}
    assert (moved.state, moved.parts, moved.rev, moved.key) == (
        JobState.COMPLETED,
        2,
        2,
        "inbox/a.jsonl",
    )


def test_what_is_noted_of_a_job_is_a_revision() -> None:
    accepted = job(state=JobState.ACCEPTED)
    noted = accepted.with_waiting_published().with_cancel_requested(LATER)

    assert (noted.waiting_published, noted.cancel_requested, noted.due, noted.rev) == (
        True,
        LATER,
        LATER,
        2,
    )
    assert job().with_cancel_requested(LATER).due == job().due, "intake may be reading it"


def test_a_part_from_planned_to_landed() -> None:
    moved = part().waits(NOW, "no capacity", LATER).requested(NOW)
    assert (moved.reason, moved.due, moved.requested_at) == ("no capacity", LATER, NOW)
    assert moved.waits_since == NOW

    moved = moved.claimed(LATER, LEASE)
    assert (moved.tries, moved.due) == (1, LATER + LEASE)

    moved = moved.creating(LATER, "file-1")
    assert (moved.creating_at, moved.file_id) == (LATER, "file-1")

    moved = moved.submitted(batch(status="validating"), LATER)
    assert (moved.batch_id, moved.creating_at, moved.reason) == ("batch_1", None, "")

    moved = moved.observed(batch(status="completed", output_file_id="file-2")).ended(LATER, "done")
    assert (moved.batch_status, moved.output_file_id, moved.reason) == (
        "completed",
        "file-2",
        "done",
    )

    moved = moved.landed(LATER, extras=3)
    assert (moved.state, moved.extras, moved.rev) == (PartState.LANDED, 3, 7)
    assert list(moved.times) == ["waiting", "submitting", "submitted", "ended", "landed"]


def test_a_part_that_never_waited_waits_since_it_was_due() -> None:
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
    ("mine", "theirs"),
    [
        (part(file_id="file-1"), batch(metadata=None)),
        (part(), batch(metadata={"job_id": "j1", "part": "1", "attempt": "1", "team": "x"})),
        (
            part(number=1 + PARTS_PER_ATTEMPT, attempt=2),
            batch(metadata={"job_id": "j1", "part": "1", "attempt": "2"}),
        ),
    ],
)
def test_a_batch_is_known_by_its_file_or_its_metadata(mine: Part, theirs: Batch) -> None:
    assert mine.owns(theirs)


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
def test_a_batch_of_somebody_else_is_not_taken_for_ours(theirs: Batch) -> None:
    assert not part(file_id="file-9").owns(theirs)
    assert not part().owns(theirs)


def test_a_batch_tells_what_it_knows_and_no_more_than_is_kept() -> None:
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


def test_a_batch_that_says_nothing_is_read_as_nothing() -> None:
    seen = part().observed(batch())

    assert (seen.batch_status, seen.done, seen.input_tokens, seen.errors) == ("", 0, 0, [])


def test_the_older_of_two_batches_takes_the_place_of_the_younger() -> None:
    with_batch = part(batch_id="batch_2").with_batch(batch())

    assert (with_batch.batch_id, with_batch.rev) == ("batch_1", 1)


def test_a_part_that_openai_refuses_ends() -> None:
    error = BatchError(code="invalid_value", message="No such endpoint.")
    ended = part(creating_at=NOW).refused(NOW, error)

    assert (ended.state, ended.batch_status) == (PartState.ENDED, "refused")
    assert (ended.errors, ended.errors_total, ended.reason) == ([error], 1, "No such endpoint.")
    assert ended.creating_at is None


def test_a_part_may_be_stopped_or_cut_again() -> None:
    stopped, cut = part().cancelled(NOW), part().split(NOW)

    assert (stopped.state, stopped.batch_status) == (PartState.ENDED, "cancelled")
    assert (cut.state, cut.replaced) == (PartState.LANDED, True)


def test_what_was_told_of_a_part_is_a_revision() -> None:
    told = part(batch_status="finalizing").with_stuck_published().with_cancel_sent()

    assert (told.stuck_published, told.cancel_sent, told.rev) == ("finalizing", True, 2)


def test_what_is_asked_again_is_a_part_of_the_next_attempt() -> None:
    lines = PartLines(key="parts/j1/again.lines", first=3, last=9, count=2)

    again = part(number=7).next_attempt(SPAN, lines, NOW)

    assert (again.number, again.base, again.attempt) == (7 + PARTS_PER_ATTEMPT, 7, 2)
    assert (again.first_line, again.last_line, again.requests) == (3, 9, 2)
    assert (again.bytes, again.tokens, again.lines_key) == (400, 100, "parts/j1/again.lines")
    assert again.state is PartState.WAITING
    assert again.metadata == {"job_id": "j1", "part": "7", "attempt": "2"}
    assert again.number == part_number(7, 2)


def test_a_piece_is_a_part_of_the_same_attempt() -> None:
    piece = part(number=7).split_off(9, SPAN, PartLines(key=None, first=1, last=2, count=2), NOW)

    assert (piece.number, piece.attempt, piece.lines_key, piece.name) == (9, 1, None, "j1/000009")


@pytest.mark.parametrize(
    ("capacity", "tokens", "admits"),
    [
        (Capacity(model="m"), 10**12, True),
        (Capacity(model="m", used=60, limit=100), 40, True),
        (Capacity(model="m", used=61, limit=100), 40, False),
        (Capacity(model="m", used=160, limit=100), 1, False),
        (Capacity(model="m", reserved_for="j1/000001"), 1, True),
        (Capacity(model="m", reserved_for="j2/000001"), 1, False),
    ],
)
def test_a_room_admits_what_it_has_space_for(capacity: Capacity, tokens: int, admits: bool) -> None:
    assert capacity.admits(part(tokens=tokens)) is admits


@pytest.mark.parametrize(
    ("learned", "age", "configured", "limit"),
    [
        (None, timedelta(0), None, None),
        (90, timedelta(0), None, 90),
        (90, timedelta(0), 50, 50),
        (90, timedelta(0), 500, 90),
        (90, LIMIT_KEPT, None, 90),
        (90, LIMIT_KEPT + timedelta(seconds=1), None, None),
        (90, LIMIT_KEPT + timedelta(seconds=1), 500, 500),
        (None, timedelta(0), 500, 500),
    ],
)
def test_a_limit_that_was_learnt_is_believed_for_a_day(
    learned: int | None, age: timedelta, configured: int | None, limit: int | None
) -> None:
    capacity = Capacity(model="m", limit=learned, learned_at=NOW - age)

    assert capacity.as_known(NOW, configured).limit == limit


def test_a_limit_of_unknown_age_is_believed() -> None:
    assert Capacity(model="m", limit=90).as_known(NOW, None).free == 90


def test_a_message_between_doors_is_read_as_it_was_written() -> None:
    ask = PartRef(job="j1", part=100_001)

    assert PartRef.model_validate_json(ask.model_dump_json()) == ask
