"""A busy day against the ledger's partitions, by what the functions were seen to write."""

import json

import pytest

from local.measure.scale.__main__ import PAGE, PARTITION, TRACED, filled
from local.measure.scale.day import JOBS, PARTS, WINDOW_BATCHES, Busy, simulate


@pytest.fixture(scope="module")
def busy() -> Busy:
    return simulate(json.loads(TRACED.read_text()))


def test_a_day_of_10_000_jobs_lands_whole_and_no_partition_is_half_full(busy: Busy) -> None:
    assert busy.landed == JOBS * PARTS
    assert max(busy.peak(key) for key in busy.seconds if key != "JOB#") < PARTITION / 2


def test_no_window_has_more_batches_than_openai_lets(busy: Busy) -> None:
    assert max(busy.batches.values()) == WINDOW_BATCHES


def test_the_page_is_what_the_simulation_says() -> None:
    page = PAGE.read_text()

    traced = json.loads(TRACED.read_text())

    assert filled(page, traced) == page, "renew it: python -m local.measure.scale"
