"""Templates of a recipe: checked against the table's columns once, then filled in row by row."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from minijinja import Environment, TemplateError

from shared.problems import Problem
from shared.tables.files_beside import FUNCTION, Marks, with_function
from shared.tables.recipe import FILE, Recipe, RequestTemplate
from shared.text import sanitize

FUEL = 100_000  # steps of one template in one row; a loop without end stops there
MOST_MISSING = 20  # columns that are named in full
WHOLE = re.compile(r"\{\{(?!-)((?:(?!\}\}|\{\{|\{%).)+?)(?<!-)\}\}", re.DOTALL)
MARKS = ("{{", "{%", "{#")
NAMED = r"""row\[\s*("(?:[^"\\]|\\.)+"|'(?:[^'\\]|\\.)+')\s*\]"""  # row["a name"]
IN_ROW = re.compile(rf"\b{NAMED}")
# A column by itself, which needs no engine: most recipes hold nothing else.
PLAIN = re.compile(rf"\{{\{{\s*(?:([A-Za-z_]\w*)|{NAMED})\s*\}}\}}")
NO_COLUMNS = frozenset({"true", "false", "none", "True", "False", "None", "loop", "self", "super"})
LINE, NUMBER, TEXT = "the line", "_row_number", "_text"  # names of ours
ROW = "row"  # every column by its name, whatever characters that has: {{ row['Review text'] }}

Row = Mapping[str, Any]
_encode = msgspec.json.Encoder().encode
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
        self._names_row = False  # `row` itself
        self._is_plain = True  # no template needs the engine
        self._environment = Environment(undefined_behavior="strict")
        self._environment.fuel = FUEL
        self._environment.keep_trailing_newline = True
        # A template is called by its place, and by a name such as `….html` it would be escaped.
        self._environment.auto_escape_callback = lambda _: False
        self._environment.add_filter("truncate", _truncated)
        self.marks = Marks()
        self.files_at = ""  # the first place that names files
        self._environment.add_global(FUNCTION, self.marks.mark)
        request = _with_function(recipe.request)
        self.url = request.url
        self._body = self._compiled(request.body, "request.body")
        custom_id = request.custom_id
        self._custom_id = custom_id and self._compiled(custom_id, "request.custom_id")
        if not self.problems:
            self._environment.add_template(LINE, whole_line(request))

    def for_columns(self, names: Sequence[str]) -> "LineWriter":
        """For a table's rows, which hold a value for each of these names."""
        return LineWriter(self, names)

    def line(self, row: Row, number: int) -> bytes:
        """Of one row. Raises UnfilledTemplate."""
        return self.for_columns(list(row)).line(list(row.values()), number)

    def fill(self, row: Row) -> Filled:
        """Raises UnfilledTemplate."""
        values = {**row, ROW: row}
        custom_id = str(self._custom_id(values)) if callable(self._custom_id) else self._custom_id
        body = self._body(values) if callable(self._body) else self._body
        return Filled(custom_id, body)

    def plain(self) -> tuple[Any, Any] | None:
        """custom_id and body, if no template of theirs needs the engine."""
        return (self._custom_id, self._body) if self._is_plain else None

    def render(self, row: Row, number: int) -> bytes:
        """The line, by the engine in one go. Raises UnfilledTemplate."""
        values = {name: row[name] for name in self.columns if name in row}
        if self._names_row:
            values[ROW] = row
        try:
            return self._environment.render_template(LINE, **values, **{NUMBER: number}).encode()
        except TemplateError as error:
            self.marks.taken()
            self.fill(row)  # says which template it is
            raise UnfilledTemplate("request", _said(error)) from error

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
            return self._text(value, where) if _is_template(value) else value
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
        if FUNCTION in text:
            self.files_at = self.files_at or where
        try:
            environment.add_template(where, text)
            named = environment.undeclared_variables_in_str(text, nested=True)
        except TemplateError as error:
            self.problems.append(_broken(where, error))
            return text
        self._names_row = self._names_row or any(each.partition(".")[0] == ROW for each in named)
        plain = {each.removeprefix(f"{ROW}.").partition(".")[0] for each in named}
        quoted = set(map(_unquoted, IN_ROW.findall(text)))
        for name in sorted((plain | quoted) - {ROW, *environment.globals}):
            self.columns.setdefault(name, where)
        if pieces := _plain(text, environment.globals):
            return partial(_concatenated, where, pieces)
        self._is_plain = False
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


class LineWriter:
    """Writes the request of each row as a line of JSON: a row is a value for each name."""

    def __init__(self, templates: Templates, names: Sequence[str]) -> None:
        self._templates = templates
        self._names = names
        self._before_body = b',"method":"POST","url":' + _encode(templates.url) + b',"body":'
        self._plain = templates.plain()
        if self._plain is not None:
            at = {name: n for n, name in enumerate(names)}
            custom_id, body = self._plain
            self._plain = _by_position(custom_id, at), _by_position(body, at)

    def line(self, row: Sequence[str], number: int) -> bytes:
        """Raises UnfilledTemplate."""
        if self._plain is None:
            return self._templates.render(dict(zip(self._names, row, strict=True)), number)
        custom_id, body = self._plain
        if custom_id is None:
            head = b'{"custom_id":"row-%d"' % number
        else:
            head = b'{"custom_id":' + _encode(_filled(custom_id, row))
        return b"%b%b%b}" % (head, self._before_body, _encode(_filled(body, row)))


