"""Counts the answers of a job as they pass, with their tokens and their errors."""

from collections import Counter

from shared.jobs.answer import Answer
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
    """Tokens as the answers state them."""

    input_tokens: int = 0
    output_tokens: int = 0

    def plus(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )


class AnswerCounts:
    """Counts answers as they pass, in memory that does not grow with their number."""

    def __init__(self) -> None:
        self.succeeded = 0
        self.failed = 0
        self.incomplete: Counter[str] = Counter()  # of those that succeeded, by the reason
        self._input: Counter[str] = Counter()  # tokens by model; models are made once, at the end
        self._output: Counter[str] = Counter()
        self._groups: dict[tuple[str, str], tuple[str, int]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, answer: Answer, verdict: Verdict, model: str, line: int) -> bool:
        """Counts one request's final answer; whether it succeeded."""
        self._spend(answer, model)
        if verdict.fate is Fate.SUCCEEDED:
            self.succeeded += 1
            if verdict.incomplete:
                self._count_incomplete(verdict.incomplete)
            return True
        self.failed += 1
        key = (verdict.code, verdict.message)
        if key not in self._groups and len(self._groups) >= GROUPS:
            key = ("other", "further kinds of errors, see errors.jsonl")
        self._groups.setdefault(key, (shorten(answer.custom_id), line))
        self._counts[key] += 1
        return False

    def _count_incomplete(self, reason: str) -> None:
        known = reason in self.incomplete or len(self.incomplete) < REASONS
        self.incomplete[reason if known else "other"] += 1

    def _spend(self, answer: Answer, model: str) -> None:
        if usage := answer.usage:
            self._input[model] += usage.prompt_tokens or usage.input_tokens or 0
            self._output[model] += usage.completion_tokens or usage.output_tokens or 0

    @property
    def usage(self) -> dict[str, Usage]:
        """By model, in the order in which they came."""
        return {
            model: Usage(input_tokens=spent, output_tokens=self._output[model])
            for model, spent in self._input.items()
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
