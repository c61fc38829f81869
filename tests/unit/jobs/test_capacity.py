"""Which parts a model's capacity admits, and for which it is reserved."""

from datetime import timedelta
from typing import Any

import pytest

from shared.jobs.capacity import LIMIT_KEPT, MAX_WAIT, Capacity
from shared.jobs.part import Part
from tests.support.records import NOW, part

LONG_AGO = NOW - MAX_WAIT - timedelta(seconds=1)


def waiting(number: int, tokens: int, **changes: Any) -> Part:
    return part(number=number, tokens=tokens, state="waiting", **changes)


def admitted(capacity: Capacity, *due: Part) -> tuple[list[int], str | None]:
    admission = capacity.admit(due, NOW)
    return [each.number for each in admission.parts], admission.reserved_for


@pytest.mark.parametrize(
    ("capacity", "tokens", "admits"),
    [
        (Capacity(model="m"), 10**12, True),
        (Capacity(model="m", used=60, limit=100), 40, True),
        (Capacity(model="m", used=61, limit=100), 40, False),
        (Capacity(model="m", used=160, limit=100), 1, False),
        (Capacity(model="m", reserved_for="j1/000001"), 1, True),
        (Capacity(model="m", reserved_for="j2/000001"), 1, False),
    ],
)
def test_capacity_admits_parts_that_fit(capacity: Capacity, tokens: int, admits: bool) -> None:
    assert capacity.admits(part(tokens=tokens)) is admits


@pytest.mark.parametrize(
    ("learned", "age", "configured", "limit"),
    [
        (None, timedelta(0), None, None),
        (90, timedelta(0), None, 90),
        (90, timedelta(0), 50, 50),
        (90, timedelta(0), 500, 90),
        (90, LIMIT_KEPT, None, 90),
        (90, LIMIT_KEPT + timedelta(seconds=1), None, None),
        (90, LIMIT_KEPT + timedelta(seconds=1), 500, 500),
        (None, timedelta(0), 500, 500),
    ],
)
def test_learned_limit_is_kept_for_a_day(
    learned: int | None, age: timedelta, configured: int | None, limit: int | None
) -> None:
    capacity = Capacity(model="m", limit=learned, learned_at=NOW - age)

    assert capacity.as_known(NOW, configured).limit == limit


def test_limit_of_unknown_age_is_kept() -> None:
    assert Capacity(model="m", limit=90).as_known(NOW, None).free == 90


def test_admit_without_a_limit_takes_all() -> None:
    assert admitted(Capacity(model="m"), waiting(1, 10**12), waiting(2, 1)) == ([1, 2], None)


def test_admit_takes_parts_until_the_capacity_is_full() -> None:
    capacity = Capacity(model="m", used=40, limit=100)

    assert admitted(capacity, waiting(1, 30), waiting(2, 31), waiting(3, 30)) == ([1, 3], None)


def test_admit_takes_a_part_that_never_fits_without_counting_it() -> None:
    capacity = Capacity(model="m", limit=100)

    assert admitted(capacity, waiting(1, 101), waiting(2, 100)) == ([1, 2], None)


def test_admit_takes_a_part_with_unknown_outcome_even_if_full() -> None:
    capacity = Capacity(model="m", used=100, limit=100)

    assert admitted(capacity, waiting(1, 50, creating_at=NOW), waiting(2, 50)) == ([1], None)


def test_admit_reserves_for_a_part_that_waited_long() -> None:
    capacity = Capacity(model="m", used=50, limit=100)
    old = waiting(2, 60, times={"waiting": LONG_AGO}, due=LONG_AGO)

    assert admitted(capacity, waiting(1, 10), old, waiting(3, 10)) == ([1], "j1/000002")


def test_retry_that_was_due_a_moment_ago_has_not_waited_for_capacity() -> None:
    capacity = Capacity(model="m", used=50, limit=100)
    retry = waiting(2, 60, times={"waiting": LONG_AGO}, due=NOW)

    assert admitted(capacity, waiting(1, 10), retry, waiting(3, 10)) == ([1, 3], None)


def test_admit_lets_others_pass_for_half_an_hour() -> None:
    capacity = Capacity(model="m", used=50, limit=100)
    young = waiting(1, 60, times={"waiting": NOW - MAX_WAIT})

    assert admitted(capacity, young, waiting(2, 10)) == ([2], None)


@pytest.mark.parametrize(("used", "numbers"), [(50, []), (40, [2])])
def test_admit_takes_only_the_part_with_the_reservation(used: int, numbers: list[int]) -> None:
    capacity = Capacity(model="m", used=used, limit=100, reserved_for="j1/000002")

    assert admitted(capacity, waiting(1, 10), waiting(2, 60)) == (numbers, "j1/000002")


def test_admit_ends_a_reservation_whose_part_is_gone() -> None:
    capacity = Capacity(model="m", limit=100, reserved_for="j1/000009")

    assert admitted(capacity, waiting(1, 10)) == ([1], None)
