"""People hear when most of a month's budget is taken, and when all of it is."""

from datetime import datetime

from shared.jobs import notifications
from shared.jobs.budget import month_of
from shared.jobs.edges import JobEdges


def watch_budget(edges: JobEdges, now: datetime) -> None:
    """Each level is told once a month: tell, then note it."""
    limit = edges.settings.budget
    if limit is None:
        return
    budget = edges.ledger.budget(month_of(now))
    level = budget.level(limit)
    if level > budget.told:
        edges.notifier.publish(notifications.budget_reached(budget, level, limit))
        edges.ledger.note_told(budget.month, level)
