"""Reads a table that lies on the disk: its columns, its rows as texts, and what is wrong with it.

DuckDB reads. It reaches neither the network nor any other file, and keeps to the memory it is
given; what does not fit goes to the disk. Import this only where there is a table: it is large.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from shared.batchfile.refusals import UnreadableFile
from shared.problems import KEPT, Problem, excerpt
from shared.tables.json_rows import save_rows
from shared.tables.refusals import broken_row, empty, not_a_table, too_large
from shared.text import shorten

MEMORY = "400MB"  # holds a row group of Parquet of 128 MB; the rest of the function is Python
MAX_CELL = 16 << 20  # bytes of one line of a CSV file, a request is not much longer
AT_ONCE = 2_000  # rows
MAX_COLUMNS = 2_000
HEAD = 1 << 20  # bytes in which the header has to end
DELIMITERS = (",", ";", "\t", "|")
PARQUET, MAGIC = ".parquet", b"PAR1"
JSON = ".jsonl"
MAX_TEXT = 64 << 20  # bytes of one value that DuckDB reads from JSON
NESTED = ("STRUCT", "MAP", "UNION")


class Column(NamedTuple):
    name: str
    type: str  # DuckDB's


class Table(NamedTuple):
    """A file on the disk that is a table; `of` is what DuckDB reads it by."""

    path: Path
    columns: Sequence[Column]
    of: str
    delimiter: str = ""  # of CSV
    broken: int = 0  # lines of JSON Lines that are no rows
    first_broken: Sequence[Problem] = ()

    @property
    def is_json(self) -> bool:
        return self.path.suffix == JSON

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.columns]


class Connection:
    """DuckDB, locked up with one table in one folder. A context, as it holds files open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._duckdb = duckdb.connect()
        for setting, value in {
            "memory_limit": MEMORY,
            "temp_directory": str(folder / "spilled"),
            "threads": 1,  # each holds a row group, and the rest of the work is ours
            "preserve_insertion_order": True,
            "enable_progress_bar": False,  # it would be printed
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allowed_directories": [str(folder)],
            "enable_external_access": False,
            "lock_configuration": True,
        }.items():
            self._duckdb.execute(f"SET {setting} = {literal(value)}")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._duckdb.close()

    def run(self, query: str) -> Any:
        """Raises UnreadableFile."""
        with _refusals():
            return self._duckdb.execute(query)

    def opened(self, path: Path) -> Table:
        """Raises UnreadableFile where the file is not what its name says."""
        if path.suffix == PARQUET:
            return self._parquet(path)
        return self._json(path) if path.suffix == JSON else self._csv(path)

    def _parquet(self, path: Path) -> Table:
        with path.open("rb") as file:
            if file.read(4) != MAGIC:
                raise not_a_table("it does not begin like a Parquet file")
        of = f"read_parquet({literal(str(path))})"
        described = self.run(f"DESCRIBE SELECT * FROM {of}").fetchall()
        return _checked(Table(path, [Column(name, kind) for name, kind, *_ in described], of))

    def _json(self, path: Path) -> Table:
        texts = self.folder / "rows.jsonl"
        rows = save_rows(path, texts, MAX_COLUMNS)
        if not rows.columns and not rows.broken:
            raise empty()
        columns = [Column(name, kind) for name, kind in rows.columns.items()]
        of = read_json(texts, dict.fromkeys(rows.columns, "VARCHAR"))
        return _checked(Table(path, columns, of, broken=rows.broken, first_broken=rows.first))

    def _csv(self, path: Path) -> Table:
        with path.open("rb") as file:
            head = file.read(HEAD)
        delimiter, names = header(head, path.name)
        _check_names(names)
        types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        of = (
            f"read_csv({literal(str(path))}, auto_detect=false, header=true, "
            f"delim={literal(delimiter)}, quote='\"', escape='\"', columns={{{types}}}, "
            f"strict_mode=true, store_rejects=true, rejects_limit=0, "
            f"max_line_size={MAX_CELL}, buffer_size={2 * MAX_CELL})"
        )
        return _checked(Table(path, [Column(name, "VARCHAR") for name in names], of, delimiter))

    def rows(self, table: Table) -> Iterator[tuple[str, ...]]:
        """In order, every value as text; nothing is an empty text. Raises UnreadableFile."""
        if not table.columns:  # no line of it is a row
            return
        found = self.run(f"SELECT {', '.join(map(_as_text, table.columns))} FROM {table.of}")
        while True:
            with _refusals():
                some = found.fetchmany(AT_ONCE)
            if not some:
                return
            yield from some

    def count(self, table: Table) -> int:
        """Of its rows."""
        (count,) = self.run(f"SELECT count(*) FROM {table.of}").fetchone()
        return int(count)

    def broken_rows(self, table: Table) -> tuple[int, list[Problem]]:
        """How many lines are no rows, and the first of them; after `rows`."""
        if not table.delimiter:
            return table.broken, list(table.first_broken)
        (count,) = self.run("SELECT count(DISTINCT line) FROM reject_errors").fetchone()
        first = self.run(
            "SELECT line, any_value(error_type::VARCHAR), any_value(error_message), "
            f"any_value(csv_line) FROM reject_errors GROUP BY line ORDER BY line LIMIT {KEPT}"
        ).fetchall()
        return count, [
            broken_row(line, kind, message).model_copy(
                update={"excerpt": excerpt((text or "").encode())}
            )
            for line, kind, message, text in first
        ]


