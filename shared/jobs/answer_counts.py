"""Counts the answers of a job as they pass, with their tokens and their errors."""

from collections import Counter
from dataclasses import dataclass

from shared.jobs.answer import Answer, StatedUsage
from shared.jobs.results import Fate, Verdict
from shared.model import FrozenModel
from shared.text import shorten

GROUPS = 50  # kinds of errors in a report; the rest is counted together
REASONS = 20  # why answers are incomplete, in a report; the rest is counted together


class ErrorGroup(FrozenModel):
    """Failures alike: how many, and one to look at."""

    code: str
    message: str
    count: int
    example_custom_id: str
    example_line: int


class Usage(FrozenModel):
    """Tokens as the answers state them; None: no answer states any."""

    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cached_tokens: int | None = 0  # of the input
    cache_write_tokens: int | None = 0  # of the input
    unstated: int = 0  # answers that succeeded and state no tokens

    def plus(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=_sum(self.input_tokens, other.input_tokens),
            output_tokens=_sum(self.output_tokens, other.output_tokens),
            cached_tokens=_sum(self.cached_tokens, other.cached_tokens),
            cache_write_tokens=_sum(self.cache_write_tokens, other.cache_write_tokens),
            unstated=self.unstated + other.unstated,
        )


UNKNOWN = Usage(input_tokens=None, output_tokens=None, cached_tokens=None, cache_write_tokens=None)


def _sum(one: int | None, other: int | None) -> int | None:
    """What is known of both."""
    return other if one is None else one + (other or 0)


@dataclass(slots=True)
class Spent:
    """What the answers of one model state."""

    input: int = 0
    output: int = 0
    cached: int | None = None
    written: int | None = None
    stated: int = 0  # answers
    unstated: int = 0

    def spend(self, answer: Answer, *, succeeded: bool) -> None:
        """A failure that states no tokens cost none; a success that does cost nobody knows what."""
        usage = answer.usage
        if usage is not None:
            tokens_in, tokens_out = usage.prompt_tokens, usage.completion_tokens
            if tokens_in is None:
                tokens_in = usage.input_tokens
            if tokens_out is None:
                tokens_out = usage.output_tokens
            if tokens_in is not None or tokens_out is not None:
                self._add(usage, tokens_in, tokens_out)
                return
        if succeeded:
            self.unstated += 1

    def _add(self, usage: StatedUsage, tokens_in: int | None, tokens_out: int | None) -> None:
        self.stated += 1
        self.input += tokens_in or 0
        self.output += tokens_out or 0
        if details := usage.prompt_tokens_details or usage.input_tokens_details:
            if details.cached_tokens is not None:
                self.cached = (self.cached or 0) + details.cached_tokens
            if details.cache_write_tokens is not None:
                self.written = (self.written or 0) + details.cache_write_tokens

    def as_usage(self) -> Usage:
        if not self.stated:
            return UNKNOWN.model_copy(update={"unstated": self.unstated})
        return Usage(
            input_tokens=self.input,
            output_tokens=self.output,
            cached_tokens=self.cached,
            cache_write_tokens=self.written,
            unstated=self.unstated,
        )


class AnswerCounts:
    """Counts answers as they pass, in memory that does not grow with their number."""

    def __init__(self) -> None:
        self.succeeded = 0
        self.failed = 0
        self.answered = 0  # by OpenAI, well or not
        self.incomplete: Counter[str] = Counter()  # of those that succeeded, by the reason
        self._spent: dict[str, Spent] = {}  # by model
        self._groups: dict[tuple[str, str], tuple[str, int]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, answer: Answer, verdict: Verdict, model: str, line: int) -> bool:
        """Counts one request's final answer; whether it succeeded."""
        succeeded = verdict.fate is Fate.SUCCEEDED
        self._spend(answer, model, succeeded=succeeded)
        if succeeded:
            self.answered += 1
            self.succeeded += 1
            if verdict.incomplete:
                self._count_incomplete(verdict.incomplete)
            return True
        self.failed += 1
        self.answered += answer.status > 0
        key = (verdict.code, verdict.message)
        if key not in self._groups and len(self._groups) >= GROUPS:
            key = ("other", "further kinds of errors, see errors.jsonl")
        self._groups.setdefault(key, (shorten(answer.custom_id), line))
        self._counts[key] += 1
        return False

    def _count_incomplete(self, reason: str) -> None:
        known = reason in self.incomplete or len(self.incomplete) < REASONS
        self.incomplete[reason if known else "other"] += 1

    def _spend(self, answer: Answer, model: str, *, succeeded: bool) -> None:
        spent = self._spent.get(model)
        if spent is None:
            if answer.usage is None and not succeeded:
                return
            spent = self._spent[model] = Spent()
        spent.spend(answer, succeeded=succeeded)

    @property
    def usage(self) -> dict[str, Usage]:
        """By model, in the order in which they came."""
        return {
            model: spent.as_usage()
            for model, spent in self._spent.items()
            if spent.stated or spent.unstated
        }

    @property
    def groups(self) -> list[ErrorGroup]:
        """Most frequent first."""
        return [
            ErrorGroup(
                code=code,
                message=message,
                count=count,
                example_custom_id=self._groups[code, message][0],
                example_line=self._groups[code, message][1],
            )
            for (code, message), count in self._counts.most_common()
        ]
