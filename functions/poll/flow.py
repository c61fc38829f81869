"""The clock ticked: what became of the batches, and what may go on now.

Every tick moves on what nobody works on, so nothing stays half-open: claims whose lease ran out,
messages that got lost, jobs whose last step died.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from shared.aws.s3_events import replay_event
from shared.errors import Conflict
from shared.jobs import notifications
from shared.jobs.batch_lookup import answers
from shared.jobs.cancel import stop
from shared.jobs.capacity import Capacity
from shared.jobs.edges import Edges
from shared.jobs.model import Job, JobState, Part, PartState
from shared.library.model import SyncRequest
from shared.openai.models import Batch, BatchError, BatchStatus

ASK_AGAIN = timedelta(minutes=15)  # what was asked for is given this long
STARVED = timedelta(minutes=30)  # waiting for room, before nobody may pass any more
QUICK = timedelta(hours=2)
LATE = timedelta(hours=1)
LIVE = 5_000  # batches looked after in a tick; 10,000 jobs a day keep 1,300 open (docs/scale.md)
NO_CAPACITY_PAUSE = timedelta(minutes=1)
GONE = "gone"  # stands for OpenAI's status where it knows the batch no more
LIMIT = re.compile(r"Limit:\s*([\d,]+)\s*enqueued")

Item = TypeVar("Item")


def poll(edges: Edges) -> dict[str, int]:
    """One tick. Each part by itself: one that fails does not keep the others waiting."""
    failures: list[Exception] = []
    watched: list[Job] = []
    live = list(edges.ledger.open_parts(PartState.SUBMITTED, edges.now(), most=LIVE))
    _each(answers(edges, live), lambda pair: _observe(edges, *pair), failures)
    stuck = list(edges.ledger.open_parts(PartState.SUBMITTING, edges.now()))
    edges.submit_queue.send_parts(each.ref for each in stuck)
    ended = list(edges.ledger.open_parts(PartState.ENDED, edges.now()))
    _each(ended, lambda part: _ask_to_land(edges, part), failures)
    stopping = _noted(edges.ledger.jobs_being_stopped(), watched)
    _each(stopping, lambda job: _stop(edges, job), failures)
    _each(edges.ledger.capacities(), lambda capacity: _let_in(edges, capacity), failures)
    _each([edges.now()], lambda now: _ask_to_sync(edges, now), failures)
    still_open = _noted(edges.ledger.open_jobs(edges.now()), watched)
    _each(still_open, lambda job: _look_after(edges, job), failures)
    if failures:
        raise ExceptionGroup("some of this tick's work was not done", failures)
    return {
        "PartsLive": len(live),
        "PartsReclaimed": len(stuck),
        "PartsEnded": len(ended),
        **_oldest(watched, edges.now()),
    }


def _each(items: Iterable[Item], act: Callable[[Item], None], failures: list[Exception]) -> None:
    """Acts on each by itself. A failure, of one or of listing them, is kept for the end."""
    left = iter(items)
    while True:
        try:
            act(next(left))
        except StopIteration:
            return
        except Conflict:
            continue  # somebody else moved it on: the next tick sees
        except Exception as error:  # noqa: BLE001  # one part's failure; raised with the others
            failures.append(error)


def _noted(jobs: Iterable[Job], watched: list[Job]) -> Iterator[Job]:
    for job in jobs:
        watched.append(job)
        yield job


def _oldest(jobs: list[Job], now: datetime) -> dict[str, int]:
    """Of the jobs this tick looked at; each open one has its turn every quarter of an hour."""
    since = [min(job.times.values()) for job in jobs if job.times]
    return {"OldestOpenJobSeconds": int((now - min(since)).total_seconds())} if since else {}


def _observe(edges: Edges, part: Part, batch: Batch | None) -> None:
    if batch is None:
        if edges.now() - part.times[PartState.SUBMITTED.value] < LATE:
            return  # made so lately that it may not show up everywhere yet
        gone = part.model_copy(update={"batch_status": GONE})
        _end(edges, gone, "OpenAI does not know this batch any more")
        return
    seen = part.observed(batch)
    if batch.status == BatchStatus.FAILED and (reason := _capacity_refusal(batch.problems)):
        _wait_for_capacity(edges, seen, reason)
    elif batch.ended:
        _end(edges, seen, "")
    elif _is_stuck(edges, seen):
        _tell_stuck(edges, part, seen)
    elif seen != part:
        edges.ledger.replace_part(part, part.swapped(batch))


def _is_stuck(edges: Edges, part: Part) -> bool:
    """Validating and finalizing take minutes; the rest may take most of the window."""
    quick = part.batch_status in {BatchStatus.VALIDATING, BatchStatus.FINALIZING}
    patience = QUICK if quick else timedelta(hours=edges.settings.stuck_hours)
    since = part.times.get(PartState.SUBMITTED.value, edges.now())
    return edges.now() - since > patience and part.stuck_told != part.batch_status


def _tell_stuck(edges: Edges, part: Part, seen: Part) -> None:
    job = edges.ledger.job(part.job)
    if job:
        edges.notifier.publish(notifications.stuck(job, seen))
    edges.ledger.replace_part(part, seen.told_stuck())


def _end(edges: Edges, part: Part, reason: str) -> None:
    """Room is given back with the move, so it is given back once."""
    edges.ledger.leave(part, part.ended(edges.now(), reason))


def _capacity_refusal(errors: list[BatchError]) -> str | None:
    refusals = [each for each in errors if each.code == "token_limit_exceeded"]
    return (refusals[0].message or "enqueued token limit reached") if refusals else None


def _wait_for_capacity(edges: Edges, part: Part, reason: str) -> None:
    """Not a failure. The refusal's own text says how much may be enqueued: kept for next time."""
    found = LIMIT.search(reason)
    if found:
        limit = int(found[1].replace(",", ""))
        edges.ledger.learn_limit(part.model, limit, edges.now())
    pause = min(NO_CAPACITY_PAUSE * part.tries, ASK_AGAIN)
    waiting = part.waits(edges.now(), reason, until=edges.now() + pause)
    job = edges.ledger.job(part.job)
    if job:
        edges.notifier.publish(notifications.waiting(job, waiting))
    edges.ledger.leave(part, waiting)


