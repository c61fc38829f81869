"""Which waiting parts of a model go on, now that there is capacity."""

from datetime import timedelta

from shared.jobs.capacity import Capacity
from shared.jobs.edges import JobEdges
from shared.jobs.part import Part, PartState

PATIENCE = timedelta(minutes=15)  # until the same work is requested again


def admit_waiting(edges: JobEdges, stored: Capacity) -> None:
    """Requests the submission of those that fit; capacity is kept for one that waited long."""
    now = edges.now()
    capacity = stored.as_known(now, edges.settings.enqueued_limit(stored.model))
    due = list(edges.ledger.open_parts(PartState.WAITING, now, model=stored.model))
    admission = capacity.admit(due, now)
    for part in admission.parts:
        _request_submission(edges, part)
    if not due and stored.is_idle(now) and not _has_waiting(edges, stored.model):
        edges.ledger.close_capacity(stored, now)
        return
    if admission.reserved_for != stored.reserved_for:
        edges.ledger.reserve_capacity(stored.model, admission.reserved_for)


def _has_waiting(edges: JobEdges, model: str) -> bool:
    """Also those that are due later."""
    later = edges.now() + timedelta(days=365)
    return any(edges.ledger.open_parts(PartState.WAITING, later, most=1, model=model))


def _request_submission(edges: JobEdges, part: Part) -> None:
    now = edges.now()
    if part.requested_at is None or part.requested_at + PATIENCE <= now:
        edges.submit_queue.send_parts([part.ref])
        edges.ledger.replace_part(part, part.requested(now))
