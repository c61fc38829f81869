"""Collects what is wrong with a dropped file: all of it counted, the first of it in full."""

from collections import Counter

from shared.model import FrozenModel

KEPT = 1_000  # problems in full; all are counted


class Problem(FrozenModel):
    """One thing that is wrong: where, what, and what to do about it."""

    line: int | None = None  # 1-based line of the dropped file
    code: str
    param: str | None = None
    message: str
    remedy: str


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

    def add_line(self, problems: list[Problem]) -> None:
        self.bad_lines += 1
        for problem in problems:
            self.add(problem)

    @property
    def total(self) -> int:
        return self.by_code.total()

    def __bool__(self) -> bool:
        return self.total > 0 or self.bad_lines > 0
