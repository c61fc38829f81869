"""A job is followed to its end through a process that dies, and is replaced by another."""

from functions.poll.flow import poll
from shared.jobs.approve import approve
from shared.jobs.edges import JobEdges
from shared.jobs.model import JobState
from tests.support.interrupts import (
    Interrupt,
    InterruptedTransport,
    Killed,
    interrupted_session,
)
from tests.support.world import World


def interrupted_edges(world: World, interrupt: Interrupt) -> JobEdges:
    """Of a process to which something happens at one of its calls."""
    session = interrupted_session()
    session.interrupt = interrupt
    transport = InterruptedTransport(interrupt, world.small.transport())
    return world.connect(session, transport=transport)


def survive(world: World, edges: JobEdges, job: str, *, steps: int, pause: float = 60) -> JobEdges:
    """Until the job is over; a person approves it when it is held. The edges that live on."""
    for _ in range(steps):
        try:
            world.run_functions(edges)
            if (known := world.edges.ledger.job(job)) and known.state is JobState.HELD:
                approve(edges, job)
            world.clock.advance(seconds=pause)
            poll(edges)
        except Killed:
            edges = world.edges
            world.redeliver()
            world.clock.advance(seconds=world.config.lease_seconds + 1)
        if (known := world.edges.ledger.job(job)) and known.over:
            break
    return edges
