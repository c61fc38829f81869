"""A dropped file becomes parts that wait to be submitted, or a report that says why not."""

from datetime import timedelta

from functions.intake import attempts, costs, duplicates
from functions.intake.check import check, check_recipe, check_without_recipe
from functions.intake.checked import Checked
from functions.intake.ending import (
    end_as_noted,
    end_cancelled,
    end_estimated,
    end_unapproved,
    reject,
    reject_for,
)
from shared.aws.s3_events import replay_event
from shared.batchfile.library_refs import StoreNotReady
from shared.errors import Refused, TryLater
from shared.jobs import keys, notifications
from shared.jobs.budget import OverBudget
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job, JobState, job_id
from shared.jobs.part import PartState
from shared.jobs.recipes import FilesBeside
from shared.library.model import Waiter
from shared.objects import Source
from shared.report import model as reports
from shared.text import REASON, sanitize

STORE_PAUSE = RECIPE_PAUSE = timedelta(minutes=1)
RECIPE_AWAITED = timedelta(minutes=5)
RECHECK = 4  # leases after which poll checks whether an accepted job got stuck


def take_dropped(edges: JobEdges, source: Source) -> Job | None:
    """Whatever was dropped; None for a good recipe, and for a file that a table's rows name."""
    if take_in_recipe(edges, source) or _is_left_to_a_table(edges, source):
        return None
    return take_in(edges, source)


def take_in(edges: JobEdges, source: Source) -> Job:
    """The same notification twice is the same job; the second run finds the work done."""
    new = _new(edges, source)
    job = edges.ledger.open_job(new)
    if job is new or _is_due(edges, job):
        job = _check(edges, job, begun=job is new)
    if job.state is JobState.ACCEPTED:
        _queue_parts(edges, job)
    return job


def take_in_recipe(edges: JobEdges, source: Source) -> bool:
    """A recipe is checked at once: a good one is told; any other object, or a bad one, is a job."""
    if not keys.is_recipe(source.key):
        return False
    try:
        if check_recipe(edges, source):
            return False
    except Refused:  # S3 does not give it: so says the job
        return False
    edges.notifier.publish(notifications.recipe_accepted(source))
    return True


def _is_left_to_a_table(edges: JobEdges, source: Source) -> bool:
    """An image or a PDF: without a recipe it is looked at again, clients upload in any order."""
    if not keys.is_in_inbox(source.key):
        return False
    try:
        named = FilesBeside(edges.s3).are_named(source)
        if named is not None:
            return named
        awaited = edges.now() - edges.s3.written_at(source) < RECIPE_AWAITED
    except Refused:  # S3 does not give it: so says the job
        return False
    if awaited:
        edges.intake_queue.send([replay_event(source)], after=RECIPE_AWAITED)
    return awaited


def _new(edges: JobEdges, source: Source) -> Job:
    now = edges.now()
    job_name = job_id(source.bucket, source.key, source.identity)
    job = Job(id=job_name, source=source, due=now, times={"checking": now})
    return job.check_begins(until=now + edges.settings.lease)


def _is_due(edges: JobEdges, job: Job) -> bool:
    """A run that may be alive is left alone; a cancel ends the job beside it."""
    if job.state is JobState.HELD:
        return job.cancel_requested is not None or duplicates.is_held_too_long(edges, job)
    if job.state is not JobState.CHECKING:
        return False
    return job.cancel_requested is not None or not job.is_being_checked(edges.now())


def _check(edges: JobEdges, job: Job, *, begun: bool) -> Job:
    if ended := _end_without_reading(edges, job):
        return ended
    if not begun:
        if job.checks >= attempts.MOST_CHECKS:
            return reject_for(edges, job, attempts.died(job))
        job = _begin(edges, job)
    try:
        return _read(edges, job)
    except StoreNotReady as error:
        return _wait_for_store(edges, job, error.library)
    except TryLater as error:
        return _wait(edges, job, error.reason, error.after or attempts.pause_after(job))
    except Refused as error:
        return _refused(edges, job, error)


def _read(edges: JobEdges, job: Job) -> Job:
    """Whatever is read may be refused: the recipe's absence is told by the table's own columns."""
    try:
        checked = check(edges, job)
    except attempts.NoRecipe:
        return _wait_for_recipe(edges, job)
    return _go_on(edges, job, checked)


def _end_without_reading(edges: JobEdges, job: Job) -> Job | None:
    if job.ending:
        return end_as_noted(edges, job)
    if job.cancel_requested:
        return end_cancelled(edges, job)
    return end_unapproved(edges, job) if job.state is JobState.HELD else None


