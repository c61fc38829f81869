"""How a job ended: the word that the ledger, notifications, the report and exit statuses share."""

from collections.abc import Sequence

from shared.jobs.answer_counts import AnswerCounts
from shared.jobs.model import Job, JobState
from shared.jobs.part import Part
from shared.openai.models import BatchStatus


def outcome(job: Job, parts: Sequence[Part], counts: AnswerCounts) -> JobState:
    """Failed: no request succeeded, or more failed than `max-failures` allows.

    A cancel that came too late to change anything does not count. A run that died after it sent the
    notification and before it committed has announced an outcome, and the next run must announce
    the same one.
    """
    if any(each.cut_short for each in parts):
        return JobState.CANCELLED
    if counts.succeeded == 0:
        statuses = {each.batch_status for each in parts if not each.replaced}
        return JobState.CANCELLED if statuses == {BatchStatus.CANCELLED} else JobState.FAILED
    if job.options.is_exceeded_by(counts.failed, job.requests):
        return JobState.FAILED
    return JobState.COMPLETED_WITH_FAILURES if counts.failed else JobState.COMPLETED


def why(job: Job, state: JobState, parts: Sequence[Part], counts: AnswerCounts) -> str:
    """Nothing for a job that completed, else what a person should read first."""
    if state is JobState.COMPLETED:
        return ""
    if state is JobState.FAILED and counts.succeeded:
        allowed = f", and max-failures allows {job.options.max_failures}"
        return f"{_failed(counts)}{allowed}"
    if state is JobState.COMPLETED_WITH_FAILURES:
        return _failed(counts)
    return _said_of(parts) or _failed(counts)


def _said_of(parts: Sequence[Part]) -> str:
    messages = [error.message for part in parts for error in part.errors if error.message]
    return messages[0] if messages else next((part.reason for part in parts if part.reason), "")


def _failed(counts: AnswerCounts) -> str:
    most = next(iter(counts.groups), None)
    often = f", most often as {most.code}: {most.message}" if most else ""
    return f"{counts.failed:,} of {counts.succeeded + counts.failed:,} requests failed{often}"
