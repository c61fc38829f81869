"""What a person asks for is not lost in a race with a function."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import Conflict
from shared.jobs.approve import approve
from shared.jobs.cancel import cancel
from shared.jobs.model import JobState
from tests.support.batch_files import chats
from tests.support.sessions import Session
from tests.support.world import World


class OvertakenSession(Session):
    """A session in which somebody else writes first, so many times."""

    def __init__(self, write: Callable[[], None], times: int) -> None:
        super().__init__()
        self._write, self._left = write, times
        self.events.register_first("before-call.dynamodb.PutItem", self._overtake)

    def _overtake(self, **_: Any) -> None:
        if self._left:
            self._left -= 1
            self._write()


def overtaken(world: World, job: str, times: int) -> OvertakenSession:
    """A function that changes the same job between reading and writing."""

    def write() -> None:
        found = world.job(job)
        world.edges.ledger.replace_job(found, found.with_waiting_published())

    return OvertakenSession(write, times)


@pytest.mark.parametrize("times", [1, 5, 9])
def test_a_cancel_is_written_down_however_often_a_function_is_faster(
    world: World, times: int
) -> None:
    job = world.drop("a.jsonl", chats(3))
    world.run_functions()

    assert cancel(world.connect(overtaken(world, job, times)), job) == "cancelling"

    assert world.job(job).cancel_requested == world.clock()


def test_an_approval_too(world: World) -> None:
    world.run_until_over(world.drop("a.jsonl", chats(3)))
    second = world.drop("a.jsonl", chats(3))
    world.run_functions()
    assert world.job(second).state is JobState.HELD

    assert approve(world.connect(overtaken(world, second, 3)), second) == "approved"

    world.run_until_over(second)
    assert world.job(second).state is JobState.COMPLETED


def test_whoever_is_always_overtaken_fails_in_the_open(world: World) -> None:
    job = world.drop("a.jsonl", chats(3))
    world.run_functions()

    with pytest.raises(Conflict):
        cancel(world.connect(overtaken(world, job, 1_000)), job)
