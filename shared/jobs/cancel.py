"""Somebody wants a job to stop: what waits is not submitted, what runs is cancelled, all lands."""

from shared.errors import NotFound, Refused
from shared.jobs.edges import Edges
from shared.jobs.model import Job, Part, PartState
from shared.openai.models import Batch


def cancel(edges: Edges, job_id: str) -> str:
    """Writes the wish down; the next tick begins with it. Asking twice does no harm."""
    job = edges.ledger.job(job_id)
    if job is None or job.over:
        return "unknown" if job is None else job.state.value
    if job.cancel_asked is None:
        edges.ledger.replace_job(job, job.asked_to_stop(edges.now()))
    return "cancelling"


def stop(edges: Edges, job: Job) -> None:
    """One tick's worth of an accepted job's end, again until everything has landed."""
    parts = edges.ledger.parts(job.id)
    for part in parts:
        _stop(edges, part)
    if all(part.state is PartState.LANDED for part in parts):
        edges.land_queue.send_parts(part.ref for part in parts[:1])


def _stop(edges: Edges, part: Part) -> None:
    if part.state in {PartState.PLANNED, PartState.WAITING} and not part.outcome_unknown:
        stopped = part.stopped(edges.now())
        edges.ledger.replace_part(part, stopped)
        edges.land_queue.send_parts([stopped.ref])
    elif part.state is PartState.WAITING:  # an answer was lost: submit looks for its batch
        edges.submit_queue.send_parts([part.ref])
    elif part.state is PartState.SUBMITTED and part.batch_id and not part.stop_sent:
        try:
            cancel_batch(edges, part.batch_id)
        except NotFound:
            return  # the tick's own look at it says what a batch is that can't be found
        edges.ledger.replace_part(part, part.told_to_stop())


def cancel_batch(edges: Edges, batch_id: str) -> Batch:
    """The batch as it is then; one that ended meanwhile can't be cancelled any more."""
    try:
        return edges.openai.cancel_batch(batch_id)
    except Refused:
        return edges.openai.batch(batch_id)
