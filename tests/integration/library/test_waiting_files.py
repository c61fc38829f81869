"""A batch file that waits for a library goes on as soon as that is ready, not at the next tick."""

import pytest

from shared.jobs.part import PartState
from tests.support.batch_files import lines, question
from tests.support.libraries import Folder
from tests.support.world import World

CATS, DOGS = "Cats sleep sixteen hours a day.", "Dogs bark at strangers."
QUESTION = lines([question("How long do cats sleep?", "library:handbook")])


def sync_alone(folder: Folder, world: World) -> None:
    """The library function works; poll does not."""
    folder.tick()
    world.run_functions()


def test_part_goes_as_soon_as_its_library_is_in_sync(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    folder.put("dogs.md", DOGS)
    job = world.drop("questions.jsonl", QUESTION)
    world.run_functions()
    (part,) = world.parts(job)
    assert "still being indexed" in part.reason

    for _ in range(2):
        sync_alone(folder, world)

    (part,) = world.parts(job)
    assert part.state is PartState.SUBMITTED


def test_file_is_read_again_as_soon_as_its_library_has_a_store(
    folder: Folder, world: World
) -> None:
    folder.put("cats.md", CATS)
    job = world.drop("questions.jsonl", QUESTION)
    world.run_functions()
    assert world.job(job).state == "checking"

    for _ in range(2):
        sync_alone(folder, world)

    (part,) = world.parts(job)
    assert part.state is PartState.SUBMITTED


def test_waiters_are_asked_for_once(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    folder.put("dogs.md", DOGS)
    job = world.drop("questions.jsonl", QUESTION)
    world.run_functions()
    for _ in range(2):
        folder.tick()
    world.run_until_over(job)
    now = world.clock()

    assert world.edges.library_table.waiters("handbook", now) == []
    folder.put("cats.md", "Cats purr.")
    for _ in range(2):
        folder.tick()
    assert not world.run_function("submit")


@pytest.mark.parametrize("status", [429, 422, 400])
def test_question_waits_while_the_store_cannot_be_looked_at(
    folder: Folder, world: World, status: int
) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    job = world.drop("questions.jsonl", QUESTION)
    if status == 429:
        world.small.misbehave("rate_limited", times=None, route="retrieve_store", retry_after=1)
    else:
        world.small.misbehave("refused", times=None, route="retrieve_store", status=status)
    world.run_functions()
    for _ in range(4):
        world.tick()
    (part,) = world.parts(job)
    assert part.state is PartState.WAITING
    assert f"HTTP {status}" in part.reason

    world.small.clear_quirks()
    world.run_until_over(job)
    assert world.job(job).state == "completed"
