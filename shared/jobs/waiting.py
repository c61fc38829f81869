"""A part goes back to waiting: not a failure, with a reason that people hear of once."""

from datetime import datetime

from shared.jobs import notifications
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job
from shared.jobs.part import Part, PartState


def wait(edges: JobEdges, job: Job | None, part: Part, reason: str, until: datetime) -> None:
    """Publishes a new reason (not without the job) and gives back the part's capacity.

    A part whose answer was lost keeps its capacity: its batch may be there.
    """
    waiting = part.waits(edges.now(), reason, until)
    if job and waiting.reason != part.reason:
        edges.notifier.publish(notifications.waiting(job, waiting))
    if part.holds_capacity and not waiting.outcome_unknown:
        edges.ledger.release_capacity(part, waiting)
    elif _as_seen(waiting) != _as_seen(part):
        edges.ledger.replace_part(part, waiting)


def _as_seen(part: Part) -> tuple[PartState, str, datetime]:
    return part.state, part.reason, part.due
