"""A file that was dropped before, byte for byte and at the same key: it may be a mistake."""

import hashlib

from functions.intake.checked import Checked
from shared.errors import Conflict
from shared.jobs import notifications
from shared.jobs.edges import JobEdges
from shared.jobs.ledger import DroppedFile
from shared.jobs.model import Job, JobState, words_of
from shared.jobs.options import Options
from shared.problems import Problem

# An earlier job that holds its file: it is paid for, or will be.
HOLDING = frozenset(
    {JobState.CHECKING, JobState.ACCEPTED, JobState.COMPLETED, JobState.COMPLETED_WITH_FAILURES}
)


def claim(edges: JobEdges, job: Job, checked: Checked) -> Job | None:
    """The file is this job's now, or the earlier job that had it and should be known of."""
    name = "\0".join((job.source.bucket, job.key, checked.digest))
    file_id = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]
    try:
        return _claim(edges, job, checked.options, file_id)
    except Conflict:  # another took it a moment ago: now it is seen
        return _claim(edges, job, checked.options, file_id)


def _claim(edges: JobEdges, job: Job, options: Options, file_id: str) -> Job | None:
    now = edges.now()
    file = edges.ledger.file(file_id, now)
    if earlier := _earlier(edges, job, file, options):
        return earlier
    edges.ledger.claim_file(file, job, now)
    return None


def _earlier(edges: JobEdges, job: Job, file: DroppedFile, options: Options) -> Job | None:
    if job.approved or options.duplicate_file == "run":
        return None
    if not file.seen_lately or file.seen == job.id:
        return None
    found = edges.ledger.job(file.seen or "")
    holds = found and found.state in HOLDING and not (found.cancel_requested or found.ending)
    return found if holds else None


def hold(edges: JobEdges, job: Job, checked: Checked, other: Job) -> Job:
    """Tell people, then commit."""
    now = edges.now()
    held = job.held(_said(other), now, until=now + edges.settings.held_for)
    held = held.model_copy(update={"options": checked.options, "notes": list(checked.notes)})
    edges.notifier.publish(notifications.held(held, other))
    edges.ledger.replace_job(job, held)
    return held


def is_held_too_long(edges: JobEdges, job: Job) -> bool:
    return edges.now() - job.times[JobState.HELD.value] >= edges.settings.held_for


def refused(other: Job) -> Problem:
    return Problem(
        code="duplicate_file",
        message=f"{_said(other).capitalize()}, and the option duplicate-file says reject.",
        remedy=f"take the results of job {other.id}; to pay for the same requests again, drop the "
        "file with the option duplicate-file=run",
    )


def _said(other: Job) -> str:
    since = min(other.times.values())
    return (
        f"the same file was dropped before, byte for byte: job {other.id} of "
        f"{since:%Y-%m-%d %H:%M} UTC, which is {words_of(other.state)}"
    )
