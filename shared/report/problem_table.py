"""What is wrong with something that was dropped, and what to do, as a table."""

from shared.problems import Problem
from shared.report.format import number
from shared.report.markup import Html, el, joined, table


def problem_table(problems: list[Problem]) -> Html:
    rows = [
        (
            number(each.line) if each.line else "file",
            joined((el("code", each.code), f" {each.param}" if each.param else None)),
            joined((each.message, _excerpt(each))),
            each.remedy,
        )
        for each in problems
    ]
    return table(("#Line", "Problem", "What is wrong", "What to do"), rows)


def _excerpt(problem: Problem) -> Html | None:
    return el("code", problem.excerpt, class_="excerpt") if problem.excerpt else None


def more(count: int, shown: int) -> Html | None:
    if count <= shown:
        return None
    words = f"The first {number(shown)} of {number(count)}; all are in "
    return el("p", words, el("a", "report.json", href="report.json"), ".", class_="note")