def _stop(edges: Edges, job: Job) -> None:
    if job.state is not JobState.CHECKING:
        stop(edges, job)
    elif job.due <= edges.now():  # its parts are stopped when they are there
        _look_after(edges, job)


def _ask_to_land(edges: Edges, part: Part) -> None:
    edges.land_queue.send_parts([part.ref])
    later = {"due": edges.now() + ASK_AGAIN, "rev": part.rev + 1}
    edges.ledger.replace_part(part, part.model_copy(update=later))


def _let_in(edges: Edges, capacity: Capacity) -> None:
    """Asks for those waiting parts that fit, longest due first.

    Small ones may pass a big one; once that has waited long the room is held for it, and nobody
    passes until it is in.
    """
    now = edges.now()
    capacity = capacity.as_known(now, edges.settings.enqueued_limit(capacity.model))
    due = list(edges.ledger.open_parts(PartState.WAITING, now, model=capacity.model))
    for part in due:
        if part.outcome_unknown:
            _ask_to_submit(edges, part)  # it has its room
    waiting = [part for part in due if not part.outcome_unknown]
    starving = [part for part in waiting if part.name == capacity.held_for]
    for part in starving or waiting:
        too_big = (
            capacity.limit is not None and part.tokens > capacity.limit
        )  # submit cuts it again
        if too_big or capacity.fits(part):
            _ask_to_submit(edges, part)
            capacity = (
                capacity
                if too_big
                else capacity.model_copy(update={"used": capacity.used + part.tokens})
            )
        elif not starving and now - part.waits_since > STARVED:
            starving = [part]
            break
    held_for = starving[0].name if starving else None
    if held_for != capacity.held_for:
        edges.ledger.hold_capacity(capacity.model, held_for)


def _ask_to_submit(edges: Edges, part: Part) -> None:
    now = edges.now()
    if part.asked_at is None or part.asked_at + ASK_AGAIN <= now:
        edges.submit_queue.send_parts([part.ref])
        edges.ledger.replace_part(part, part.asked(now))


def _ask_to_sync(edges: Edges, now: datetime) -> None:
    """Libraries that are due: the function library syncs each, under its lease."""
    asks = [SyncRequest(library=name).model_dump_json() for name in edges.library_table.dirty(now)]
    edges.library_queue.send(asks)


def _look_after(edges: Edges, job: Job) -> None:
    """An open job that nothing happened to for a while: the step it died in is asked for again."""
    parts = edges.ledger.parts(job.id)
    planned = [part for part in parts if part.state is PartState.PLANNED]
    if job.state is JobState.CHECKING or planned:
        edges.intake_queue.send([replay_event(job.source)])
    elif all(part.state is PartState.LANDED for part in parts):
        edges.land_queue.send_parts(part.ref for part in parts[:1])
    later = {"due": edges.now() + ASK_AGAIN, "rev": job.rev + 1}
    edges.ledger.replace_job(job, job.model_copy(update=later))
