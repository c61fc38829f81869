"""A table of JSON Lines: every line is a row, an object whose names are the columns.

DuckDB is given each value as text, so that a template sees what the file says, digit for digit,
and nesting that only other parsers allow does no harm.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shared.batchfile.lines import UTF8_MARK
from shared.nesting import TOO_DEEP, is_too_deep
from shared.problems import KEPT, Problem, excerpt
from shared.text import sanitize

MAX_ROW = 16 << 20  # bytes of one line, as in CSV
INT64 = 1 << 63
TEXT, TRUTH, WHOLE, NUMBER = "VARCHAR", "BOOLEAN", "BIGINT", "DOUBLE"
OF_A_REQUEST = ("custom_id", "url")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Row(NamedTuple):
    """A line that is a row, and one that is none: then `wrong` says why."""

    number: int  # of the line
    line: bytes
    values: dict[str, str | None]  # texts, as the line has them
    kinds: dict[str, str]  # of those that are something
    wrong: str = ""


class Rows(NamedTuple):
    """What a file of rows holds."""

    columns: dict[str, str]  # DuckDB's types by names, in the order of their first row
    broken: int  # lines that are no row
    first: list[Problem]


def is_row(line: bytes) -> bool:
    """Whether a line of JSON is no request, nor meant as one."""
    try:
        return not any(each in _decode(line) for each in OF_A_REQUEST)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def rows_in(path: Path) -> Iterator[Row]:
    """Every line that is not blank."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_ROW + 1):
            number += 1
            if len(line) > MAX_ROW:
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_ROW)
                yield _broken(number, b"", "it has more than 16 MB")
                continue
            line = line.removeprefix(UTF8_MARK).strip() if number == 1 else line.strip()
            if line:
                yield _row(number, line)


def save_rows(path: Path, to: Path, most: int) -> Rows:
    """Writes the rows as DuckDB is to read them: objects of texts. most: columns."""
    columns: dict[str, str] = {}
    first: list[Problem] = []
    broken = 0
    with to.open("wb") as file:
        for row in rows_in(path):
            if row.wrong:
                broken += 1
                if len(first) < KEPT:
                    first.append(_problem(row))
                continue
            for name in row.values:
                columns.setdefault(name, "")
            for name, kind in row.kinds.items():
                if columns[name] != kind:
                    columns[name] = _both(columns[name], kind)
            if len(columns) > most:
                break  # whoever reads them refuses the table
            file.write(_encode(row.values) + b"\n")
    return Rows({name: kind or TEXT for name, kind in columns.items()}, broken, first)


def with_columns(line: bytes, added: bytes) -> bytes:
    """A row with an object's columns behind its own, which stay as they are."""
    own = line.rstrip()[:-1].rstrip()
    return own + (b"," if own != b"{" else b"") + added[1:]


def _row(number: int, line: bytes) -> Row:
    if is_too_deep(line):
        return _broken(number, line, f"it is {TOO_DEEP}")
    try:
        found, raw = _decode(line), _decode_raw(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        half = ", perhaps of half a surrogate pair" if b"\\ud" in line.lower() else ""
        return _broken(number, line, sanitize(str(error), 200) + half)
    if "" in found:
        return _broken(number, line, "one of its names is empty")
    values: dict[str, str | None] = {}
    kinds: dict[str, str] = {}
    for name, value in found.items():
        if value is None:
            values[name] = None
        elif type(value) is str:
            values[name], kinds[name] = value, TEXT
        else:
            values[name] = bytes(raw[name]).decode()
            kinds[name] = _kind(value)
    return Row(number, line, values, kinds)


def _kind(value: Any) -> str:
    match value:
        case bool():
            return TRUTH
        case int():
            return WHOLE if -INT64 <= value < INT64 else TEXT
        case float():
            return NUMBER
    return TEXT


def _both(known: str, kind: str) -> str:
    """The type of a column that has values of both."""
    if not known:
        return kind
    return NUMBER if {known, kind} == {WHOLE, NUMBER} else TEXT


def _broken(number: int, line: bytes, why: str) -> Row:
    return Row(number, line, {}, {}, why)


def _problem(row: Row) -> Problem:
    return Problem(
        line=row.number,
        code="broken_row",
        message=f"Line {row.number:,} is no row of the table: {row.wrong}.",
        remedy='write each row as one line of JSON, such as {"id": 1, "text": "…"}, and drop the '
        "table again",
        excerpt=excerpt(row.line),
    )
