"""The notifications of jobs, one for each thing that happens: counts and keys, never lists."""

from datetime import datetime

from shared.aws.notifier import Notification
from shared.dollars import MILLION, in_dollars
from shared.jobs import asked_once
from shared.jobs.budget import Budget
from shared.jobs.details import (
    BudgetAlert,
    JobDetail,
    JobHeld,
    OrphanFileDeleted,
    PartDetail,
    PartStuck,
    RecipeAccepted,
    SecondBatchCancelled,
    of_job,
    of_part,
)
from shared.jobs.estimate import in_words
from shared.jobs.model import Job
from shared.jobs.part import Part
from shared.objects import Source
from shared.openai.models import Batch, File
from shared.text import REASON, sanitize


def accepted(job: Job) -> Notification:
    return Notification(
        type="Job Accepted",
        about=job.id,
        text=f"{sanitize(job.key)} was accepted: {job.requests:,} requests in {job.parts} part(s), "
        f"{_price(job)}.{repeats_told(job)}",
        detail=JobDetail(**of_job(job)).fields(),
    )


def recipe_accepted(source: Source) -> Notification:
    return Notification(
        type="Recipe Accepted",
        about=f"{source.key} {source.identity}",
        text=f"{sanitize(source.key)} is a recipe that can be used, for tables beside and below "
        "it. Its columns are compared with a table's when one is dropped.",
        detail=RecipeAccepted(
            bucket=source.bucket, key=source.key, version=source.version
        ).fields(),
    )


def held(job: Job, earlier: Job) -> Notification:
    return Notification(
        type="Job Held",
        about=job.id,
        text=f"{sanitize(job.key)} waits for a word, and nothing is paid: {job.reason}.\n"
        f"To run it all the same, put the event Approve Job on the bus, with job {job.id}; to "
        f"drop it, Cancel Job. Without a word it is cancelled on {job.due:%Y-%m-%d}. To be asked "
        "no more, drop such files with the option duplicate-file=run.",
        detail=JobHeld(**of_job(job), reason=job.reason, earlier=earlier.id).fields(),
    )


def held_for_cost(job: Job) -> Notification:
    return Notification(
        type="Job Held",
        about=job.id,
        text=f"{sanitize(job.key)} waits for a word, and nothing is paid: {job.reason}.\n"
        f"It has {job.requests:,} requests.{repeats_told(job)} To run it all the same, put the "
        f"event Approve Job on the bus, with job {job.id}; to drop it, Cancel Job. Without a word "
        f"it is cancelled on {job.due:%Y-%m-%d}.",
        detail=JobHeld(**of_job(job), reason=job.reason).fields(),
    )


def held_while_it_runs(job: Job, spent: int, until: datetime) -> Notification:
    return Notification(
        type="Job Held",
        about=f"{job.id} while it runs",
        text=f"{sanitize(job.key)} submits no more requests: {job.reason}.\nWhat runs at OpenAI "
        "goes on and lands. To submit the rest, put the event Approve Job on the bus, with job "
        f"{job.id}; to end it with what there is, Cancel Job. Without a word it is cancelled on "
        f"{until:%Y-%m-%d}.",
        detail=JobHeld(**of_job(job), reason=job.reason, spent_usd=spent / MILLION).fields(),
    )


def budget_reached(budget: Budget, level: int, limit: int) -> Notification:
    return Notification(
        type="Budget Alert",
        about=f"{budget.month} {level} %",
        text=f"{in_dollars(budget.used)} of the budget of {budget.month}, {in_dollars(limit)}, are "
        f"taken: {in_dollars(budget.spent)} are spent, the rest is what running jobs "
        "are expected to cost. What would pass the budget is held until a person approves it.",
        detail=BudgetAlert(
            month=budget.month,
            percent=level,
            budget_usd=limit / MILLION,
            used_usd=budget.used / MILLION,
            spent_usd=budget.spent / MILLION,
        ).fields(),
    )


def waiting(job: Job, part: Part) -> Notification:
    return Notification(
        type="Part Waiting",
        about=f"{part.name} {part.reason}",
        text=f"{part.title.capitalize()} of {sanitize(job.key)} waits: "
        f"{sanitize(part.reason, REASON)}",
        detail=PartDetail(**of_part(job, part)).fields(),
    )


def retried(job: Job, part: Part) -> Notification:
    return Notification(
        type="Part Retried",
        about=part.name,
        text=f"{part.requests:,} requests of {sanitize(job.key)} are retried "
        f"(attempt {part.attempt} of {job.options.max_attempts}).",
        detail=PartDetail(**of_part(job, part)).fields(),
    )


def second_batch(part: Part, younger: Batch, kept: str) -> Notification:
    done = younger.counts.completed
    return Notification(
        type="Second Batch Cancelled",
        about=f"{part.name} {younger.id}",
        text=f"Part {part.name} had one batch too many at OpenAI. {younger.id} was cancelled, "
        f"{kept or 'none'} stays: {done:,} requests of the cancelled one were done by then, and "
        "are billed twice.",
        detail=SecondBatchCancelled(
            job=part.job, part=part.number, cancelled=younger.id, kept=kept, billed_twice=done
        ).fields(),
    )


def stuck(job: Job, part: Part) -> Notification:
    return Notification(
        type="Part Stuck",
        about=f"{part.name} {part.batch_status}",
        text=f"Batch {part.batch_id} of {sanitize(job.key)} has been "
        f"{sanitize(part.batch_status)!r} for a long time; {part.done:,} of {part.requests:,} "
        "requests are done. It ends by itself 24 hours after it was created; what is not done by "
        "then is retried. To end it now, cancel the job.",
        detail=PartStuck(
            **of_part(job, part), batch=part.batch_id, status=part.batch_status
        ).fields(),
    )


def orphan_deleted(part: Part, file: File) -> Notification:
    return Notification(
        type="Orphan File Deleted",
        about=f"{part.name} {file.id}",
        text=f"File {file.id} ({sanitize(file.filename)}, {file.bytes:,} bytes) at OpenAI belonged "
        "to a part that does not need it, and was deleted there.",
        detail=OrphanFileDeleted(
            job=part.job, part=part.number, file=file.id, bytes=file.bytes
        ).fields(),
    )


def repeats_told(job: Job) -> str:
    """A sentence, if the file asks anything twice."""
    told = asked_once.of_job(job)
    return f" {told[0].upper()}{told[1:]}." if told else ""


def _price(job: Job) -> str:
    return in_words(job.estimate) if job.estimate else f"about {job.tokens:,} prompt tokens"
