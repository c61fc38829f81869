"""What the ledger refuses: more than may be, and to forget a model that is in use."""

from datetime import timedelta

import pytest

from shared.errors import Conflict
from tests.support.batch_files import chats
from tests.support.world import World

MODEL = "gpt-5-mini"


@pytest.mark.parametrize("most", [1, 3])
def test_so_much_may_be_spent_in_a_window_and_no_more(world: World, most: int) -> None:
    ledger, window = world.edges.ledger, world.clock()
    for _ in range(most):
        ledger.spend("batches", window, most)

    for _ in range(2):
        with pytest.raises(Conflict):
            ledger.spend("batches", window, most)
    ledger.spend("batches", window + timedelta(minutes=5), most)
    ledger.spend("others", window, most)


def test_model_is_forgotten_only_as_it_was_seen(world: World) -> None:
    ledger = world.edges.ledger
    ledger.open_capacity(MODEL, world.clock())
    seen = ledger.capacity(MODEL)
    ledger.open_capacity(MODEL, world.clock() + timedelta(seconds=1))

    with pytest.raises(Conflict):
        ledger.close_capacity(seen, world.clock())

    assert [each.model for each in ledger.capacities()] == [MODEL]
    ledger.close_capacity(ledger.capacity(MODEL), world.clock())
    assert ledger.capacities() == []


def test_model_with_something_enqueued_is_not_forgotten(world: World) -> None:
    world.drop("a.jsonl", chats(1))
    world.run_functions()
    (used,) = world.edges.ledger.capacities()
    assert used.used

    with pytest.raises(Conflict):
        world.edges.ledger.close_capacity(used, world.clock())


def test_row_that_has_changed_since_it_was_read_is_not_overwritten(world: World) -> None:
    job = world.drop("a.jsonl", chats(1))
    world.run_functions()
    ledger, read, (part,) = world.edges.ledger, world.job(job), world.parts(job)
    ledger.replace_job(read, read.postponed(world.clock() + timedelta(minutes=1)))
    ledger.replace_part(part, part.postponed(world.clock() + timedelta(minutes=1)))

    with pytest.raises(Conflict):
        ledger.replace_job(read, read.with_cancel_requested(world.clock()))
    with pytest.raises(Conflict):
        ledger.replace_part(part, part.with_cancel_sent())
    assert world.job(job).cancel_requested is None
