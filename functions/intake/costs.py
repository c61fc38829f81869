"""What a job may cost: it takes that of the month before it runs, or is held for a person."""

from functions.intake.checked import Checked
from shared.dollars import in_dollars
from shared.jobs import notifications
from shared.jobs.budget import month_of
from shared.jobs.edges import JobEdges
from shared.jobs.estimate import price_in_words
from shared.jobs.model import Job


def cap_of(edges: JobEdges, job: Job, checked: Checked) -> int | None:
    """Millionths of a dollar; a person's word lifts it."""
    if job.approved:
        return None
    caps = (checked.options.max_cost_millionths, edges.settings.max_cost)
    return min((each for each in caps if each is not None), default=None)


def why_held(edges: JobEdges, job: Job, checked: Checked) -> str:
    """Why a person is asked before anything is paid; empty: nobody has to be."""
    cap = cap_of(edges, job, checked)
    if cap is None and (job.approved or edges.settings.budget is None):
        return ""
    found = checked.estimate
    if found.unpriced:
        models = ", ".join(found.unpriced[:3])
        return f"what {models} costs is not known, and a limit is set on costs"
    if cap is not None and (found.expected or 0) > cap:
        return f"it is expected to cost {price_in_words(found)}, and may cost {in_dollars(cap)}"
    return ""


def commit(edges: JobEdges, job: Job, checked: Checked) -> Job:
    """Takes what it is expected to cost from its month. Raises OverBudget, and takes nothing."""
    amount = sum(part.expected for part in checked.parts)
    if amount == job.committed:
        return job  # an earlier run did, or it costs nothing
    month = job.month or month_of(edges.now())
    limit = None if job.approved else edges.settings.budget
    committed = job.with_commitment(month, amount)
    edges.ledger.commit_cost(job, committed, limit)
    return committed


def why_over_budget(edges: JobEdges, checked: Checked) -> str:
    month = edges.ledger.budget(month_of(edges.now()))
    return (
        f"the budget of {month.month} is {in_dollars(edges.settings.budget or 0)}, of which "
        f"{in_dollars(month.used)} are taken, and it is expected to cost "
        f"{price_in_words(checked.estimate)}"
    )


def hold(edges: JobEdges, job: Job, checked: Checked, reason: str) -> Job:
    """Tell people, then commit."""
    now = edges.now()
    held = job.held(reason, now, until=now + edges.settings.held_for).model_copy(
        update={
            "options": checked.options,
            "notes": list(checked.notes),
            "requests": checked.requests,
            "tokens": checked.tokens,
            "estimate": checked.estimate,
            "repeated": checked.repeated,
        }
    )
    edges.notifier.publish(notifications.held_for_cost(held))
    edges.ledger.replace_job(job, held)
    return held
