"""What a job's tokens cost, by a table that matches the locked genai-prices."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from genai_prices import Usage as Spent
from genai_prices import calc_price

from local.build.update_prices import PRICES, table
from shared.jobs.answer_counts import UNKNOWN, Usage
from shared.jobs.prices import cost, known_prices, prices
from shared.settings import Settings

MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


def test_prices_match_the_locked_package() -> None:
    made_on = datetime.fromisoformat(prices().date).replace(tzinfo=UTC)

    assert PRICES.read_text() == table(made_on), "renew it: python -m local prices"


@pytest.mark.parametrize(
    ("model", "rate"),
    [
        ("gpt-5-mini", (0.125, 1.0, 0.0125, 0.125)),
        ("gpt-5-mini-2025-08-07", (0.125, 1.0, 0.0125, 0.125)),
        ("gpt-5.6", (2.0, 10.0, 0.2, 2.5)),
        ("text-embedding-3-small", (0.01, 0.0, 0.01, 0.01)),
        ("ft:gpt-4o-mini-2024-07-18:acme::1", (0.15, 0.6, 0.15, 0.15)),
        ("omni-moderation-latest", (0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_rate_of_a_batch_is_half_the_price_of_the_package(
    model: str, rate: tuple[float, ...]
) -> None:
    whole = Spent(
        input_tokens=3_000, cache_read_tokens=1_000, cache_write_tokens=1_000, output_tokens=1_000
    )
    standard = calc_price(whole, model, provider_id="openai").total_price

    assert prices().rate(model) == rate
    assert float(standard) * 1_000 == pytest.approx(2 * sum(rate))


def test_rate_of_a_dated_model_is_that_of_its_family() -> None:
    assert prices().rate("gpt-5-mini-2031-01-31") == prices().rate("gpt-5-mini")


def test_cost_sums_known_prices_and_counts_unknown_ones() -> None:
    found = cost({"gpt-4.1": MILLION, "gpt-5-mini": MILLION, "mine": MILLION}, prices())

    assert found.usd == 5 + 1.125
    assert found.by_model["mine"].usd is None
    assert found.unpriced_models == 1
    assert json.loads(found.model_dump_json())["by_model"]["gpt-4.1"]["usd"] == 5


@pytest.mark.parametrize(
    ("cached", "written", "usd"),
    [
        (0, 0, 2.0),
        (None, None, 2.0),
        (500_000, 0, 1.0 + 0.1),
        (0, 500_000, 1.0 + 1.25),
        (500_000, 500_000, 0.1 + 1.25),
        (1_000_000, 1_000_000, 0.2 + 2.5),
    ],
)
def test_cached_and_written_input_has_its_own_price(
    cached: int | None, written: int | None, usd: float
) -> None:
    used = Usage(input_tokens=1_000_000, cached_tokens=cached, cache_write_tokens=written)

    assert cost({"gpt-5.6": used}, prices()).usd == pytest.approx(usd)


def test_cost_of_no_usage_is_zero() -> None:
    assert (cost({}, prices()).usd, cost({}, prices()).unpriced_models) == (0, 0)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        ({"gpt-5-mini": UNKNOWN}, None),
        ({"mine": MILLION}, None),
        ({"mine": UNKNOWN}, None),
        ({"gpt-5-mini": MILLION, "gpt-4.1": UNKNOWN}, 1.125),
        ({"omni-moderation-latest": UNKNOWN}, 0),
    ],
)
def test_cost_of_unknown_tokens_is_not_known(usage: dict[str, Usage], usd: float | None) -> None:
    found = cost(usage, prices())

    assert found.usd == usd
    assert found.unpriced_models == sum(each.usd is None for each in found.by_model.values())


def test_cost_without_prices_is_not_known_and_says_why() -> None:
    found = cost({"gpt-5-mini": MILLION}, None)

    assert (found.usd, found.unpriced_models) == (None, 1)
    assert "base URL is not OpenAI's" in found.prices


@pytest.mark.parametrize(
    ("base_url", "asked", "known"),
    [
        ("https://api.openai.com/v1", "auto", True),
        ("https://eu.api.openai.com/v1", "auto", True),
        ("https://API.OpenAI.com/v1", "auto", True),
        ("https://api.openai.com/v1", "none", False),
        ("http://127.0.0.1:8080/v1", "auto", False),
        ("http://127.0.0.1:8080/v1", "openai", True),
        ("https://api.openai.com.example.org/v1", "auto", False),
        ("https://notapi.openai.com/v1", "auto", False),
        ("https://gateway.example.org/api.openai.com/v1", "auto", False),
        ("https://acme.openai.azure.com/v1", "auto", False),
        ("", "auto", False),
    ],
)
def test_prices_are_openais_at_openai_or_where_a_setting_says_so(
    base_url: str, asked: Any, known: bool
) -> None:
    settings = Settings(openai_base_url=base_url, prices=asked)

    assert (known_prices(settings) is not None) == known