@contextmanager
def _refusals() -> Iterator[None]:
    """What DuckDB says, as a refusal of the table."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise too_large(str(error)) from error
    except duckdb.Error as error:
        raise not_a_table(str(error)) from error


def header(head: bytes, name: str) -> tuple[str, list[str]]:
    """How the columns are kept apart, and their names. Raises UnreadableFile."""
    text = head.decode("utf-8-sig", errors="replace")
    first = text.partition("\n")[0]
    if name.lower().endswith(".tsv"):
        delimiter = "\t"
    else:
        delimiter = max(DELIMITERS, key=lambda each: (first.count(each), each == ","))
    csv.field_size_limit(HEAD)
    try:
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error as error:
        raise not_a_table(str(error)) from error
    return delimiter, names


def _check_names(names: Sequence[str]) -> None:
    """Each names one column, in the first line."""
    empty = [n for n, name in enumerate(names, 1) if not name.strip()]
    if empty or not names:
        raise UnreadableFile(
            "unnamed_column",
            f"The first line does not name column {', '.join(map(str, empty[:10])) or '1'}.",
            "write a name for each column in the first line, and drop the table again",
        )


def _checked(table: Table) -> Table:
    names = table.names
    lowered = [name.lower() for name in names]
    twice = sorted({name for name in names if lowered.count(name.lower()) > 1})
    if twice:
        shown = ", ".join(repr(shorten(name, 60)) for name in twice[:10])
        raise UnreadableFile(
            "column_named_twice",
            f"Two columns have one name (capitals do not tell them apart): {shown}.",
            "give each column a name of its own, and drop the table again",
        )
    if len(names) > MAX_COLUMNS:
        raise UnreadableFile(
            "too_many_columns",
            f"The table has {len(names):,} columns; {MAX_COLUMNS:,} are read.",
            "leave out the columns that no request needs, and drop the table again",
        )
    return table


def read_json(path: Path, types: Mapping[str, str]) -> str:
    """How DuckDB reads lines that are objects of these columns."""
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
    return (
        f"read_json({literal(str(path))}, format='newline_delimited', columns={{{columns}}}, "
        f"maximum_object_size={MAX_TEXT})"
    )


def _as_text(column: Column) -> str:
    name = quoted(column.name)
    if column.type == "VARCHAR":
        return f"coalesce({name}, '')"
    is_nested = column.type.startswith(NESTED) or column.type.endswith("]")
    return f"coalesce({f'to_json({name})' if is_nested else name}::VARCHAR, '')"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return str(value)
