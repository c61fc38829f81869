"""A part that waits becomes one batch at OpenAI, and never two.

Create has no idempotency key. So the intent is written before the call; whoever finds an intent
without a batch looks for it first, and only after it had time to show up makes it again.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from functions.submit.split import cut_again
from shared.errors import (
    ActionRequired,
    CapacityExceeded,
    Conflict,
    OutcomeUnknown,
    Refused,
    TryLater,
)
from shared.jobs import notifications
from shared.jobs.capacity import Capacity
from shared.jobs.edges import Edges
from shared.jobs.libraries import why_not_ready
from shared.jobs.model import Job, JobState, Part, PartState
from shared.objects import PartRef
from shared.openai.models import Batch, BatchError, BatchStatus

SHORT_PAUSE, LONG_PAUSE = timedelta(seconds=30), timedelta(minutes=30)
LIBRARY_PAUSE = timedelta(minutes=1)
FOR_A_PERSON = timedelta(minutes=5)  # between tries while a key is refused or a quota used up
WINDOW = timedelta(minutes=5)
WINDOWS = 13  # so many of them touch any one hour
RACES = 5  # lost before the message is given back
SKEW = timedelta(hours=1)  # between our clock and OpenAI's, when a list is read back in time
UNKNOWN_FILE = "Cannot find file"  # said of a file that is gone, and of one uploaded a moment ago


def submit(edges: Edges, ref: PartRef) -> str:
    """What came of it, in a word. Asking twice, or too late, does no harm."""
    for _ in range(RACES):
        with suppress(Conflict):  # many parts enter one room at once: look again, and try again
            return _try(edges, ref)
    return _try(edges, ref)


def _try(edges: Edges, ref: PartRef) -> str:
    job, part = edges.ledger.job(ref.job), edges.ledger.part(ref.job, ref.part)
    now = edges.now()
    if job is None or part is None or job.state is not JobState.ACCEPTED:
        return "unknown"
    if not part.may_be_claimed(now) or (part.state is PartState.WAITING and part.due > now):
        return "not now"
    fresh = part.state is PartState.WAITING and not part.outcome_unknown
    if job.cancel_asked and fresh:
        return "cancelled"
    if fresh and (reason := why_not_ready(edges, job, part)):
        return _put_off(edges, job, part, reason)
    capacity = _room(edges, part, now)
    if fresh and capacity.limit is not None and part.tokens > capacity.limit:
        return cut_again(edges, part, capacity.limit)
    try:
        claimed = _claim(edges, part, capacity, fresh=fresh)
    except CapacityExceeded:
        return _capacity_refusal(edges, job, part)
    return _make(edges, job, claimed)


def _put_off(edges: Edges, job: Job, part: Part, reason: str) -> str:
    """It has no room yet that it could give back."""
    waiting = part.waits(edges.now(), reason, until=edges.now() + LIBRARY_PAUSE)
    if waiting.reason != part.reason:
        edges.notifier.publish(notifications.waiting(job, waiting))
    edges.ledger.replace_part(part, waiting)
    return "waits"


def _room(edges: Edges, part: Part, now: datetime) -> Capacity:
    configured = edges.settings.enqueued_limit(part.model)
    return edges.ledger.capacity(part.model).as_known(now, configured)


def _claim(edges: Edges, part: Part, capacity: Capacity, *, fresh: bool) -> Part:
    """A lease, longer than this function can run: when it is over, its holder is dead."""
    claimed = part.claimed(edges.now(), edges.settings.lease)
    if not fresh:
        edges.ledger.replace_part(part, claimed)  # who held it before took the room already
    elif capacity.admits(part):
        edges.ledger.enter(part, claimed, capacity)
    else:
        raise CapacityExceeded(part.model)
    return claimed


def _make(edges: Edges, job: Job, part: Part) -> str:
    try:
        if batch := _found(edges, part):
            edges.ledger.replace_part(part, part.submitted(batch, edges.now()))
            return "found"
        if job.cancel_asked:
            edges.ledger.leave(part, part.stopped(edges.now()))
            return "cancelled"
        file_id = part.file_id or _upload(edges, part)
    except TryLater as error:
        return _put_back(edges, job, part, error.reason, _pause(error, part.tries))
    return _create(edges, job, part, file_id)


def _create(edges: Edges, job: Job, part: Part, file_id: str) -> str:
    fresh = part.file_id != file_id
    if wait := _rate_used_up(edges):
        part = part.model_copy(update={"file_id": file_id})
        return _put_back(edges, job, part, "as many batches are made as an hour may have", wait)
    creating = part.creating(edges.now(), file_id)
    edges.ledger.replace_part(part, creating)  # fails where the lease was lost meanwhile
    metadata = job.options.metadata | part.metadata
    try:
        batch = edges.openai.create_batch(
            file_id, part.endpoint, job.options.completion_window, metadata
        )
    except OutcomeUnknown as error:
        return _put_back(edges, job, creating, error.reason, edges.settings.lost_answer)
    except TryLater as error:
        back, pause = creating.answered_no(), _pause(error, part.tries)
        return _put_back(edges, job, back, error.reason, pause)
    except Refused as error:
        return _refused(edges, job, creating, error, fresh=fresh)
    edges.ledger.replace_part(creating, creating.submitted(batch, edges.now()))
    return "submitted"


def _found(edges: Edges, part: Part) -> Batch | None:
    """The batch whose answer was lost. None: there is none, and it had time to show up."""
    if part.creating_at is None:
        return None
    batch = _look(edges, part, part.creating_at)
    shown_by = part.creating_at + edges.settings.lost_answer
    if batch is None and edges.now() < shown_by:
        raise TryLater("an answer was lost; its batch may still show up", shown_by - edges.now())
    return batch


def _look(edges: Edges, part: Part, since: datetime) -> Batch | None:
    """Reads the list back to before the call; on to its end where it is not in order of time."""
    last, in_order = None, True
    for page in edges.openai.batch_pages():
        for batch in page:
            if part.is_made_into(batch) and batch.status != BatchStatus.FAILED:
                return batch
            in_order = in_order and (last is None or batch.created <= last)
            last = batch.created
        if in_order and last and last < since - SKEW:
            return None
    return None


def _upload(edges: Edges, part: Part) -> str:
    """The file's id. Not the first try: an upload whose answer was lost may lie there already."""
    name = f"{part.job}-{part.base}-{part.attempt}.jsonl"
    if part.tries > 1:
        for file in edges.openai.file_page().data:
            if file.filename == name and file.bytes == part.source.length:
                return file.id
    return edges.openai.upload(name, edges.s3.open(part.source)).id


