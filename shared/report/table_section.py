"""What a table came back as: its first rows, and what the model filled in."""

from collections.abc import Iterator, Mapping, Sequence

from shared.report.format import number, share
from shared.report.markup import Html, el, table, text_of
from shared.report.model import ColumnReport, TableReport
from shared.report.problem_table import more
from shared.report.timeline import WIDTH
from shared.text import sanitize_lines

KINDS = {
    "VARCHAR": "text",
    "BIGINT": "whole number",
    "DOUBLE": "number",
    "BOOLEAN": "true or false",
    "FLOAT[]": "vector",
}
COLUMNS, VALUES, REASONS = 12, 10, 10  # shown; report.json beside the page has all


def table_section(report: TableReport) -> Iterator[Html | None]:
    if report.recipe_text:
        name = f"The recipe, {report.recipe.key}"
        yield el(
            "details", el("summary", name), el("pre", text_of(sanitize_lines(report.recipe_text)))
        )
    if report.first:
        names = list(report.first[0])
        added = len(report.columns) + 1  # and _error
        yield el("p", f"The first of {number(report.rows)} rows, as they came:", class_="note")
        yield from _rows(report.first, names[:-added])
        yield el("p", "What the model answered for them:", class_="note")
        yield from _rows(report.first, names[-added:])
    for column in report.columns[:COLUMNS]:
        yield from _column(column, report.rows)
    if report.invalid:
        found = list(report.invalid.items())
        yield el("p", "Answers that are not what the recipe asks for:")
        yield table(("#Rows", "Why"), [(number(n), why) for why, n in found[:REASONS]])
        yield more(len(found), REASONS)


def _rows(rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> Iterator[Html | None]:
    yield table(names[:COLUMNS], [[row.get(name, "") for name in names[:COLUMNS]] for row in rows])
    yield more(len(names), COLUMNS)


def _column(column: ColumnReport, rows: int) -> Iterator[Html | None]:
    filled = f"filled in {number(column.filled)} of {number(rows)} rows"
    yield el("p", el("b", column.name), f" ({KINDS.get(column.type, column.type)}): {filled}")
    if column.values:
        counted = [
            (value, number(n), share(n, column.filled), _bar(n, column.filled))
            for value, n in list(column.values.items())[:VALUES]
        ]
        yield table(("Value", "#Rows", "#Share", ""), counted)
        yield more(len(column.values), VALUES)


def _bar(count: int, whole: int) -> Html:
    width = f"{max(count / whole * WIDTH, 2):.2f}"
    return el(
        "svg",
        el("rect", x=0, y=0, width=width, height=10, class_="good"),
        viewBox=f"0 0 {WIDTH} 10",
        preserveAspectRatio="none",
        class_="stacked",
        role="img",
        aria_label="Its share; the number beside it says it",
    )
