"""A person lets a held job go on."""

from shared.aws.races import until_written
from shared.aws.s3_events import replay_event
from shared.jobs.cancel import ASKED_ONCE
from shared.jobs.edges import JobEdges
from shared.jobs.model import JobState


def approve(edges: JobEdges, job_id: str) -> str:
    """Intake reads the file again; if its message gets lost, the next tick sends another."""
    return until_written(lambda: _approve(edges, job_id), ASKED_ONCE)


def _approve(edges: JobEdges, job_id: str) -> str:
    job = edges.ledger.job(job_id)
    if job and job.held_since and not (job.over or job.cancel_requested):
        edges.ledger.replace_job(job, job.goes_on(edges.now()))
        return "approved"
    if job is None or job.state is not JobState.HELD or job.cancel_requested or job.ending:
        return "unknown" if job is None else job.state.value
    edges.ledger.replace_job(job, job.with_approval(edges.now()))
    edges.intake_queue.send([replay_event(job.source)])
    return "approved"
