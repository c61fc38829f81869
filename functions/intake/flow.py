"""A dropped file becomes parts that wait to be submitted, or a report that says why not."""

from datetime import timedelta

from functions.intake.check import Checked, check
from shared.batchfile.library_refs import StoreNotReady
from shared.jobs import keys, notifications
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job, JobState, job_id
from shared.jobs.part import PartState
from shared.objects import Source
from shared.report import model as reports
from shared.report import notifications as report_notifications
from shared.report.rejected_page import rejected_page
from shared.text import sanitize, sanitize_json

STORE_PAUSE = timedelta(minutes=1)
RECHECK = 4  # leases after which poll checks whether an accepted job got stuck


def take_in(edges: JobEdges, source: Source) -> Job:
    """The same notification twice is the same job; the second run finds the work done."""
    job = edges.ledger.open_job(_new(edges, source))
    if job.state is JobState.CHECKING:
        try:
            checked = check(edges, job)
        except StoreNotReady as error:
            return _wait_for_store(edges, job, error.library)
        job = _reject(edges, job, checked) if checked.is_refused else _accept(edges, job, checked)
    if job.state is JobState.ACCEPTED:
        _queue_parts(edges, job)
    return job


def _wait_for_store(edges: JobEdges, job: Job, library: str) -> Job:
    """Its first documents were dropped a moment ago. Poll sends this file's event again."""
    waiting = job.waits(
        f"the library {sanitize(library)} has no store yet", until=edges.now() + STORE_PAUSE
    )
    edges.ledger.replace_job(job, waiting)
    return waiting


def _new(edges: JobEdges, source: Source) -> Job:
    now = edges.now()
    job_name = job_id(source.bucket, source.key, source.identity)
    due = now + RECHECK * edges.settings.lease
    return Job(id=job_name, source=source, due=due, times={"checking": now})


def _reject(edges: JobEdges, job: Job, checked: Checked) -> Job:
    """Write data, notify, then commit."""
    now = edges.now()
    prefix = keys.rejected_prefix(job.id, job.key)
    job = job.model_copy(update={"notes": list(checked.notes), "results_prefix": prefix})
    rejected = job.in_state(
        JobState.REJECTED,
        now,
        options=checked.options,
        reason=f"{checked.problems.total:,} problem(s)",
    )
    report = reports.rejection(rejected, checked.metadata, checked.problems, checked.lines, now)
    key = f"{prefix}report.json"
    edges.s3.write(f"{prefix}report.html", [rejected_page(report)], keys.PAGE)
    body = sanitize_json(report.model_dump_json(indent=2, exclude_none=True))
    edges.s3.write(key, [body], "application/json")
    edges.notifier.publish(report_notifications.rejected(rejected, report, key))
    edges.ledger.replace_job(job, rejected)
    return rejected


def _accept(edges: JobEdges, job: Job, checked: Checked) -> Job:
    prefix = keys.results_prefix(job.id, job.key)
    if checked.problems:
        skipped = reports.skipped(checked.problems).model_dump_json(indent=2, exclude_none=True)
        edges.s3.write(f"{prefix}skipped.json", [skipped.encode()], "application/json")
    for part in checked.parts:
        edges.ledger.plan_part(part)
    for model in sorted({part.model for part in checked.parts}):
        edges.ledger.open_capacity(model)
    accepted = job.in_state(
        JobState.ACCEPTED,
        edges.now(),
        reason="",
        options=checked.options,
        requests=sum(part.requests for part in checked.parts),
        parts=len(checked.parts),
        tokens=sum(part.tokens for part in checked.parts),
        notes=list(checked.notes),
        skipped=checked.problems.bad_lines,
        results_prefix=prefix,
    )
    edges.notifier.publish(notifications.accepted(accepted))
    edges.ledger.accept(job, accepted)
    return accepted


def _queue_parts(edges: JobEdges, job: Job) -> None:
    """Planned parts begin to wait, and submit gets a message for each; twice does no harm."""
    now = edges.now()
    parts = edges.ledger.parts(job.id)
    for part in parts:
        if part.state is PartState.PLANNED and part.number <= job.parts:
            edges.ledger.replace_part(part, part.waits(now, "", until=now).requested(now))
    waiting = {PartState.PLANNED, PartState.WAITING}
    edges.submit_queue.send_parts(part.ref for part in parts if part.state in waiting)
