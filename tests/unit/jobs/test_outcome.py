"""How a job ended, in one word, and why."""

import pytest

from shared.jobs.answer import Answer
from shared.jobs.answer_counts import AnswerCounts
from shared.jobs.model import JobState
from shared.jobs.options import Options
from shared.jobs.outcome import outcome, why
from shared.jobs.results import SUCCEEDED, Fate, Verdict
from tests.support.records import job, part

FAILURE = Verdict(Fate.FAILED, "invalid_prompt", "Invalid prompt.")
ENDED, FAILED, CANCELLED = "completed_with_failures", "failed", "cancelled"


def counted(succeeded: int, failed: int) -> AnswerCounts:
    counts = AnswerCounts()
    for verdict, times in ((SUCCEEDED, succeeded), (FAILURE, failed)):
        for line in range(times):
            counts.add(Answer("a"), verdict, "m", line)
    return counts


@pytest.mark.parametrize(
    ("statuses", "succeeded", "failed", "state"),
    [
        (["completed"], 5, 0, "completed"),
        (["completed"], 4, 1, ENDED),
        (["completed"], 0, 5, FAILED),
        (["completed", "failed"], 4, 1, ENDED),
        (["completed", "failed"], 0, 5, FAILED),
        (["expired"], 0, 5, FAILED),
        (["expired"], 1, 4, ENDED),
        (["expired"], 5, 0, "completed"),
        (["failed"], 0, 5, FAILED),
        (["failed", "refused"], 0, 5, FAILED),
        (["refused"], 1, 4, ENDED),
        (["cancelled"], 0, 5, CANCELLED),
        (["cancelled", "failed"], 0, 5, FAILED),
        (["cancelled"], 1, 4, ENDED),
    ],
)
def test_outcome_follows_from_the_answers_and_the_statuses(
    statuses: list[str], succeeded: int, failed: int, state: str
) -> None:
    parts = [part(batch_status=each) for each in statuses]
    replaced = part(batch_status="failed", replaced=True)
    counts = counted(succeeded, failed)

    assert outcome(job(requests=5), [*parts, replaced], counts) == state


def test_outcome_is_cancelled_if_the_cancel_cut_a_part_short() -> None:
    parts = [part(batch_status="completed"), part(batch_status="completed", cut_short=True)]

    assert outcome(job(requests=5), parts, counted(5, 0)) is JobState.CANCELLED


@pytest.mark.parametrize(
    ("most", "failed", "state"),
    [
        (None, 199, ENDED),
        ("0", 0, "completed"),
        ("0", 1, FAILED),
        ("1", 1, ENDED),
        ("1", 2, FAILED),
        ("0%", 1, FAILED),
        ("5%", 10, ENDED),
        ("5%", 11, FAILED),
        ("0.5%", 1, ENDED),
        ("0.5%", 2, FAILED),
        ("99.999%", 199, ENDED),
        ("100%", 199, ENDED),
        ("100%", 200, FAILED),
        ("999999999", 200, FAILED),
    ],
)
def test_more_failures_than_max_failures_allows_fail_a_job(
    most: str | None, failed: int, state: str
) -> None:
    of_200 = job(requests=200, options=Options(max_failures=most))

    assert outcome(of_200, [part(batch_status="completed")], counted(200 - failed, failed)) == state


@pytest.mark.parametrize(
    ("state", "succeeded", "failed", "reason"),
    [
        ("completed", 5, 0, ""),
        (ENDED, 3, 2, "2 of 5 requests failed, most often as invalid_prompt: Invalid prompt."),
        (FAILED, 0, 5, "5 of 5 requests failed, most often as invalid_prompt: Invalid prompt."),
        (FAILED, 1, 4, "and max-failures allows 3"),
    ],
)
def test_reason_says_how_many_failed_and_how(
    state: str, succeeded: int, failed: int, reason: str
) -> None:
    strict = job(requests=5, options=Options(max_failures="3"))

    said = why(strict, JobState(state), [part()], counted(succeeded, failed))

    assert reason in said
    assert bool(reason) == bool(said)


def test_reason_of_a_refused_job_is_what_openai_said() -> None:
    refused = part(batch_status="refused", errors=[{"message": "No such model."}])

    assert why(job(), JobState.FAILED, [refused], counted(0, 5)) == "No such model."
