"""What a batch means for its part; any function may call this."""

from datetime import timedelta

from shared.errors import ActionRequired, CapacityExceeded, EdgeError, NotYet, TryLater
from shared.jobs import notifications
from shared.jobs.edges import JobEdges
from shared.jobs.options import USUAL_WINDOW_HOURS
from shared.jobs.part import Part, PartState
from shared.jobs.waiting import (
    MOST_REJECTIONS,
    give_up_upload,
    pause_after,
    wait,
    wait_for_capacity,
)
from shared.openai.models import Batch, BatchStatus
from shared.openai.refusals import why_failed

LOST_AFTER = timedelta(hours=3)  # since OpenAI first did not find a batch, in a row
GONE = "gone"  # instead of OpenAI's status: the batch does not exist any more
SHORT_STATUSES = frozenset({BatchStatus.VALIDATING, BatchStatus.FINALIZING})  # minutes
SHORT_STATUS_LIMIT = timedelta(hours=2)


def observe(edges: JobEdges, part: Part, batch: Batch | None) -> None:
    """Takes a submitted part and its batch, or None if OpenAI does not find the batch."""
    if batch is None:
        _observe_missing(edges, part)
        return
    seen = part.observed(batch)
    if batch.status == BatchStatus.FAILED:
        _observe_failed(edges, seen, batch)
    elif batch.ended:
        _end(edges, seen)
    elif _is_stuck(edges, seen):
        _publish_stuck(edges, seen)
    elif seen != part:
        edges.ledger.replace_part(part, part.with_batch(batch))


def _observe_missing(edges: JobEdges, part: Part) -> None:
    """One 404 is not a loss: what is given up too early is paid twice."""
    now = edges.now()
    since = part.missing_since or now
    if now - since >= LOST_AFTER:
        gone = part.model_copy(update={"batch_status": GONE, "missing_since": None})
        _end(edges, gone, f"OpenAI has not known this batch since {since:%Y-%m-%d %H:%M} UTC")
    elif part.missing_since is None:
        reason = f"OpenAI does not find its batch; it is given up after {LOST_AFTER}"
        edges.ledger.replace_part(part, part.missing(since, reason, until=part.due))


def _observe_failed(edges: JobEdges, part: Part, batch: Batch) -> None:
    error = why_failed(batch)
    if isinstance(error, CapacityExceeded):
        if not wait_for_capacity(edges, edges.ledger.job(part.job), part, error):
            _end(edges, part)
    elif isinstance(error, ActionRequired):
        _wait(edges, part, error.reason, pause_after(error, part.tries))
    elif isinstance(error, TryLater | NotYet) and part.rejections < MOST_REJECTIONS:
        _wait_after_rejection(edges, part.rejected(), error)
    else:
        _end(edges, part)


def _wait_after_rejection(edges: JobEdges, part: Part, error: EdgeError) -> None:
    """OpenAI's own error, or it can't find a file that is there: the same may pass later."""
    if isinstance(error, NotYet):
        part = give_up_upload(edges, part)
    _wait(edges, part, error.reason, pause_after(error, part.rejections))


def _wait(edges: JobEdges, part: Part, reason: str, pause: timedelta) -> None:
    wait(edges, edges.ledger.job(part.job), part, reason, edges.now() + pause)


def _end(edges: JobEdges, part: Part, reason: str = "") -> None:
    """The same write ends the part and gives its capacity back, so that happens once."""
    edges.ledger.release_capacity(part, part.ended(edges.now(), reason))


def _is_stuck(edges: JobEdges, part: Part) -> bool:
    """Validating and finalizing take minutes; other statuses may take most of the window."""
    short = part.batch_status in SHORT_STATUSES
    limit = SHORT_STATUS_LIMIT if short else timedelta(hours=edges.settings.stuck_hours)
    return _age(edges, part) > limit and part.stuck_published != part.batch_status


def _age(edges: JobEdges, part: Part) -> timedelta:
    return edges.now() - part.times.get(PartState.SUBMITTED.value, edges.now())


def _publish_stuck(edges: JobEdges, part: Part) -> None:
    """Unless its job asked for a window that is longer than the usual one."""
    job = edges.ledger.job(part.job)
    if job and part.batch_status not in SHORT_STATUSES:
        share = job.options.window_hours / USUAL_WINDOW_HOURS
        if _age(edges, part) <= timedelta(hours=edges.settings.stuck_hours * share):
            return
    if job:
        edges.notifier.publish(notifications.stuck(job, part))
    edges.ledger.replace_part(part, part.with_stuck_published())
