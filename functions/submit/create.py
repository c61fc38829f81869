"""A claimed part is uploaded, and its batch created once."""

from datetime import UTC, datetime, timedelta

from functions.submit.libraries import wait_for_library, why_not_now
from functions.submit.lost_batch import find_lost_batch
from shared.errors import (
    CapacityExceeded,
    Conflict,
    NotGiven,
    NotYet,
    OutcomeUnknown,
    Refused,
    TryLater,
)
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job, JobState
from shared.jobs.part import Part
from shared.jobs.uploads import upload_name
from shared.jobs.waiting import (
    MOST_REJECTIONS,
    SOURCE_AWAITED,
    give_up_upload,
    pause_after,
    wait,
    wait_for_capacity,
)
from shared.openai.models import Batch, BatchError, File

WINDOW = timedelta(minutes=5)
WINDOWS = 13  # so many of them touch any one hour


def create(edges: JobEdges, job: Job, part: Part) -> str:
    """Returns the outcome in a word. A part that can't be submitted now waits, with a reason."""
    try:
        if batch := find_lost_batch(edges, part):
            edges.ledger.replace_part(part, part.submitted(batch, edges.now()))
            return "found"
        if job.cancel_requested:
            edges.ledger.release_capacity(part, part.cancelled(edges.now()))
            return "cancelled"
        if part.tries > 1 and (reason := why_not_now(edges, job, part)):
            return wait_for_library(edges, job, part.not_created(), reason)
        file_id = part.file_id or _upload(edges, part)
    except NotGiven as error:
        return wait_for_source(edges, job, part, error)
    except TryLater as error:
        return _wait(edges, job, part, error.reason, pause_after(error, part.tries))
    except Refused as error:  # by the upload: nothing that is searched for is ever refused
        return refuse(edges, part, error)
    return _create(edges, job, part, file_id)


def _upload(edges: JobEdges, part: Part) -> str:
    """The file's id. After the first try, an upload whose answer was lost may lie there."""
    name = upload_name(part)
    if part.tries > 1:
        for file in edges.openai.file_page().data:
            if _is_upload(file, name, part):
                return file.id
    return edges.openai.upload(name, edges.s3.open_again(part.source)).id


def _is_upload(file: File, name: str, part: Part) -> bool:
    return (file.filename, file.bytes) == (name, part.source.length) and (
        file.id not in part.unusable
    )


def _create(edges: JobEdges, job: Job, part: Part, file_id: str) -> str:
    uploaded_now = part.file_id != file_id
    if pause := _pause_for_rate(edges):
        part = part.model_copy(update={"file_id": file_id})
        return _wait(edges, job, part, "as many batches were created as an hour may have", pause)
    creating = part.creating(edges.now(), file_id)
    edges.ledger.replace_part(part, creating)  # fails where the lease was lost meanwhile
    try:
        batch = _create_batch(edges, job, creating)
    except OutcomeUnknown as error:
        return _wait(edges, job, creating, error.reason, edges.settings.lost_answer)
    except CapacityExceeded as error:
        waits = wait_for_capacity(edges, job, creating.not_created(), error)
        return "waits" if waits else refuse(edges, creating, Refused(error.reason, error.details))
    except TryLater as error:
        pause = pause_after(error, part.tries)
        return _wait(edges, job, creating.not_created(), error.reason, pause)
    except NotYet as error:
        return _wait_for_file(edges, job, creating, error, uploaded_now=uploaded_now)
    except Refused as error:
        return refuse(edges, creating, error)
    edges.ledger.replace_part(creating, creating.submitted(batch, edges.now()))
    return "submitted"


def _pause_for_rate(edges: JobEdges) -> timedelta | None:
    """Until the next window, if this one's batches are created already."""
    now = edges.now()
    window = now - (now - datetime.min.replace(tzinfo=UTC)) % WINDOW
    try:
        edges.ledger.spend("batches", window, edges.settings.batches_per_hour // WINDOWS)
    except Conflict:
        return window + WINDOW - now
    return None


def _create_batch(edges: JobEdges, job: Job, part: Part) -> Batch:
    return edges.openai.create_batch(
        part.file_id or "",
        part.endpoint,
        job.options.completion_window,
        job.options.metadata | part.metadata,
    )


def _wait(edges: JobEdges, job: Job, part: Part, reason: str, pause: timedelta) -> str:
    wait(edges, job, part, reason, until=edges.now() + pause)
    return "waits"


def _wait_for_file(
    edges: JobEdges, job: Job, part: Part, error: NotYet, *, uploaded_now: bool
) -> str:
    """OpenAI can't find the file. It is uploaded again, unless it is only too new."""
    if part.rejections >= MOST_REJECTIONS:
        return refuse(edges, part, error)
    part = part.not_created().rejected()
    if not uploaded_now:
        part = give_up_upload(edges, part)
    return _wait(edges, job, part, error.reason, pause_after(error, part.rejections))


def wait_for_source(edges: JobEdges, job: Job, part: Part, error: NotGiven) -> str:
    """Until a person lets S3 give the dropped file again; not for ever."""
    accepted = job.times[JobState.ACCEPTED.value]
    if edges.now() - accepted >= SOURCE_AWAITED:
        return refuse(edges, part, Refused(error.reason, error.details))
    return _wait(edges, job, part, error.reason, pause_after(error, part.tries))


def refuse(edges: JobEdges, part: Part, error: Refused) -> str:
    problem = BatchError(code=error.details.code, message=error.reason)
    refused = part.not_created().refused(edges.now(), problem)
    edges.ledger.release_capacity(part, refused)
    edges.land_queue.send_parts([refused.ref])
    return "refused"
