"""A job is cancelled: what waits is not submitted, what runs is cancelled at OpenAI, all lands."""

from datetime import datetime, timedelta

from shared.aws.races import until_written
from shared.errors import NotFound
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job
from shared.jobs.part import Part, PartState

ASKED_ONCE = 10  # tries: the event that asks comes once, and no tick asks again
CANCEL_DEADLINE = timedelta(hours=6)  # OpenAI documents ten minutes


def cancel(edges: JobEdges, job_id: str) -> str:
    """Writes the request down; the next tick begins with it. A second request does no harm."""
    return until_written(lambda: _cancel(edges, job_id), ASKED_ONCE)


def _cancel(edges: JobEdges, job_id: str) -> str:
    job = edges.ledger.job(job_id)
    if job is None or job.over:
        return "unknown" if job is None else job.state.value
    if job.cancel_requested is None:
        edges.ledger.replace_job(job, job.with_cancel_requested(edges.now()))
    return "cancelling"


def cancel_parts(edges: JobEdges, job: Job) -> None:
    """One tick's worth for an accepted job; the next ticks go on until all parts have landed."""
    parts = edges.ledger.parts(job.id)
    for part in parts:
        _cancel_part(edges, job, part)
    if all(part.state is PartState.LANDED for part in parts):
        edges.land_queue.send_parts(part.ref for part in parts[:1])


def _cancel_part(edges: JobEdges, job: Job, part: Part) -> None:
    match part.state:
        case PartState.PLANNED | PartState.WAITING if not part.outcome_unknown:
            _end_without_batch(edges, part)
        case PartState.WAITING:
            edges.submit_queue.send_parts([part.ref])  # submit looks for the batch that may be
        case PartState.SUBMITTED if edges.now() - _asked(edges, job) >= CANCEL_DEADLINE:
            _end_without_openai(edges, part)
        case PartState.SUBMITTED if part.batch_id and not part.cancel_sent:
            _cancel_batch(edges, part)


def _end_without_batch(edges: JobEdges, part: Part) -> None:
    cancelled = part.cancelled(edges.now())
    edges.ledger.replace_part(part, cancelled)
    edges.land_queue.send_parts([cancelled.ref])


def _asked(edges: JobEdges, job: Job) -> datetime:
    return job.cancel_requested or edges.now()


def _end_without_openai(edges: JobEdges, part: Part) -> None:
    """What there is lands; a batch that ends later has no part to go to, and does no harm."""
    reason = f"OpenAI did not end its batch within {CANCEL_DEADLINE} of the cancel"
    cancelled = part.cancelled(edges.now(), reason)
    edges.ledger.release_capacity(part, cancelled)
    edges.land_queue.send_parts([cancelled.ref])


def _cancel_batch(edges: JobEdges, part: Part) -> None:
    try:
        edges.openai.cancel_batch(part.batch_id or "")
    except NotFound:
        return  # `observe` decides what becomes of a batch that can't be found
    edges.ledger.replace_part(part, part.with_cancel_sent())
