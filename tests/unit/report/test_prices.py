"""What a job's tokens cost, by a table that matches the locked genai-prices."""

import json
from datetime import UTC, datetime

import pytest
from genai_prices import Usage as Spent
from genai_prices import calc_price

from local.build.update_prices import PRICES, table
from shared.jobs.answer_counts import Usage
from shared.report.prices import cost, prices

MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


def test_prices_match_the_locked_package() -> None:
    made_on = datetime.fromisoformat(prices().date).replace(tzinfo=UTC)

    assert PRICES.read_text() == table(made_on), "renew it: python -m local prices"


@pytest.mark.parametrize(
    ("model", "half"),
    [
        ("gpt-5-mini", (0.125, 1.0)),
        ("gpt-5-mini-2025-08-07", (0.125, 1.0)),
        ("gpt-4.1", (1.0, 4.0)),
        ("text-embedding-3-small", (0.01, 0.0)),
        ("ft:gpt-4o-mini-2024-07-18:acme::1", (0.15, 0.6)),
        ("omni-moderation-latest", (0.0, 0.0)),
    ],
)
def test_rate_of_a_batch_is_half_the_price_of_the_package(
    model: str, half: tuple[float, float]
) -> None:
    whole = calc_price(Spent(input_tokens=1_000, output_tokens=1_000), model, provider_id="openai")

    assert prices().rate(model) == half
    assert float(whole.total_price) * 1_000 == pytest.approx(2 * sum(half))


def test_rate_of_a_dated_model_is_that_of_its_family() -> None:
    assert prices().rate("gpt-5-mini-2031-01-31") == prices().rate("gpt-5-mini")


def test_cost_sums_known_prices_and_counts_unknown_ones() -> None:
    found = cost({"gpt-4.1": MILLION, "gpt-5-mini": MILLION, "mine": MILLION}, prices())

    assert found.usd == 5 + 1.125
    assert found.by_model["mine"].usd is None
    assert found.unpriced_models == 1
    assert json.loads(found.model_dump_json())["by_model"]["gpt-4.1"]["usd"] == 5


def test_cost_of_no_usage_is_zero() -> None:
    assert (cost({}, prices()).usd, cost({}, prices()).unpriced_models) == (0, 0)
