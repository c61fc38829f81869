"""Writes the table that comes back: its own columns as they came, the answer's, and _error."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from shared.tables.columns import ERROR
from shared.tables.json_rows import rows_in, with_columns
from shared.tables.reading import (
    JSON,
    MAX_CELL,
    PARQUET,
    Column,
    Connection,
    Table,
    literal,
    quoted,
    read_json,
)

_encode, _decode = msgspec.json.Encoder(enc_hook=str).encode, msgspec.json.Decoder().decode
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would execute
NAMES = {",": "csv", "\t": "tsv"}
FIRST = 3  # rows that a report shows


class AnswerFile:
    """Answers in the table's order on the disk, one for each row."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.rows = 0

    def add(self, row: int, values: Mapping[str, Any]) -> None:
        """Rows between the last one and this one were not asked."""
        while self.rows < row - 1:
            self._write({ERROR: "skipped: the row could not be asked"})
        self._write(values)

    def fill(self, rows: int) -> None:
        """Up to the table's last row."""
        while self.rows < rows:
            self._write({ERROR: "skipped: the row could not be asked"})
        self._file.flush()

    def _write(self, values: Mapping[str, Any]) -> None:
        self._file.write(_encode(values) + b"\n")
        self.rows += 1


def suffix_of(table: Table, wanted: str) -> str:
    """Of the results: the table's own, or the one that was asked for."""
    if wanted != "same":
        return wanted
    return NAMES.get(table.delimiter, "csv") if table.delimiter else table.path.suffix[1:]


def name_of(suffix: str) -> str:
    """Of the table that comes back; results.jsonl holds OpenAI's answers, whatever the job."""
    return f"table.{suffix}" if suffix == "jsonl" else f"results.{suffix}"


def write_results(
    connection: Connection, table: Table, answers: Path, types: Mapping[str, str], to: Path
) -> None:
    """Row by row, in the table's order. Raises UnreadableFile."""
    read = {**types, ERROR: "VARCHAR"}
    names = new_names(table.names, list(read))
    if table.is_json and to.suffix == JSON:
        _write_json(table, answers, dict(zip(read, names, strict=True)), to)
        return
    is_csv = to.suffix not in {PARQUET, JSON}
    of_answers = read_json(answers, read)
    own = [f"{_own(each, table, is_csv=is_csv)} AS {quoted(each.name)}" for each in table.columns]
    added = [
        f"{_shown(name, kind, is_csv=is_csv)} AS {quoted(new)}"
        for (name, kind), new in zip(read.items(), names, strict=True)
    ]
    query = (
        f"SELECT {', '.join(own + added)} FROM {table.of} own POSITIONAL JOIN {of_answers} answer"
    )
    connection.run(f"COPY ({query}) TO {literal(str(to))} ({_options(to, table)})")


def _write_json(table: Table, answers: Path, names: Mapping[str, str], to: Path) -> None:
    """Each row byte for byte, with the new columns behind its own."""
    rows = (row for row in rows_in(table.path) if not row.wrong)
    with answers.open("rb") as given, to.open("wb") as file:
        for row, answer in zip(rows, given, strict=True):
            values = _decode(answer)
            added = {new: values.get(name) for name, new in names.items()}
            file.write(with_columns(row.line, _encode(added)) + b"\n")


def new_names(own: Sequence[str], added: Sequence[str]) -> list[str]:
    """A column of the user's own keeps its name; ours gets another where both have one."""
    taken = {name.lower() for name in own}
    found = []
    for name in added:
        new = name
        while new.lower() in taken:
            new += "_2"
        taken.add(new.lower())
        found.append(new)
    return found


def _own(column: Column, table: Table, *, is_csv: bool) -> str:
    """Of JSON Lines, DuckDB has every value as text."""
    value = f"own.{quoted(column.name)}"
    return f"{value}::{column.type}" if table.is_json and not is_csv else value


def _shown(name: str, kind: str, *, is_csv: bool) -> str:
    value = f"answer.{quoted(name)}"
    if not is_csv:
        return value
    if kind == "FLOAT[]":
        return f"to_json({value})::VARCHAR"
    if kind != "VARCHAR":
        return value
    marks = ", ".join(f"chr({ord(each)})" for each in FORMULA)
    return f"CASE WHEN left({value}, 1) IN ({marks}) THEN '''' || {value} ELSE {value} END"


def delimiter_of(path: Path, table: Table) -> str:
    return "\t" if path.suffix == ".tsv" else table.delimiter or ","


def _options(to: Path, table: Table) -> str:
    if to.suffix == PARQUET:
        return "FORMAT parquet, COMPRESSION zstd"
    if to.suffix == JSON:
        return "FORMAT json"
    delimiter = delimiter_of(to, table)
    return f"FORMAT csv, HEADER true, DELIMITER {literal(delimiter)}, QUOTE '\"', ESCAPE '\"'"


def first_rows(connection: Connection, path: Path, table: Table) -> list[dict[str, str]]:
    """Of the table that comes back, as texts."""
    if path.suffix == JSON:
        with path.open("rb") as file:
            return [_as_texts(_decode(line)) for line in islice(file, FIRST)]
    if path.suffix == PARQUET:
        of = f"read_parquet({literal(str(path))})"
    else:
        of = (
            f"read_csv({literal(str(path))}, header=true, all_varchar=true, quote='\"', "
            f"escape='\"', delim={literal(delimiter_of(path, table))}, max_line_size={MAX_CELL}, "
            f"buffer_size={2 * MAX_CELL})"
        )
    found = connection.run(f"SELECT * FROM {of} LIMIT {FIRST}")
    names = [each[0] for each in found.description]
    return [_as_texts(dict(zip(names, row, strict=True))) for row in found.fetchall()]


def _as_texts(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else _as_text(value) for name, value in row.items()}


def _as_text(value: Any) -> str:
    is_json = isinstance(value, dict | list | bool)
    return _encode(value).decode() if is_json else str(value)
