"""A file that becomes no parts ends here: with a report that says why, and a notification."""

from functions.intake.check import Checked
from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job, JobState
from shared.problems import Problem, Problems
from shared.report import model as reports
from shared.report import notifications
from shared.report.rejected_page import rejected_page
from shared.text import sanitize_json


def reject(edges: JobEdges, job: Job, checked: Checked) -> Job:
    return _end(edges, job, checked, JobState.REJECTED, f"{checked.problems.total:,} problem(s)")


def reject_for(edges: JobEdges, job: Job, problem: Problem) -> Job:
    """The file as a whole is the problem: its lines were not looked at, or not all of them."""
    job = _decided(edges, job, problem)
    return reject(edges, job, Checked(_only(problem)))


def _decided(edges: JobEdges, job: Job, problem: Problem) -> Job:
    """What S3 or the clock says may be otherwise a moment later: what was said once holds."""
    if job.verdict:
        return job
    decided = job.with_verdict(problem)
    edges.ledger.replace_job(job, decided)
    return decided


def end_cancelled(edges: JobEdges, job: Job) -> Job:
    """Someone cancelled it before it was accepted."""
    problem = Problem(
        code="cancelled",
        message="The job was cancelled while its file was checked.",
        remedy="nothing to do; drop the file again if it shall run after all",
    )
    checked = Checked(_only(problem))
    return _end(edges, job, checked, JobState.CANCELLED, "cancelled while it was checked")


def end_unapproved(edges: JobEdges, job: Job) -> Job:
    """Nobody said a word while it was held."""
    since = job.times[JobState.HELD.value]
    problem = Problem(
        code="not_approved",
        message=f"The job was held since {since:%Y-%m-%d %H:%M} UTC, and nobody approved it: "
        f"{job.reason}.",
        remedy="drop the file again with the option duplicate-file=run if it shall run",
    )
    job = _decided(edges, job, problem)
    checked = Checked(_only(problem), job.options)
    return _end(edges, job, checked, JobState.CANCELLED, "held, and not approved in time")


def _only(problem: Problem) -> Problems:
    problems = Problems()
    problems.add(problem)
    return problems


def _end(edges: JobEdges, job: Job, checked: Checked, state: JobState, reason: str) -> Job:
    """Write data, notify, then commit."""
    now = edges.now()
    prefix = keys.rejected_prefix(job.id, job.key)
    changes = {"notes": list(checked.notes), "results_prefix": prefix, "checked_until": None}
    ended = job.in_state(state, now, options=checked.options, reason=reason, **changes)
    key, page = f"{prefix}report.json", f"{prefix}report.html"
    report = reports.rejection(ended, checked.metadata, checked.problems, checked.lines, now)
    written = {"bucket": edges.s3.bucket, "files": {"report": key, "page": page}}
    report = report.model_copy(update=written)
    edges.s3.write(page, [rejected_page(report)], keys.PAGE)
    body = sanitize_json(report.model_dump_json(indent=2, exclude_none=True))
    edges.s3.write(key, [body], "application/json")
    edges.notifier.publish(notifications.rejected(ended, report, key))
    edges.ledger.replace_job(job, ended)
    return ended
