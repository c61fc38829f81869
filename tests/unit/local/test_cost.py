"""docs/cost.md shows what was measured, at the recorded prices."""

import json

import pytest

from local.measure.cost.table import MEASURED, PAGE, PRICES, filled, idle_month, million

MEASUREMENT = {
    "a file": {"requests": 1_000, "sqs_request": 9, "lambda_request": 4, "seconds of land": 1},
    "an idle minute": {"lambda_request": 1, "metrics": 0},
    "an idle minute, audit": {"lambda_request": 1, "metrics": 2},
}


def test_the_page_shows_the_last_measurement() -> None:
    page = PAGE.read_text()

    assert filled(page, json.loads(MEASURED.read_text())) == page, "renew it: make cost"


def test_a_million_requests_cost_as_much_as_their_jobs() -> None:
    rows = million(MEASUREMENT, "requests").splitlines()

    assert "| SQS, requests | 9,000 | 0.0036 |" in rows
    assert "| Lambda, invocations | 4,000 | 0.0008 |" in rows
    assert rows[-1] == "| **all** | | **0.0064** |"  # with 4 MB of logs


def test_an_idle_month_has_both_schedules_and_the_long_polls() -> None:
    month = idle_month(MEASUREMENT)

    assert month["lambda_request"] == 2 * 30 * 24 * 60
    assert month["sqs_request"] == pytest.approx(4 * 5 * 30 * 24 * 60 * 3)


def test_every_price_names_its_source() -> None:
    prices = json.loads(PRICES.read_text())

    assert prices["date"]
    assert all(price > 0 and source for price, source in prices["prices"].values())
