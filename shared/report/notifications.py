"""The notifications that a job was rejected or has ended: they say what its report says."""

from shared.aws.notifier import Notification
from shared.jobs.details import JobEnded, JobEstimated, JobRejected, of_job
from shared.jobs.estimate import Estimate, in_words
from shared.jobs.model import Job, JobState, titled, words_of
from shared.jobs.notifications import repeats_told
from shared.report.model import Estimated, JobReport, Rejected
from shared.text import REASON, sanitize

REJECTED = "Job Rejected"

FILES = ("results", "errors", "retry", "report", "page")


def rejected(job: Job, report: Rejected, key: str) -> Notification:
    worst = ", ".join(f"{n} × {code}" for code, n in sorted(report.problems_by_code.items())[:10])
    return Notification(
        type=REJECTED if job.state is JobState.REJECTED else titled(job.state),
        about=job.id,
        text=f"{sanitize(job.key)} was {words_of(job.state)}: {report.problems_total:,} "
        f"problem(s): {worst}.\n"
        f"Every problem with line and remedy: {key}",
        detail=JobRejected(**of_job(job), problems=report.problems_total, report=key).fields(),
    )


def estimated(job: Job, report: Estimated) -> Notification:
    """Nothing was sent; what it would cost."""
    return Notification(
        type=titled(job.state),
        about=job.id,
        text=f"{sanitize(job.key)} would be {job.requests:,} requests in {job.parts:,} part(s): "
        f"{in_words(job.estimate or Estimate())}.{repeats_told(job)} Nothing was sent "
        f"to OpenAI, as the option dry-run asked.\nReport: {report.files['page']}",
        detail=JobEstimated(
            **of_job(job), report=report.files["report"], page=report.files["page"]
        ).fields(),
    )


def ended(job: Job, report: JobReport) -> Notification:
    """The job as it is now that it has ended."""
    counts = report.requests
    return Notification(
        type=titled(job.state),
        about=job.id,
        text=f"{sanitize(job.key)} is {words_of(job.state)}: {counts.succeeded:,} of "
        f"{counts.total:,} requests succeeded, {counts.failed:,} failed.{_cost(report)}\n"
        f"{sanitize(report.reason, REASON)}\n"
        f"Results: {report.files['results']}\nReport: {report.files['page']}",
        detail=JobEnded(
            **of_job(job),
            succeeded=counts.succeeded,
            failed=counts.failed,
            incomplete=counts.incomplete,
            input_tokens=report.usage.input_tokens,
            output_tokens=report.usage.output_tokens,
            cached_tokens=report.usage.cached_tokens,
            cost_usd=report.cost.usd,
            unpriced_models=report.cost.unpriced_models,
            **{name: report.files[name] for name in FILES if name in report.files},
        ).fields(),
    )


def _cost(report: JobReport) -> str:
    """Empty where nothing is known: the job was not free."""
    if not report.usage_by_model or report.cost.usd is None:
        return ""
    without = report.cost.unpriced_models
    rest = f", without {without:,} model(s) whose price is not known" if without else ""
    return f" Cost at OpenAI: about ${report.cost.usd:,.2f}{rest}."
