"""The states of a job."""

from datetime import timedelta

import pytest

from shared.jobs.model import JobState, job_id
from tests.support.records import NOW, job

LATER = NOW + timedelta(minutes=5)


def test_job_id_differs_by_bucket_key_and_version() -> None:
    assert job_id("b", "k", "v") == job_id("b", "k", "v")
    assert len({job_id("b", "k", "v"), job_id("b", "kv", ""), job_id("bk", "", "v")}) == 3
    assert len(job_id("b", "k", "v")) == 16


@pytest.mark.parametrize(
    ("state", "over"),
    [
        (JobState.CHECKING, False),
        (JobState.ACCEPTED, False),
        (JobState.REJECTED, True),
        (JobState.COMPLETED, True),
        (JobState.COMPLETED_WITH_FAILURES, True),
        (JobState.FAILED, True),
        (JobState.CANCELLED, True),
    ],
)
def test_job_is_over_in_four_states(state: JobState, over: bool) -> None:
    assert job(state=state).over is over


def test_job_remembers_when_it_changed_state() -> None:
    completed = job().in_state(JobState.ACCEPTED, NOW, parts=2).in_state(JobState.COMPLETED, LATER)

    assert completed.times == {"accepted": NOW, "completed": LATER}
    assert (completed.state, completed.parts, completed.rev, completed.key) == (
        JobState.COMPLETED,
        2,
        2,
        "inbox/a.jsonl",
    )


def test_change_to_a_job_is_a_revision() -> None:
    accepted = job(state=JobState.ACCEPTED)
    changed = accepted.with_waiting_published().with_cancel_requested(LATER)

    assert (changed.waiting_published, changed.cancel_requested, changed.due, changed.rev) == (
        True,
        LATER,
        LATER,
        2,
    )