def _rate_used_up(edges: Edges) -> timedelta | None:
    """How long to wait, where this window's batches are made already."""
    now = edges.now()
    window = now - (now - datetime.min.replace(tzinfo=UTC)) % WINDOW
    try:
        edges.ledger.spend("batches", window, edges.settings.batches_per_hour // WINDOWS)
    except Conflict:
        return window + WINDOW - now
    return None


def _put_back(edges: Edges, job: Job, part: Part, reason: str, pause: timedelta) -> str:
    """Not a failure: the part waits, and says why."""
    waiting = part.waits(edges.now(), reason, until=edges.now() + pause)
    if waiting.reason != part.reason:
        edges.notifier.publish(notifications.waiting(job, waiting))
    if waiting.outcome_unknown:
        edges.ledger.replace_part(part, waiting)
    else:
        edges.ledger.leave(part, waiting)
    return "waits"


def _pause(error: TryLater, tries: int) -> timedelta:
    """What the other side asked for, or twice as long each time."""
    if error.after is not None:
        return error.after
    if isinstance(error, ActionRequired):
        return FOR_A_PERSON
    return min(SHORT_PAUSE * (1 << min(tries - 1, 10)), LONG_PAUSE)


def _refused(edges: Edges, job: Job, part: Part, error: Refused, *, fresh: bool) -> str:
    """OpenAI said no. A file it can't find is uploaded again, unless it is only too fresh."""
    part = part.answered_no()
    if UNKNOWN_FILE in error.reason:
        if not fresh:
            part = part.model_copy(update={"file_id": None})
        return _put_back(edges, job, part, error.reason, SHORT_PAUSE)
    problem = BatchError(code=error.code, message=error.reason)
    ended = part.refused(edges.now(), problem)
    edges.ledger.leave(part, ended)
    edges.land_queue.send_parts([ended.ref])
    return "refused"


def _capacity_refusal(edges: Edges, job: Job, part: Part) -> str:
    """It keeps its place; poll asks again when there is room."""
    full = part.waits(
        edges.now(),
        f"no room: as many tokens of {part.model} are enqueued as may be",
        until=part.due,
    )
    if not job.room_told:
        edges.notifier.publish(notifications.waiting(job, full))
        with suppress(Conflict):  # another of its parts told it too
            edges.ledger.replace_job(job, job.told_of_room())
    if full.reason != part.reason:
        edges.ledger.replace_part(part, full)
    return "no room"
