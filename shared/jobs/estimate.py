"""What a job will use and cost, before it is paid: from its lines, and from what was learnt lately.

Dollars are whole millionths here, since a sum of them has to come out even.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import NamedTuple

from shared.batchfile.schema import BYTES_PER_TOKEN
from shared.dollars import in_dollars
from shared.jobs.prices import Prices, Rate
from shared.model import FrozenModel

KEPT = 20  # parts of a model at an endpoint that are learnt from
ENOUGH = 3  # parts until their largest says what the next ones use at most
MARGIN = 1.5  # on the largest that was seen
GUESSED_OUTPUT = 500  # tokens of an answer where nothing is known
MOST_RATIO = float(BYTES_PER_TOKEN)  # a token has at least one byte

Kind = tuple[str, str]  # model, endpoint


class Used(FrozenModel):
    """What a part that landed used, against its estimate by bytes."""

    part: str
    estimated: int  # prompt tokens of the requests that were answered
    answers: int  # that state tokens
    input: int
    output: int
    cached: int = 0  # of the input

    @property
    def is_stated(self) -> bool:
        return bool(self.answers and self.estimated)

    @property
    def cached_share(self) -> float:
        return self.cached / self.input if self.input else 0.0


class Learnt(NamedTuple):
    """Of the recent parts of a model at an endpoint."""

    parts: int = 0
    ratio: float = 1.0  # prompt tokens for each that was estimated, in the median
    ratio_at_most: float = MOST_RATIO
    output: float | None = None  # tokens of an answer, in the median
    output_at_most: float | None = None
    cached: float = 0.0  # share of the input


class Asked(NamedTuple):
    """What some requests ask of one model at one endpoint."""

    requests: int
    tokens: int  # prompt tokens, estimated by bytes
    bounded: int  # requests that say how long an answer may be
    most_output: int  # tokens, of those

    def scaled(self, requests: float, size: float) -> "Asked":
        """So many times the requests, and so many times their bytes."""
        return Asked(
            round(self.requests * requests),
            round(self.tokens * size),
            round(self.bounded * requests),
            round(self.most_output * requests),
        )


class ModelEstimate(FrozenModel):
    """Tokens, and millionths of a dollar; None where nobody knows."""

    requests: int
    input_tokens: int
    input_tokens_at_most: int
    cached_tokens: int  # of the input
    output_tokens: int
    output_tokens_at_most: int | None = None
    expected: int | None = None
    at_most: int | None = None


class Estimate(FrozenModel):
    """Of a job, by model; learnt from so many parts."""

    by_model: dict[str, ModelEstimate] = {}
    unbounded_requests: int = 0  # which do not say how long an answer may be
    learnt_from: int = 0  # parts

    @property
    def expected(self) -> int | None:
        """Millionths of a dollar of what is priced; None: nothing is."""
        known = [each.expected for each in self.by_model.values() if each.expected is not None]
        return sum(known) if known else None

    @property
    def at_most(self) -> int | None:
        """None: there is no limit to it, or not every model is priced."""
        found = [each.at_most for each in self.by_model.values()]
        return None if not found or None in found else sum(filter(None, found))

    @property
    def unpriced(self) -> list[str]:
        return sorted(name for name, each in self.by_model.items() if each.expected is None)


def learnt(used: Sequence[Used]) -> Learnt:
    """A part that was odd changes little: medians, and a maximum that is allowed to be careful."""
    stated = [each for each in used if each.is_stated]
    if not stated:
        return Learnt()
    ratios = [each.input / each.estimated for each in stated]
    outputs = [each.output / each.answers for each in stated]
    enough = len(stated) >= ENOUGH
    return Learnt(
        parts=len(stated),
        ratio=median(ratios),
        ratio_at_most=min(MARGIN * max(ratios), MOST_RATIO) if enough else MOST_RATIO,
        output=median(outputs),
        output_at_most=MARGIN * max(outputs) if enough else None,
        cached=median(each.cached_share for each in stated),
    )


def estimate(
    asked: Iterable[tuple[Kind, Asked]],
    known: Callable[[Kind], Learnt],
    prices: Prices | None,
) -> Estimate:
    """Of all that is asked, by model."""
    by_model = defaultdict[str, list[ModelEstimate]](list)
    parts = dict[Kind, int]()
    unbounded = 0
    for kind, each in asked:
        learnt_of = known(kind)
        parts[kind] = learnt_of.parts
        unbounded += each.requests - each.bounded
        rate = prices.rate(kind[0]) if prices else None
        by_model[kind[0]].append(estimate_of(each, learnt_of, rate))
    return Estimate(
        by_model={model: _sum(found) for model, found in by_model.items()},
        unbounded_requests=unbounded,
        learnt_from=sum(parts.values()),
    )


def estimate_of(asked: Asked, learnt: Learnt, rate: Rate | None) -> ModelEstimate:
    """Of requests to one model at one endpoint."""
    tokens = round(asked.tokens * learnt.ratio)
    cached = round(tokens * learnt.cached)
    output = round(_output(asked, learnt))
    tokens_at_most = max(round(asked.tokens * learnt.ratio_at_most), tokens)
    output_at_most = _output_at_most(asked, learnt)
    expected = at_most = None
    if rate:
        expected = rate.millionths(tokens, output, cached)
        if output_at_most is not None:
            at_most = max(rate.millionths_at_most(tokens_at_most, output_at_most), expected)
    return ModelEstimate(
        requests=asked.requests,
        input_tokens=tokens,
        input_tokens_at_most=tokens_at_most,
        cached_tokens=cached,
        output_tokens=output,
        output_tokens_at_most=output_at_most,
        expected=expected,
        at_most=at_most,
    )


def _output(asked: Asked, learnt: Learnt) -> float:
    each = GUESSED_OUTPUT if learnt.output is None else learnt.output
    unbounded = asked.requests - asked.bounded
    return unbounded * each + min(asked.bounded * each, asked.most_output)


def _output_at_most(asked: Asked, learnt: Learnt) -> int | None:
    unbounded = asked.requests - asked.bounded
    if not unbounded:
        return asked.most_output
    if learnt.output_at_most is None:
        return None
    return asked.most_output + round(unbounded * learnt.output_at_most)


def _sum(found: Sequence[ModelEstimate]) -> ModelEstimate:
    """Field by field; what is not known of one is not known of all."""

    def total(name: str) -> int | None:
        values = [getattr(each, name) for each in found]
        return None if None in values else sum(values)

    return ModelEstimate.model_validate({name: total(name) for name in ModelEstimate.model_fields})


def in_words(estimate: Estimate) -> str:
    """For a person: about $1.20, at most $3.40."""
    tokens = sum(each.input_tokens for each in estimate.by_model.values())
    about = f"about {tokens:,} prompt tokens"
    if estimate.expected is None:
        return f"{about}, of unknown price"
    told = f"{about}, {price_in_words(estimate)}"
    if estimate.unpriced:
        told += f", without {len(estimate.unpriced):,} model(s) whose price is not known"
    return told


def price_in_words(estimate: Estimate) -> str:
    expected = in_dollars(estimate.expected or 0)
    about = expected if expected.startswith("less") else f"about {expected}"
    most = "" if estimate.at_most is None else f", at most {in_dollars(estimate.at_most)}"
    return f"{about}{most}"
