"""Two invocations at once: at every call of the first, the second runs from start to end."""

from collections.abc import Callable

import pytest
from moto import mock_aws

from functions.intake.flow import take_in
from functions.land.flow import land
from functions.poll.flow import poll
from functions.submit.flow import submit
from shared.errors import Conflict, TryLater
from shared.jobs.edges import JobEdges
from shared.jobs.model import JobState
from shared.objects import PartRef, Source
from tests.support.batch_files import chat, lines
from tests.support.interrupts import Interrupt, InterruptedTransport, interrupted_session
from tests.support.names import INBOX
from tests.support.world import World

CONTENT = lines([chat("a"), chat("b", "small-openai:500-until-attempt-2"), chat("c")])


def trying(function: Callable[[JobEdges], object], edges: JobEdges) -> None:
    """A function that could not do its work is asked again later."""
    try:
        function(edges)
    except (Conflict, TryLater):
        return


def source(world: World) -> Source:
    head = world.s3.head_object(Bucket=INBOX, Key="inbox/file.jsonl")
    return Source(bucket=INBOX, key="inbox/file.jsonl", version=head["VersionId"])


def intake(world: World) -> Callable[[JobEdges], object]:
    world.drop("file.jsonl", CONTENT)
    return lambda edges: take_in(edges, source(world))


def submission(world: World) -> Callable[[JobEdges], object]:
    job = world.drop("file.jsonl", CONTENT)
    world.run_function("intake")
    return lambda edges: submit(edges, PartRef(job=job, part=1))


def ticking(world: World) -> Callable[[JobEdges], object]:
    world.drop("file.jsonl", CONTENT)
    world.run_functions()
    world.clock.advance(minutes=5)
    return poll


def landing(world: World) -> Callable[[JobEdges], object]:
    job = world.drop("file.jsonl", CONTENT)
    world.run_functions()
    world.clock.advance(minutes=5)
    poll(world.edges)
    return lambda edges: land(edges, PartRef(job=job, part=1))


def met(
    prepare: Callable[[World], Callable[[JobEdges], object]],
    at: int,
) -> tuple[Interrupt, dict[str, object]]:
    """The calls that the first made, and how the world ended."""
    with mock_aws():
        session = interrupted_session()
        session.interrupt = None
        world = World()
        function = prepare(world)
        meeting = Interrupt(at, act=lambda _: trying(function, world.edges))
        session.interrupt = meeting
        transport = InterruptedTransport(meeting, world.small.transport())
        trying(function, world.connect(session, transport=transport))
        session.interrupt = None
        (job,) = world.all_jobs("file.jsonl")
        world.run_until_over(job)
        ended = world.job(job)
        return meeting, {
            "state": ended.state,
            "answers": [each["response"]["status_code"] for each in world.results(ended)],
            "batches": len(world.small.batches),
            "billed": sorted(custom_id for _, custom_id in world.small.billed),
            "room": [capacity.used for capacity in world.edges.ledger.capacities()],
            "left": world.edges.ledger.left(job),
        }


@pytest.mark.parametrize("prepare", [intake, submission, ticking, landing])
def test_two_runs_at_once_do_what_one_would(
    prepare: Callable[[World], Callable[[JobEdges], object]],
) -> None:
    first, alone = met(prepare, at=0)
    assert alone == {
        "state": JobState.COMPLETED,
        "answers": [200, 200, 200],
        "batches": 2,
        "billed": ["a", "b", "c"],
        "room": [0],
        "left": 0 if prepare is not landing else alone["left"],
    }

    ends = [met(prepare, at=n) for n in range(1, len(first.calls) + 1)]

    assert [(meeting.place, end) for meeting, end in ends if end != alone] == []
