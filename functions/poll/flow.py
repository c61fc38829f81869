"""One tick of the clock: what became of the batches, and what may go on now.

Every tick picks up what was left half-done: claims whose lease ran out, messages that got lost,
jobs whose last step died.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from functions.poll.budget import watch_budget
from shared.aws.s3_events import replay_event
from shared.errors import Conflict
from shared.jobs.admission import PATIENCE, admit_waiting
from shared.jobs.batch_lookup import look_up
from shared.jobs.cancel import cancel, cancel_parts
from shared.jobs.edges import JobEdges
from shared.jobs.model import AT_INTAKE, Job
from shared.jobs.observe import observe
from shared.jobs.part import Part, PartState
from shared.library.model import SyncRequest
from shared.telemetry import record

MAX_BATCHES = 5_000  # looked at in a tick; 10,000 jobs a day keep 1,300 open (docs/scale.md)

Item = TypeVar("Item")


def poll(edges: JobEdges) -> dict[str, int]:
    """Each part by itself: one that fails does not keep the others waiting."""
    failures: list[Exception] = []
    seen: list[Job] = []
    live = list(edges.ledger.open_parts(PartState.SUBMITTED, edges.now(), most=MAX_BATCHES))
    _each(look_up(edges, live), lambda found: observe(edges, *found), failures)
    stuck = list(edges.ledger.open_parts(PartState.SUBMITTING, edges.now()))
    edges.submit_queue.send_parts(part.ref for part in stuck)
    ended = list(edges.ledger.open_parts(PartState.ENDED, edges.now()))
    _each(ended, lambda part: _request_landing(edges, part), failures)
    cancelling = _noted(edges.ledger.cancelling_jobs(), seen)
    _each(cancelling, lambda job: _cancel(edges, job), failures)
    _each(edges.ledger.capacities(), lambda capacity: admit_waiting(edges, capacity), failures)
    _each([edges.now()], lambda now: _request_syncs(edges, now), failures)
    _each([edges.now()], lambda now: watch_budget(edges, now), failures)
    still_open = _noted(edges.ledger.open_jobs(edges.now()), seen)
    _each(still_open, lambda job: _resume(edges, job), failures)
    found = {
        "PartsLive": len(live),
        "PartsReclaimed": len(stuck),
        "PartsEnded": len(ended),
        **_oldest(seen, edges.now()),
    }
    if failures:
        record(found)  # what was seen counts, whatever failed beside it
        raise ExceptionGroup("some of this tick's work was not done", failures)
    return found


def _each(items: Iterable[Item], act: Callable[[Item], None], failures: list[Exception]) -> None:
    """Acts on each by itself. A failure, of one or of listing them, is kept for the end."""
    left = iter(items)
    while True:
        try:
            act(next(left))
        except StopIteration:
            return
        except Conflict:
            continue  # another run changed it: the next tick sees
        except Exception as error:  # noqa: BLE001  # one part's failure; raised with the others
            failures.append(error)


def _noted(jobs: Iterable[Job], seen: list[Job]) -> Iterator[Job]:
    for job in jobs:
        seen.append(job)
        yield job


def _request_landing(edges: JobEdges, part: Part) -> None:
    edges.land_queue.send_parts([part.ref])
    edges.ledger.replace_part(part, part.postponed(until=edges.now() + PATIENCE))


def _cancel(edges: JobEdges, job: Job) -> None:
    if job.state not in AT_INTAKE:
        cancel_parts(edges, job)
    elif job.due <= edges.now():  # its parts are cancelled as soon as intake has planned them
        _resume(edges, job)


def _request_syncs(edges: JobEdges, now: datetime) -> None:
    """The library function syncs them, each under its lease."""
    requests = [SyncRequest(library=name) for name in edges.library_table.dirty(now)]
    edges.library_queue.send([request.model_dump_json() for request in requests])


def _resume(edges: JobEdges, job: Job) -> None:
    """Nothing happened to an open job for a while: the step it died in is requested again."""
    if job.held_since and edges.now() - job.held_since >= edges.settings.held_for:
        cancel(edges, job.id)  # nobody said a word
        return
    parts = edges.ledger.parts(job.id)
    planned = any(part.state is PartState.PLANNED for part in parts)
    if job.state in AT_INTAKE or planned:
        edges.intake_queue.send([replay_event(job.source)])
    elif all(part.state is PartState.LANDED for part in parts):
        edges.land_queue.send_parts(part.ref for part in parts[:1])
    edges.ledger.replace_job(job, job.postponed(until=edges.now() + PATIENCE))


def _oldest(jobs: list[Job], now: datetime) -> dict[str, int]:
    """Of the jobs this tick looked at; each open one has its turn every quarter of an hour."""
    since = [min(job.times.values()) for job in jobs if job.times]
    return {"OldestOpenJobSeconds": int((now - min(since)).total_seconds())} if since else {}
