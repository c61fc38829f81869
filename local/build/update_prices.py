"""`batchdrop prices`: writes shared/jobs/prices.json from genai-prices."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from genai_prices import Usage, calc_price
from genai_prices.data import providers

from local.paths import ROOT

PRICES = ROOT / "shared" / "jobs" / "prices.json"
MILLION = 1_000_000
# In the order of shared.jobs.prices.Rate; too few for a surcharge on long prompts.
SIDES: dict[str, dict[str, int]] = {
    "input": {"input_tokens": 1_000},
    "output": {"output_tokens": 1_000},
    "cached": {"input_tokens": 1_000, "cache_read_tokens": 1_000},
    "cache_write": {"input_tokens": 1_000, "cache_write_tokens": 1_000},
}
KINDS = {"equals": "names", "starts_with": "begins", "contains": "contains"}


def main() -> int:
    PRICES.write_text(table(datetime.now(UTC)))
    print(f"{PRICES.relative_to(ROOT)} holds the prices of {source()}")
    return 0


def source() -> str:
    return f"genai-prices {version('genai-prices')}"


def table(now: datetime) -> str:
    """JSON, one line a name: dollars for a million tokens of each side."""
    found: dict[str, Any] = {"source": source(), "date": f"{now:%Y-%m-%d}"}
    found |= {kind: {} for kind in KINDS.values()}
    for model in next(each for each in providers if each.id == "openai").models:
        for kind, name in _names(model.match):
            found[kind][name] = [batch_price(name, side, now) for side in SIDES.values()]
    return re.sub(r"\[[^]]+]", _on_one_line, json.dumps(found, indent=1)) + "\n"


def _on_one_line(found: re.Match[str]) -> str:
    return json.dumps(json.loads(found[0]))


def batch_price(model: str, side: Mapping[str, int], now: datetime) -> float:
    """The batch rate where the package has one, else half the standard rate."""
    usage = Usage(**side)
    asked: Any = {"provider_id": "openai", "genai_request_timestamp": now}
    standard = calc_price(usage, model, **asked).total_price
    batch = calc_price(usage, model, **asked, price_context={"processing": "batch"}).total_price
    return float((batch if batch != standard else standard / 2) * (MILLION // 1_000))


def _names(match: Any) -> Iterator[tuple[str, str]]:
    """Without regular expressions: they match dated versions, and dates are ignored anyway."""
    for each in getattr(match, "or_", [match]):
        for attribute, kind in KINDS.items():
            if name := getattr(each, attribute, None):
                yield kind, name
