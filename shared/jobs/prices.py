"""What a job's tokens cost at OpenAI's batch prices."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from shared.dollars import MILLION
from shared.jobs.answer_counts import Usage
from shared.model import FrozenModel
from shared.settings import Settings

TABLE = Path(__file__).with_name("prices.json")  # `python -m local prices` renews it
DATED = re.compile(r"-\d{4}-\d\d-\d\d$")  # gpt-5-mini-2025-08-07 costs what gpt-5-mini does
OPENAI = "api.openai.com"  # and its regions, such as eu.api.openai.com
NO_PRICES = "What this server costs is not known: its base URL is not OpenAI's"


class Rate(NamedTuple):
    """US dollars for a million tokens."""

    input: float
    output: float
    cached: float  # input that was read from OpenAI's cache
    cache_write: float  # input that was written to it

    def millionths(self, input_: int, output: int, cached: int = 0, written: int = 0) -> int:
        """Of a dollar, for so many tokens; cached and written are parts of the input."""
        plain = max(input_ - cached - written, 0)
        tokens = (plain, output, cached, written)
        return round(sum(n * price for n, price in zip(tokens, self, strict=True)))

    def millionths_at_most(self, input_: int, output: int) -> int:
        """With all of the input written to the cache, if that is dearer."""
        return round(max(self.input, self.cache_write) * input_ + self.output * output)


class Prices(FrozenModel):
    """By whole name, by beginning, or by a word in the name; the first match wins."""

    source: str
    date: str
    names: dict[str, Rate]
    begins: dict[str, Rate]
    contains: dict[str, Rate]

    def rate(self, model: str) -> Rate | None:
        named = self.names.get(model) or self.names.get(DATED.sub("", model))
        if named:
            return named
        begun = (rate for start, rate in self.begins.items() if model.startswith(start))
        held = (rate for word, rate in self.contains.items() if word in model)
        return next(begun, None) or next(held, None)


class ModelCost(FrozenModel):
    """Dollars; None where the price or the number of tokens is not known."""

    usd: float | None
    usd_per_million_input: float | None
    usd_per_million_output: float | None
    usd_per_million_cached: float | None
    usd_per_million_cache_write: float | None


NO_COST = ModelCost.model_validate(dict.fromkeys(ModelCost.model_fields))


class Cost(FrozenModel):
    """What the answered requests cost at OpenAI, as far as prices and tokens are known."""

    usd: float | None  # None: nothing of it is known
    by_model: dict[str, ModelCost]
    unpriced_models: int  # whose tokens are not in `usd`
    prices: str


@cache
def prices() -> Prices:
    return Prices.model_validate(json.loads(TABLE.read_text()))


def known_prices(settings: Settings) -> Prices | None:
    """None where they are somebody else's: by default at every server but OpenAI's own."""
    if settings.prices == "openai":
        return prices()
    host = urlsplit(settings.openai_base_url).hostname or ""
    is_theirs = host == OPENAI or host.endswith(f".{OPENAI}")
    return prices() if settings.prices == "auto" and is_theirs else None


def cost(usage: Mapping[str, Usage], prices: Prices | None) -> Cost:
    by_model = {
        model: _cost(used, prices.rate(model) if prices else None) for model, used in usage.items()
    }
    known = [each.usd for each in by_model.values() if each.usd is not None]
    return Cost(
        usd=round(sum(known), 6) if known or not by_model else None,
        by_model=by_model,
        unpriced_models=len(by_model) - len(known),
        prices=f"OpenAI's batch prices as {prices.source} knew them on {prices.date}"
        if prices
        else NO_PRICES,
    )


def _cost(used: Usage, rate: Rate | None) -> ModelCost:
    if rate is None:
        return NO_COST
    return ModelCost(
        usd=_dollars(used, rate),
        usd_per_million_input=rate.input,
        usd_per_million_output=rate.output,
        usd_per_million_cached=rate.cached,
        usd_per_million_cache_write=rate.cache_write,
    )


def _dollars(used: Usage, rate: Rate) -> float | None:
    """A model that costs nothing costs nothing, however many tokens it took."""
    if not any(rate):
        return 0.0
    if used.input_tokens is None or used.output_tokens is None:
        return None
    cached, written = used.cached_tokens or 0, used.cache_write_tokens or 0
    return rate.millionths(used.input_tokens, used.output_tokens, cached, written) / MILLION
