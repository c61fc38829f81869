"""A part that waits becomes one batch at OpenAI, and never two.

Create has no idempotency key. So the intent is written before the call. A run that finds an intent
without a batch looks for the batch first, and creates it again only after that had time to show up.
"""

from contextlib import suppress

from functions.submit.costs import hold, is_too_dear
from functions.submit.create import create, refuse, wait_for_source
from functions.submit.libraries import wait_for_library, why_not_now, with_current_stores
from functions.submit.split import split_part
from shared.errors import CapacityExceeded, Conflict, NotGiven, Refused
from shared.jobs.capacity import Capacity
from shared.jobs.edges import JobEdges
from shared.jobs.libraries import why_not_ready
from shared.jobs.model import Job, JobState
from shared.jobs.part import Part
from shared.jobs.waiting import wait
from shared.objects import PartRef

REFUSED_ALONE = 3  # then it is larger than we think
CONFLICTS = 5  # until the message goes back to the queue


def submit(edges: JobEdges, ref: PartRef) -> str:
    """Returns the outcome in a word. A second request, or a late one, does no harm."""
    for _ in range(CONFLICTS):
        with suppress(Conflict):  # many parts take one capacity at once: read again, try again
            return _submit(edges, ref)
    return _submit(edges, ref)


def _submit(edges: JobEdges, ref: PartRef) -> str:
    job, part = edges.ledger.job(ref.job), edges.ledger.part(ref.job, ref.part)
    if job is None or part is None or job.state is not JobState.ACCEPTED:
        return "unknown"
    if not part.may_be_claimed(edges.now()):
        return "not now"
    return _resume(edges, job, part) if part.holds_capacity else _start(edges, job, part)


def _resume(edges: JobEdges, job: Job, part: Part) -> str:
    """An earlier run claimed it and took its capacity, then died or lost an answer.

    Before create was called, its libraries are looked at once more: time has passed.
    """
    if not part.outcome_unknown and (reason := why_not_now(edges, job, part)):
        return wait_for_library(edges, job, part, reason)
    claimed = part.claimed(edges.now(), edges.settings.lease)
    edges.ledger.replace_part(part, claimed)
    return create(edges, job, claimed)


def _start(edges: JobEdges, job: Job, part: Part) -> str:
    if job.cancel_requested:
        return "cancelled"
    if is_too_dear(edges, job, part):
        return hold(edges, job, part)
    if reason := why_not_ready(edges, job, part):
        return wait_for_library(edges, job, part, reason)
    try:
        part = with_current_stores(edges, part)
    except NotGiven as error:
        return wait_for_source(edges, job, part, error)
    capacity = _capacity(edges, part.model)
    if part.requests > 1 and part.refused_alone >= REFUSED_ALONE:
        less = capacity.model_copy(update={"limit": part.enqueues * 2 // 3})
        return _split(edges, job, part, less)
    if capacity.never_fits(part):
        return _split(edges, job, part, capacity)
    try:
        claimed = _claim(edges, part, capacity)
    except CapacityExceeded:
        return _wait_for_capacity(edges, job, part)
    return create(edges, job, claimed)


def _split(edges: JobEdges, job: Job, part: Part, capacity: Capacity) -> str:
    """Its lines are read once more, if S3 still gives them."""
    try:
        return split_part(edges, part, capacity)
    except NotGiven as error:
        return wait_for_source(edges, job, part, error)
    except Refused as error:
        return refuse(edges, part, error)


def _capacity(edges: JobEdges, model: str) -> Capacity:
    configured = edges.settings.enqueued_limit(model)
    return edges.ledger.capacity(model).as_known(edges.now(), configured)


def _claim(edges: JobEdges, part: Part, capacity: Capacity) -> Part:
    """A lease, longer than this function can run: when it is over, its holder is dead."""
    if not capacity.admits(part):
        raise CapacityExceeded(f"no capacity for {part.name}")
    claimed = part.claimed(edges.now(), edges.settings.lease)
    edges.ledger.take_capacity(part, claimed, capacity)
    return claimed


def _wait_for_capacity(edges: JobEdges, job: Job, part: Part) -> str:
    """It keeps its place; poll requests it again when there is capacity. Published once a job."""
    reason = f"no capacity: as many tokens of {part.model} are enqueued as may be"
    wait(edges, None if job.waiting_published else job, part, reason, until=part.due)
    if not job.waiting_published:
        with suppress(Conflict):  # another of its parts wrote it too
            edges.ledger.replace_job(job, job.with_waiting_published())
    return "no capacity"
