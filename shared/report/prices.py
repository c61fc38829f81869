"""What a job's tokens cost at OpenAI's batch prices."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from shared.jobs.answer_counts import Usage
from shared.model import FrozenModel

TABLE = Path(__file__).with_name("prices.json")  # `python -m local prices` renews it
DATED = re.compile(r"-\d{4}-\d\d-\d\d$")  # gpt-5-mini-2025-08-07 costs what gpt-5-mini does
MILLION = 1_000_000

Rate = tuple[float, float]  # US dollars for a million input tokens and a million output tokens


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
    """Dollars; None where the price is not known."""

    usd: float | None
    usd_per_million_input: float | None
    usd_per_million_output: float | None


class Cost(FrozenModel):
    """What the answered requests cost at OpenAI, as far as prices are known."""

    usd: float
    by_model: dict[str, ModelCost]
    unpriced_models: int  # whose tokens are not in `usd`
    prices: str


@cache
def prices() -> Prices:
    return Prices.model_validate(json.loads(TABLE.read_text()))


def cost(usage: Mapping[str, Usage], prices: Prices) -> Cost:
    by_model = {model: _cost(used, prices.rate(model)) for model, used in usage.items()}
    return Cost(
        usd=round(sum(each.usd or 0 for each in by_model.values()), 6),
        by_model=by_model,
        unpriced_models=sum(each.usd is None for each in by_model.values()),
        prices=f"OpenAI's batch prices as {prices.source} knew them on {prices.date}",
    )


def _cost(used: Usage, rate: Rate | None) -> ModelCost:
    if rate is None:
        return ModelCost(usd=None, usd_per_million_input=None, usd_per_million_output=None)
    dollars = (used.input_tokens * rate[0] + used.output_tokens * rate[1]) / MILLION
    return ModelCost(
        usd=round(dollars, 6), usd_per_million_input=rate[0], usd_per_million_output=rate[1]
    )