def _begin(edges: JobEdges, job: Job) -> Job:
    begun = job.check_begins(until=edges.now() + edges.settings.lease)
    edges.ledger.replace_job(job, begun)
    return begun


def _wait(edges: JobEdges, job: Job, reason: str, pause: timedelta) -> Job:
    """What may pass. Poll sends this file's event again."""
    if edges.now() - job.times[JobState.CHECKING.value] >= attempts.PATIENCE:
        return reject_for(edges, job, attempts.waited_too_long(job, reason))
    waiting = job.waits(sanitize(reason, REASON), until=edges.now() + pause)
    edges.ledger.replace_job(job, waiting)
    return waiting


def _wait_for_store(edges: JobEdges, job: Job, library: str) -> Job:
    """The library function asks for it again as soon as there is one."""
    reason = f"the library {sanitize(library, 80)} has no store yet"
    waiting = _wait(edges, job, reason, STORE_PAUSE)
    waiter = Waiter(queue="intake", id=job.id, message=replay_event(job.source))
    edges.library_table.await_library(library, waiter, edges.now())
    return waiting


def _wait_for_recipe(edges: JobEdges, job: Job) -> Job:
    """Clients upload in any order."""
    if edges.now() - job.times[JobState.CHECKING.value] < RECIPE_AWAITED:
        waiting = job.waits("there is no recipe.yaml yet", until=edges.now() + RECIPE_PAUSE)
        edges.ledger.replace_job(job, waiting)
        return waiting
    return reject(edges, job, Checked(check_without_recipe(edges, job)))


def _refused(edges: JobEdges, job: Job, error: Refused) -> Job:
    if attempts.is_final(job, error):
        return reject_for(edges, job, attempts.unreadable(error))
    until = edges.now() + attempts.pause_after(job)
    waiting = job.waits(sanitize(error.reason, REASON), until, refused=True)
    edges.ledger.replace_job(job, waiting)
    return waiting


def _go_on(edges: JobEdges, job: Job, checked: Checked) -> Job:
    if checked.is_refused:
        return reject(edges, job, checked)
    if checked.options.dry_run:
        return end_estimated(edges, job, checked)
    return _decide(edges, job, checked)


def _decide(edges: JobEdges, job: Job, checked: Checked) -> Job:
    """A good file runs, unless it is too dear, or ran before, and nobody said that it shall run."""
    if reason := costs.why_held(edges, job, checked):
        return costs.hold(edges, job, checked, reason)
    earlier = duplicates.claim(edges, job, checked)
    if earlier is None:
        return _commit(edges, job, checked)
    if checked.options.duplicate_file == "reject":
        return reject_for(edges, job, duplicates.refused(earlier))
    return duplicates.hold(edges, job, checked, earlier)


def _commit(edges: JobEdges, job: Job, checked: Checked) -> Job:
    """Its money first: what is told as accepted can be paid."""
    try:
        job = costs.commit(edges, job, checked)
    except OverBudget:
        return costs.hold(edges, job, checked, costs.why_over_budget(edges, checked))
    return _accept(edges, job, checked)


def _accept(edges: JobEdges, job: Job, checked: Checked) -> Job:
    prefix = keys.results_prefix(job.id, job.key)
    if checked.problems:
        skipped = reports.skipped(checked.problems).model_dump_json(indent=2, exclude_none=True)
        edges.s3.write(f"{prefix}skipped.json", [skipped.encode()], "application/json")
    if checked.recipe:
        edges.s3.write(f"{prefix}{keys.RECIPE}", [checked.recipe], "application/yaml")
    for part in checked.parts:
        edges.ledger.plan_part(part.model_copy(update={"month": job.month}))
    for model in sorted({part.model for part in checked.parts}):
        edges.ledger.open_capacity(model, edges.now())
    accepted = job.in_state(
        JobState.ACCEPTED,
        edges.now(),
        reason="",
        options=checked.options,
        requests=checked.requests,
        parts=len(checked.parts),
        tokens=checked.tokens,
        estimate=checked.estimate,
        repeated=checked.repeated,
        cap=costs.cap_of(edges, job, checked),
        notes=list(checked.notes),
        skipped=checked.problems.bad_lines,
        table=checked.table,
        results_prefix=prefix,
        checked_until=None,
        due=edges.now() + RECHECK * edges.settings.lease,
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
