"""A file that was dropped before, byte for byte and at the same key: it may be a mistake."""

import hashlib
from datetime import timedelta

from functions.intake.check import Checked
from shared.jobs import notifications
from shared.jobs.edges import JobEdges
from shared.jobs.ledger import DroppedFile
from shared.jobs.model import Job, JobState, words_of
from shared.jobs.options import Options
from shared.problems import Problem

HELD_FOR = timedelta(days=7)  # then the job is cancelled
# An earlier job that holds its file: it is paid for. One that failed may be tried again at will.
HOLDING = frozenset({JobState.ACCEPTED, JobState.COMPLETED, JobState.COMPLETED_WITH_FAILURES})


def dropped_file(edges: JobEdges, job: Job, digest: str) -> DroppedFile:
    name = "\0".join((job.source.bucket, job.key, digest))
    file_id = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]
    return edges.ledger.file(file_id, edges.now())


def earlier(edges: JobEdges, job: Job, file: DroppedFile, options: Options) -> Job | None:
    """The job that had the same file before, if anybody should know of it."""
    if job.approved or options.duplicate_file == "run":
        return None
    if not file.seen_lately or file.seen == job.id:
        return None
    found = edges.ledger.job(file.seen or "")
    holds = found and found.state in HOLDING and found.cancel_requested is None
    return found if holds else None


def hold(edges: JobEdges, job: Job, checked: Checked, other: Job) -> Job:
    """Tell people, then commit."""
    now = edges.now()
    held = job.held(_said(other), now, until=now + HELD_FOR)
    held = held.model_copy(update={"options": checked.options, "notes": list(checked.notes)})
    edges.notifier.publish(notifications.held(held, other))
    edges.ledger.replace_job(job, held)
    return held


def is_held_too_long(edges: JobEdges, job: Job) -> bool:
    return edges.now() - job.times[JobState.HELD.value] >= HELD_FOR


def refused(other: Job) -> Problem:
    return Problem(
        code="duplicate_file",
        message=f"{_said(other).capitalize()}, and the option duplicate-file says reject.",
        remedy=f"take the results of job {other.id}; to pay for the same requests again, drop the "
        "file with the option duplicate-file=run",
    )


def _said(other: Job) -> str:
    since = other.times[JobState.ACCEPTED.value]
    return (
        f"the same file was dropped before, byte for byte: job {other.id} was accepted at "
        f"{since:%Y-%m-%d %H:%M} UTC, and is {words_of(other.state)}"
    )
