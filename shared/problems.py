"""Collects what is wrong with a dropped file: all of it counted, the first of it in full."""

from collections import Counter

from shared.model import FrozenModel
from shared.text import sanitize

KEPT = 1_000  # problems in full; all are counted
EXCERPT = 120  # characters of a bad line


class Problem(FrozenModel):
    """One thing that is wrong: where, what, and what to do about it."""

    line: int | None = None  # 1-based line of the dropped file
    code: str
    param: str | None = None
    message: str
    remedy: str
    excerpt: str = ""  # the beginning of the line


def excerpt(line: bytes) -> str:
    """The beginning of a line, whatever bytes it holds."""
    return sanitize(line[: 4 * EXCERPT + 4].decode(errors="replace"), EXCERPT)


class Problems:
    """A bounded list: the first 1,000 in full, all counted by code."""

    def __init__(self) -> None:
        self.first: list[Problem] = []
        self.by_code: Counter[str] = Counter()
        self.bad_lines = 0

    def add(self, problem: Problem) -> None:
        self.by_code[problem.code] += 1
        if len(self.first) < KEPT:
            self.first.append(problem)

    def add_line(self, problems: list[Problem], line: bytes = b"") -> None:
        self.bad_lines += 1
        shown = {"excerpt": excerpt(line)} if line and len(self.first) < KEPT else {}
        for problem in problems:
            self.add(problem.model_copy(update=shown))

    def merge(self, others: "Problems") -> None:
        """Those come first."""
        self.first = [*others.first, *self.first][:KEPT]
        self.by_code += others.by_code
        self.bad_lines += others.bad_lines

    @property
    def total(self) -> int:
        return self.by_code.total()

    def __bool__(self) -> bool:
        return self.total > 0 or self.bad_lines > 0
