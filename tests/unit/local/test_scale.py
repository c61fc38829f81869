"""A busy day against the ledger's partitions, from the writes that were measured."""

import json

import pytest

from local.measure.scale.__main__ import PAGE, PARTITION, TRACED, filled
from local.measure.scale.day import JOBS, PARTS, WINDOW_BATCHES, Busy, simulate


@pytest.fixture(scope="module")
def busy() -> Busy:
    return simulate(json.loads(TRACED.read_text()))


def test_10_000_jobs_a_day_fill_no_partition_by_half(busy: Busy) -> None:
    assert busy.landed == JOBS * PARTS
    assert max(busy.peak(key) for key in busy.seconds if key != "JOB#") < PARTITION / 2


def test_no_window_has_more_batches_than_openai_allows(busy: Busy) -> None:
    assert max(busy.batches.values()) == WINDOW_BATCHES


def test_the_page_shows_the_simulation() -> None:
    page = PAGE.read_text()

    traced = json.loads(TRACED.read_text())

    assert filled(page, traced) == page, "renew it: python -m local.measure.scale"
