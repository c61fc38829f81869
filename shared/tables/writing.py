"""Writes the table that comes back: its own columns as they came, the answer's, and _error."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from shared.tables.columns import ERROR
from shared.tables.reading import MAX_CELL, Connection, Table, literal, quoted

_encode = msgspec.json.Encoder().encode
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
    return NAMES.get(table.delimiter, "csv") if table.delimiter else "parquet"


def write_results(
    connection: Connection, table: Table, answers: Path, types: Mapping[str, str], to: Path
) -> None:
    """Row by row, in the table's order. Raises UnreadableFile."""
    is_csv = to.suffix != ".parquet"
    read = {**types, ERROR: "VARCHAR"}
    described = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in read.items())
    of_answers = (
        f"read_json({literal(str(answers))}, format='newline_delimited', columns={{{described}}}, "
        f"maximum_object_size={64 << 20})"
    )
    own = [f"own.{quoted(name)} AS {quoted(name)}" for name in table.names]
    names = new_names(table.names, list(read))
    added = [
        f"{_shown(name, kind, is_csv=is_csv)} AS {quoted(new)}"
        for (name, kind), new in zip(read.items(), names, strict=True)
    ]
    query = (
        f"SELECT {', '.join(own + added)} FROM {table.of} own POSITIONAL JOIN {of_answers} answer"
    )
    connection.run(f"COPY ({query}) TO {literal(str(to))} ({_options(to, table)})")


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
    if to.suffix == ".parquet":
        return "FORMAT parquet, COMPRESSION zstd"
    delimiter = delimiter_of(to, table)
    return f"FORMAT csv, HEADER true, DELIMITER {literal(delimiter)}, QUOTE '\"', ESCAPE '\"'"


def first_rows(connection: Connection, path: Path, table: Table) -> list[dict[str, str]]:
    """Of the table that comes back, as texts."""
    if path.suffix == ".parquet":
        of = f"read_parquet({literal(str(path))})"
    else:
        of = (
            f"read_csv({literal(str(path))}, header=true, all_varchar=true, quote='\"', "
            f"escape='\"', delim={literal(delimiter_of(path, table))}, max_line_size={MAX_CELL}, "
            f"buffer_size={2 * MAX_CELL})"
        )
    found = connection.run(f"SELECT * FROM {of} LIMIT {FIRST}")
    names = [each[0] for each in found.description]
    return [
        {name: "" if value is None else str(value) for name, value in zip(names, row, strict=True)}
        for row in found.fetchall()
    ]
