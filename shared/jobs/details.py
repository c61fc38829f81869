"""What the notifications of jobs tell programs, by their types."""

from typing import Any

from shared.aws.notifier import Detail
from shared.dollars import MILLION
from shared.jobs.estimate import Estimate
from shared.jobs.model import Job, JobState, titled
from shared.jobs.part import Part


class JobDetail(Detail):
    job: str
    state: JobState
    bucket: str
    key: str  # of the dropped file
    requests: int
    parts: int
    estimated_prompt_tokens: int
    expected_usd: float | None = None  # once it is known, of what is priced
    at_most_usd: float | None = None  # if every request limits its answer


class JobHeld(JobDetail):
    reason: str
    earlier: str | None = None  # the job that had the same file
    spent_usd: float | None = None  # of one that is held while it runs


class JobEstimated(JobDetail):
    """A dry run: keys of its report."""

    report: str
    page: str


class JobRejected(JobDetail):
    problems: int
    report: str  # a key in the data bucket


class JobEnded(JobDetail):
    """Counts of requests, tokens as the answers state them, and keys in the data bucket."""

    succeeded: int
    failed: int
    incomplete: int  # of those that succeeded
    input_tokens: int | None  # null: no answer states it
    output_tokens: int | None
    cached_tokens: int | None
    cost_usd: float | None  # null: not known
    unpriced_models: int
    results: str
    errors: str
    report: str
    page: str
    retry: str | None = None  # if requests failed


class PartDetail(JobDetail):
    part: int
    attempt: int
    model: str
    reason: str
    part_requests: int


class PartStuck(PartDetail):
    batch: str | None
    status: str  # the batch's


class SecondBatchCancelled(Detail):
    job: str
    part: int
    cancelled: str  # batches
    kept: str
    billed_twice: int  # requests


class OrphanFileDeleted(Detail):
    job: str
    part: int
    file: str
    bytes: int


class RecipeAccepted(Detail):
    bucket: str
    key: str
    version: str | None


class BudgetAlert(Detail):
    month: str
    percent: int
    budget_usd: float
    used_usd: float
    spent_usd: float


class SafetyAlertTold(Detail):
    """What OpenAI said; the fields without a value are those of a project's alert."""

    event: str
    event_type: str
    object: str  # its id at OpenAI
    error_type: str = ""
    model: str = ""
    reason: str | None = None
    request_id: str = ""
    request_paused: bool = False


class SafetyEvent(Detail):
    """A webhook's, on its way from the function that received it to the one that looks it up."""

    type: str
    event: str
    object: str


DETAILS: dict[str, Any] = {
    "Recipe Accepted": RecipeAccepted,
    "Job Accepted": JobDetail,
    "Job Held": JobHeld,
    "Job Rejected": JobRejected,
    "Job Estimated": JobEstimated,
    "Part Waiting": PartDetail,
    "Part Retried": PartDetail,
    "Part Stuck": PartStuck,
    "Second Batch Cancelled": SecondBatchCancelled,
    "Orphan File Deleted": OrphanFileDeleted,
    "Budget Alert": BudgetAlert,
    "Safety Alert": SafetyAlertTold,
    "Safety Event": SafetyEvent,
    titled(JobState.COMPLETED): JobEnded,
    titled(JobState.COMPLETED_WITH_FAILURES): JobEnded,
    titled(JobState.FAILED): JobEnded,
    titled(JobState.CANCELLED): JobEnded | JobRejected,  # while it ran, or while it was checked
}


def of_job(job: Job) -> dict[str, Any]:
    """The fields that every notification of a job has."""
    return {
        "job": job.id,
        "state": job.state,
        "bucket": job.source.bucket,
        "key": job.key,
        "requests": job.requests,
        "parts": job.parts,
        "estimated_prompt_tokens": job.tokens,
        **_estimated(job.estimate),
    }


def of_part(job: Job, part: Part) -> dict[str, Any]:
    return of_job(job) | {
        "part": part.number,
        "attempt": part.attempt,
        "model": part.model,
        "reason": part.reason,
        "part_requests": part.requests,
    }


def _estimated(estimate: Estimate | None) -> dict[str, float]:
    """Once it is known, and as far as it is."""
    if estimate is None:
        return {}
    found = {"expected_usd": estimate.expected, "at_most_usd": estimate.at_most}
    return {name: value / MILLION for name, value in found.items() if value is not None}
