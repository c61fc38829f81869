"""Two hundred seeds: whatever goes wrong, every promise is kept."""

import pytest

from tests.simulation.__main__ import shown
from tests.simulation.runner import simulate

A_LOT = 20  # seeds one test runs, so that the cores share them


@pytest.mark.parametrize("first", range(1, 200, A_LOT))
def test_every_promise_is_kept_whatever_goes_wrong(first: int) -> None:
    outcomes = [simulate(seed) for seed in range(first, first + A_LOT)]

    assert [shown(each) for each in outcomes if each.broken] == []


def test_a_seed_is_a_schedule_and_the_same_again() -> None:
    assert simulate(3).schedule == simulate(3).schedule