def _by_position(part: Any, at: Mapping[str, int]) -> Any:
    """The same, of rows that hold values side by side. Raises UnfilledTemplate."""
    if not isinstance(part, partial):
        return part
    if part.func is _filled_parts:
        (parts,) = part.args
        placed = {name: _by_position(each, at) for name, each in parts.items()}
        filled = [(name, each) for name, each in placed.items() if callable(each)]
        return partial(_completed, placed, filled)
    if part.func is _filled_items:
        (items,) = part.args
        return partial(_filled_items, [_by_position(each, at) for each in items])
    where, pieces = part.args
    return _placed(where, pieces, at)


def _placed(where: str, pieces: Sequence[str], at: Mapping[str, int]) -> Callable[[Any], str]:
    try:
        places = [at[each] if isinstance(each, _Column) else each for each in pieces]
    except KeyError as error:
        raise UnfilledTemplate(where, f"there is no column {error}") from error
    if len(places) == 1 and isinstance(places[0], int):
        return itemgetter(places[0])
    return partial(_joined, places)


def _completed(
    parts: dict[str, Any], filled: Sequence[tuple[str, Callable[[Any], Any]]], row: Any
) -> dict[str, Any]:
    """The parts, those that are templates filled in; the order stays."""
    found = parts.copy()
    for name, fill in filled:
        found[name] = fill(row)
    return found


def _joined(pieces: Sequence[str | int], row: Sequence[str]) -> str:
    return "".join([each if type(each) is str else row[each] for each in pieces])  # type: ignore[index]


def _with_function(request: RequestTemplate) -> RequestTemplate:
    """The same, with `file(…)` called by a name that no column has."""
    body = _mapped(with_function, request.body)
    return request.model_copy(
        update={"body": body, "custom_id": _mapped(with_function, request.custom_id)}
    )


def _mapped(change: Callable[[str], str], value: Any) -> Any:
    """Every text of it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _mapped(change, each) for name, each in value.items()}
    return [_mapped(change, each) for each in value] if isinstance(value, list) else value


def whole_line(request: RequestTemplate) -> str:
    """One template that writes the whole line: a row is filled in by one call."""
    custom_id = request.custom_id or f"row-{{{{ {NUMBER} }}}}"
    values = {
        "custom_id": _as_text(custom_id) if _is_template(custom_id) else _verbatim(custom_id),
        "method": _verbatim("POST"),
        "url": _verbatim(request.url),
        "body": _written(request.body),
    }
    return _object(values)


def _written(value: Any) -> str:
    """A template that writes the value as JSON."""
    if isinstance(value, dict):
        return _object({name: _written(each) for name, each in value.items()})
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if not _is_template(value):
        return _verbatim(value)
    whole = WHOLE.fullmatch(value)
    if whole is None:
        return _as_text(value)
    of = f"({whole[1].strip()})"  # tojson is not strict about what is undefined
    return f"{{% if {of} is undefined %}}{{{{ {of} }}}}{{% endif %}}{{{{ {of} | tojson }}}}"


def _object(values: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{_verbatim(name)}:{each}" for name, each in values.items()) + "}"


def _as_text(template: str) -> str:
    return f"{{% set {TEXT} %}}{template}{{% endset %}}{{{{ {TEXT} | tojson }}}}"


def _verbatim(value: Any) -> str:
    """JSON in which no template can begin."""
    return json.dumps(value, ensure_ascii=False).replace("{", "\\u007b")


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and any(mark in value for mark in MARKS)


def _filled_parts(parts: Mapping[str, Any], row: Any) -> dict[str, Any]:
    return {name: _filled(each, row) for name, each in parts.items()}


def _filled_items(items: Sequence[Any], row: Any) -> list[Any]:
    return [_filled(each, row) for each in items]


def _filled(part: Any, row: Any) -> Any:
    return part(row) if callable(part) else part


def _careful(where: str, fill: Fill) -> Fill:
    def filling(row: Row) -> Any:
        try:
            return fill(row)
        except TemplateError as error:
            raise UnfilledTemplate(where, _said(error)) from error

    return filling


class _Column(str):
    """The name of a column, among pieces of text."""

    __slots__ = ()


def _plain(text: str, globals_: Mapping[str, Any]) -> list[str] | None:
    """Its pieces, if there are only columns in it and text between them."""
    found = list(PLAIN.finditer(text))
    reserved = NO_COLUMNS | {ROW} | globals_.keys()
    if any(each[1] in reserved for each in found):
        return None
    pieces = _pieces(text, found)
    is_plain = not any(map(_is_template, _between(pieces)))
    return pieces if is_plain else None


def _pieces(text: str, found: Sequence[re.Match[str]]) -> list[str]:
    pieces: list[str] = []
    at = 0
    for each in found:
        pieces += [text[at : each.start()], _Column(each[1] or _unquoted(each[2]))]
        at = each.end()
    pieces.append(text[at:])
    return [each for each in pieces if each or isinstance(each, _Column)]


def _between(pieces: Sequence[str]) -> Iterator[str]:
    return (each for each in pieces if not isinstance(each, _Column))


def _concatenated(where: str, pieces: Sequence[str], row: Row) -> str:
    try:
        return "".join([row[each] if type(each) is _Column else each for each in pieces])
    except KeyError as error:
        raise UnfilledTemplate(where, f"there is no column {error}") from error


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
