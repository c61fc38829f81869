"""A part goes back to waiting: not a failure, with a reason that people hear of once."""

from contextlib import suppress
from datetime import datetime, timedelta

from shared.errors import ActionRequired, CapacityExceeded, EdgeError, TryLater
from shared.jobs import notifications
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job
from shared.jobs.part import Part, PartState

SHORT_PAUSE, LONG_PAUSE = timedelta(seconds=30), timedelta(minutes=30)
PAUSE_FOR_A_PERSON = timedelta(minutes=5)  # while a key is refused, or money or storage used up
A_MOMENT = timedelta(minutes=15)  # since S3 first did not give a dropped file: it may pass
SOURCE_AWAITED = timedelta(days=7)  # a dropped file that S3 does not give any more
NO_CAPACITY_PAUSE, LONGEST_WITHOUT = timedelta(minutes=1), timedelta(minutes=15)
BYTES_AT_LEAST = 2  # of a token
MOST_ALONE = 24  # refusals of one request that is alone: about six hours
MOST_REJECTIONS = 8  # of a part, of the kind that may pass: about an hour and a half


def pause_after(error: EdgeError, times: int) -> timedelta:
    """As long as OpenAI asks for, or twice as long each time."""
    if isinstance(error, TryLater) and error.after is not None:
        return error.after
    if isinstance(error, ActionRequired):
        return PAUSE_FOR_A_PERSON
    return min(SHORT_PAUSE * (1 << min(max(times - 1, 0), 10)), LONG_PAUSE)


def give_up_upload(edges: JobEdges, part: Part) -> Part:
    """OpenAI lists the upload and can't find it. What can't be deleted goes with the sweep."""
    if part.file_id is None:
        return part
    with suppress(EdgeError):
        edges.openai.delete_file(part.file_id)
    return part.without_upload()


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


def wait_for_capacity(
    edges: JobEdges, job: Job | None, part: Part, error: CapacityExceeded
) -> bool:
    """Not a failure. If the refusal names the limit, it is kept for next time.

    What is refused with nothing else of ours enqueued may be larger than we think: submit splits
    it, and one request ends after some hours. False: it has. What can't be that large only waits,
    as others may use the same organization.
    """
    if error.limit is not None:
        edges.ledger.learn_limit(part.model, error.limit, error.unit, edges.now())
    if _may_be_too_large(edges, part):
        if part.requests == 1 and part.refused_alone >= MOST_ALONE:
            return False
        part = part.model_copy(update={"refused_alone": part.refused_alone + 1})
    pause = error.after or min(NO_CAPACITY_PAUSE * part.tries, LONGEST_WITHOUT)
    wait(edges, job, part, error.reason, edges.now() + pause)
    return True


def _may_be_too_large(edges: JobEdges, part: Part) -> bool:
    """Alone, and above the limit if a token were two bytes, not four as we estimate."""
    configured = edges.settings.enqueued_limit(part.model)
    capacity = edges.ledger.capacity(part.model)
    limit = capacity.as_known(edges.now(), configured).limit
    is_alone = capacity.used <= part.enqueues
    return is_alone and limit is not None and part.source.length // BYTES_AT_LEAST > limit


def _as_seen(part: Part) -> tuple[PartState, str, datetime]:
    return part.state, part.reason, part.due
