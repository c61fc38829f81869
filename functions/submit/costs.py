"""A job that turns out dearer than it may be: nothing more of it is submitted without a word."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

from shared.dollars import in_dollars
from shared.errors import Conflict
from shared.jobs import notifications
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job
from shared.jobs.part import Part, PartState
from shared.jobs.waiting import wait

HELD = "held: the job would cost more than it may"
PAUSE = timedelta(minutes=5)


class Course(NamedTuple):
    """How a job's costs go, in millionths of a dollar."""

    spent: int  # by parts that have landed
    running: int  # that parts at OpenAI are expected to cost
    dearer: float  # than expected were those that have landed: a factor of at least 1

    def with_part(self, part: Part) -> int:
        """What it will have cost if this part goes, too."""
        return self.spent + round(self.dearer * (self.running + part.expected))


def course_of(parts: Iterable[Part]) -> Course:
    landed, running = list[Part](), list[Part]()
    for part in parts:
        if part.state is PartState.LANDED:
            landed.append(part)
        elif part.holds_capacity or part.state is PartState.ENDED:
            running.append(part)
    spent = sum(each.cost for each in landed)
    expected = sum(each.expected for each in landed if each.cost)
    dearer = max(spent / expected, 1.0) if expected else 1.0
    return Course(spent, sum(each.expected for each in running), dearer)


def is_too_dear(edges: JobEdges, job: Job, part: Part) -> bool:
    """With it, the job would cost more than it may: retries do that, and long answers."""
    if job.held_since:
        return True
    if job.cap is None:
        return False
    course = course_of(edges.ledger.parts(job.id))
    return bool(course.spent) and course.with_part(part) > job.cap


def hold(edges: JobEdges, job: Job, part: Part) -> str:
    """The part waits; people hear of it once."""
    if job.held_since is None:
        _tell(edges, job, part)
    wait(edges, None, part, HELD, until=edges.now() + PAUSE)
    return "held"


def _tell(edges: JobEdges, job: Job, part: Part) -> None:
    now = edges.now()
    course = course_of(edges.ledger.parts(job.id))
    reason = (
        f"{in_dollars(course.spent)} are spent, with {part.title} it would be about "
        f"{in_dollars(course.with_part(part))}, and it may cost {in_dollars(job.cap or 0)}"
    )
    held = job.held_while_it_runs(reason, now)
    until = now + edges.settings.held_for
    edges.notifier.publish(notifications.held_while_it_runs(held, course.spent, until))
    with suppress(Conflict):  # another of its parts wrote it too
        edges.ledger.replace_job(job, held)
