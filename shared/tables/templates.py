"""Templates of a recipe: checked against the table's columns once, then filled in row by row."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

from minijinja import Environment, TemplateError

from shared.problems import Problem
from shared.tables.recipe import FILE, Recipe
from shared.text import sanitize

FUEL = 100_000  # steps of one template in one row; a loop without end stops there
MOST_MISSING = 20  # columns that are named in full
WHOLE = re.compile(r"\s*\{\{(?!-)((?:(?!\}\}|\{\{|\{%).)+?)(?<!-)\}\}\s*", re.DOTALL)
MARKS = ("{{", "{%", "{#")
IN_ROW = re.compile(r"""\brow\[\s*("(?:[^"\\]|\\.)+"|'(?:[^'\\]|\\.)+')\s*\]""")
ROW = "row"  # every column by its name, whatever characters that has: {{ row['Review text'] }}

Row = Mapping[str, Any]
Fill = Callable[[Row], Any]


class UnfilledTemplate(Exception):
    """A template that this row does not suit. `where` is its place in the recipe."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class Filled(NamedTuple):
    """What a row asks."""

    custom_id: str | None
    body: dict[str, Any]


class Templates:
    """A recipe's, compiled. Raises nothing: what is wrong is in `problems`."""

    def __init__(self, recipe: Recipe) -> None:
        self.problems: list[Problem] = []
        self.columns: dict[str, str] = {}  # that are named, and where first
        self._environment = Environment(undefined_behavior="strict")
        self._environment.fuel = FUEL
        self._environment.add_filter("truncate", _truncated)
        self._body = self._compiled(recipe.request.body, "request.body")
        custom_id = recipe.request.custom_id
        self._custom_id = custom_id and self._compiled(custom_id, "request.custom_id")

    def fill(self, row: Row) -> Filled:
        """Raises UnfilledTemplate."""
        values = {**row, ROW: row}
        custom_id = str(self._custom_id(values)) if callable(self._custom_id) else self._custom_id
        body = self._body(values) if callable(self._body) else self._body
        return Filled(custom_id, body)

    def missing(self, columns: Sequence[str]) -> Iterator[Problem]:
        """A problem for each column that is named and that the table does not have."""
        for name, where in list(self.columns.items())[:MOST_MISSING]:
            if name in columns:
                continue
            near = get_close_matches(name, columns, 3) or list(columns[:5])
            yield Problem(
                code="unknown_column",
                param=where,
                message=f"{FILE}: {where} names the column {name!r}, which the table does not "
                "have.",
                remedy="write one of its columns, such as " + ", ".join(map(repr, near)),
            )

    def _compiled(self, value: Any, where: str) -> Any:
        """A function of a row where there is a template, else the value."""
        if isinstance(value, str):
            return self._text(value, where) if any(mark in value for mark in MARKS) else value
        if isinstance(value, dict):
            parts = {key: self._compiled(each, f"{where}.{key}") for key, each in value.items()}
            filled = partial(_filled_parts, parts)
            return filled if any(map(callable, parts.values())) else value
        if isinstance(value, list):
            items = [self._compiled(each, f"{where}[{n}]") for n, each in enumerate(value)]
            return partial(_filled_items, items) if any(map(callable, items)) else value
        return value

    def _text(self, text: str, where: str) -> Any:
        environment = self._environment
        try:
            environment.add_template(where, text)
            named = environment.undeclared_variables_in_str(text, nested=True)
        except TemplateError as error:
            self.problems.append(_broken(where, error))
            return text
        plain = {each.removeprefix(f"{ROW}.").partition(".")[0] for each in named}
        quoted = set(map(_unquoted, IN_ROW.findall(text)))
        for name in sorted((plain | quoted) - {ROW, *environment.globals}):
            self.columns.setdefault(name, where)
        whole = WHOLE.fullmatch(text)
        if whole:  # its value, whatever type that has
            return _careful(where, partial(self._value, where, whole[1].strip()))
        return _careful(where, lambda row: environment.render_template(where, **row))

    def _value(self, where: str, expression: str, row: Row) -> Any:
        """An expression is not strict about what is undefined; the template of it is."""
        value = self._environment.eval_expr(expression, **row)
        if value is None:
            self._environment.render_template(where, **row)
        return value


def _filled_parts(parts: Mapping[str, Any], row: Row) -> dict[str, Any]:
    return {name: _filled(each, row) for name, each in parts.items()}


def _filled_items(items: Sequence[Any], row: Row) -> list[Any]:
    return [_filled(each, row) for each in items]


def _filled(part: Any, row: Row) -> Any:
    return part(row) if callable(part) else part


def _careful(where: str, fill: Fill) -> Fill:
    def filling(row: Row) -> Any:
        try:
            return fill(row)
        except TemplateError as error:
            raise UnfilledTemplate(where, _said(error)) from error

    return filling


def _unquoted(name: str) -> str:
    """As minijinja reads it: a text of JSON, in quotes of either kind."""
    inner = name[1:-1].replace("\\'", "'").replace('"', '\\"') if name[0] == "'" else name[1:-1]
    try:
        return str(json.loads(f'"{inner}"'))
    except ValueError:
        return name[1:-1]


def _truncated(text: str, length: int = 255, end: str = "…") -> str:
    """As Jinja has it: `{{ text | truncate(100) }}`."""
    return text if len(text) <= length else text[: max(0, length - len(end))] + end


def _said(error: TemplateError) -> str:
    return sanitize(error.detail or error.kind, 200)


def _broken(where: str, error: TemplateError) -> Problem:
    line = f", line {error.line} of it" if error.line and error.line > 1 else ""
    return Problem(
        code="invalid_template",
        param=where,
        message=f"{FILE}: {where}{line}: {_said(error)}.",
        remedy="write {{ column }} where a row's value goes; {{ row['a name'] }} for a name with "
        "blanks",
    )
