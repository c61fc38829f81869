"""A file that becomes no parts ends here: with a report that says why, and a notification."""

from functions.intake.checked import Checked
from shared.aws.notifier import Notification
from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job, JobState
from shared.problems import Problem, Problems
from shared.report import model as reports
from shared.report import notifications
from shared.report.estimate_page import estimated_page
from shared.report.model import Estimated, Rejected
from shared.report.rejected_page import rejected_page
from shared.text import sanitize_json


def reject(edges: JobEdges, job: Job, checked: Checked) -> Job:
    return _end(edges, job, checked, JobState.REJECTED, f"{checked.problems.total:,} problem(s)")


def reject_for(edges: JobEdges, job: Job, problem: Problem) -> Job:
    """The file as a whole is the problem: its lines were not looked at, or not all of them."""
    return reject(edges, job, Checked(_only(problem)))


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
        remedy="drop the file again if it shall run, and approve it or set the option that held it "
        "(duplicate-file=run, a higher max-cost)",
    )
    checked = Checked(_only(problem), job.options)
    return _end(edges, job, checked, JobState.CANCELLED, "held, and not approved in time")


def end_estimated(edges: JobEdges, job: Job, checked: Checked) -> Job:
    """A dry run ends with what it would cost."""
    prefix = keys.results_prefix(job.id, job.key)
    noted = job.with_ending(JobState.ESTIMATED, "", prefix).model_copy(
        update={
            "options": checked.options,
            "notes": list(checked.notes),
            "requests": checked.requests,
            "parts": len(checked.parts),
            "tokens": checked.tokens,
            "estimate": checked.estimate,
            "repeated": checked.repeated,
        }
    )
    report = reports.estimated(noted, checked.problems, checked.estimate, edges.now())
    report = report.model_copy(update={"bucket": edges.s3.bucket, "files": _files(noted)})
    _write(edges, noted, report, estimated_page(report))
    edges.ledger.replace_job(job, noted)
    return _tell(edges, noted, report)


def _only(problem: Problem) -> Problems:
    problems = Problems()
    problems.add(problem)
    return problems


def _end(edges: JobEdges, job: Job, checked: Checked, state: JobState, reason: str) -> Job:
    """The report is the verdict: once it is noted on the job, no other look at the file counts."""
    prefix = keys.rejected_prefix(job.id, job.key)
    known = {"options": checked.options, "notes": list(checked.notes)}
    noted = job.with_ending(state, reason, prefix).model_copy(update=known)
    report = reports.rejection(
        noted, checked.metadata, checked.problems, checked.lines, edges.now()
    )
    written = {"bucket": edges.s3.bucket, "files": _files(noted)}
    report = report.model_copy(update=written)
    _write(edges, noted, report, rejected_page(report))
    edges.ledger.replace_job(job, noted)
    return _tell(edges, noted, report)


def end_as_noted(edges: JobEdges, job: Job) -> Job:
    """A run that died had decided."""
    kind = Estimated if job.ending is JobState.ESTIMATED else Rejected
    return _tell(edges, job, kind.model_validate_json(edges.s3.read(_files(job)["report"])))


def _write(edges: JobEdges, job: Job, report: Rejected | Estimated, page: bytes) -> None:
    edges.s3.write(_files(job)["page"], [page], keys.PAGE)
    body = sanitize_json(report.model_dump_json(indent=2, exclude_none=True))
    edges.s3.write(_files(job)["report"], [body], "application/json")


def _tell(edges: JobEdges, job: Job, report: Rejected | Estimated) -> Job:
    """Notify, then commit."""
    state = job.ending or JobState.REJECTED
    ended = job.in_state(state, edges.now(), checked_until=None)
    edges.notifier.publish(_told(ended, report))
    edges.ledger.end_unpaid(job, ended)
    return ended


def _told(job: Job, report: Rejected | Estimated) -> Notification:
    if isinstance(report, Estimated):
        return notifications.estimated(job, report)
    return notifications.rejected(job, report, _files(job)["report"])


def _files(job: Job) -> dict[str, str]:
    prefix = job.results_prefix
    return {"report": f"{prefix}report.json", "page": f"{prefix}report.html"}
