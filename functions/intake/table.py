"""A dropped table becomes lines, one for each row, that go the way of a dropped file's lines.

The lines are written to S3 once and stay there with the job's parts, so that whatever becomes of
table and recipe, every later step reads the same requests. Imported only where there is a table:
what it needs is large.
"""

import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from functions.intake.attempts import NoRecipe
from shared.batchfile.refusals import UnreadableFile
from shared.errors import NotFound, Refused
from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job
from shared.jobs.options import read_options
from shared.jobs.recipes import nearest_recipe
from shared.objects import Source
from shared.problems import Problem, Problems
from shared.tables import recipe as recipes
from shared.tables.answer_schema import wrong_schema
from shared.tables.download import download
from shared.tables.files_beside import MAX_FILE_BYTES, Read, UnusableFile
from shared.tables.reading import Connection
from shared.tables.recipe import read_recipe, starter
from shared.tables.refusals import empty
from shared.tables.templates import Templates, UnfilledTemplate

AT_ONCE = 200  # rows whose lines are passed on together
ROWS_AT_ONCE = 8  # whose files are read: each may have 50 MB, and they wait for their turn


class Prepared(NamedTuple):
    """A table's requests, and the recipe they were made by."""

    lines: Source
    recipe: bytes
    recipe_source: Source
    notes: Sequence[str] = ()


class Found(NamedTuple):
    """A recipe as it lies in the inbox."""

    source: Source
    text: bytes


def find_recipe(edges: JobEdges, job: Job) -> Found:
    """The nearest one, beside the table or above it. Raises NoRecipe, or Refused."""
    source = nearest_recipe(edges.s3, job.source)
    if source is None:
        raise NoRecipe
    return Found(source, b"".join(edges.s3.chunks_of_theirs(source)))


def mistakes_in(text: bytes, windows: Sequence[str]) -> list[Problem]:
    """Everything that is wrong with a recipe, whatever table it is for."""
    recipe, wrong = read_recipe(text)
    if recipe is None:
        return wrong
    _, odd = read_options(recipe.metadata(), windows)
    return [*Templates(recipe).problems, *wrong_schema(recipe), *odd]


def options_of(found: Found) -> dict[str, str]:
    """What the recipe says, where S3's metadata says nothing."""
    recipe, _ = read_recipe(found.text)
    return recipe.metadata() if recipe else {}


@dataclass(frozen=True)
class TableCheck:
    """One look at a table; what is wrong with it goes into `problems`."""

    edges: JobEdges
    job: Job
    problems: Problems
    skip: bool  # rows that can't be asked are left out

    def prepare(self, found: Found) -> Prepared | None:
        """Writes the requests; None, if the table or the recipe as a whole is the problem."""
        recipe, wrong = read_recipe(found.text)
        templates = Templates(recipe) if recipe else None
        if recipe and templates:
            wrong = [*templates.problems, *wrong_schema(recipe)]
        self._add(wrong)
        if templates is None or wrong:
            return None
        try:
            with tempfile.TemporaryDirectory() as folder:
                notes = self._write(templates, Path(folder))
        except UnreadableFile as error:
            self.problems.add(error.problem)
            return None
        lines = self.edges.s3.ours(keys.table_lines_key(self.job))
        return None if notes is None else Prepared(lines, found.text, found.source, notes)

    def _write(self, templates: Templates, folder: Path) -> list[str] | None:
        """Raises UnreadableFile; None, if the recipe names columns that there are not."""
        path, notes = _downloaded(self.edges, self.job, folder)
        with Connection(folder) as connection:
            table = connection.opened(path)
            missing = list(templates.missing(table.names))
            if missing:
                self._add(missing)
                return None
            lines = Lines(templates, table.names, files_below(self.edges, self.job.source))
            written = lines.of(connection.rows(table), self.problems, skip=self.skip)
            self.edges.s3.write(keys.table_lines_key(self.job), written)
            broken, first = connection.broken_rows(table)
            self._add(first, of=broken)
            if not lines.rows and not broken:
                raise empty()
        return notes

    def _add(self, found: Sequence[Problem], of: int = 0) -> None:
        """of: lines in all, of which the first are told in full."""
        for each in found:
            self.problems.add(each)
        self.problems.bad_lines += of
        if of > len(found):
            self.problems.by_code[found[0].code] += of - len(found)


def without_recipe(edges: JobEdges, job: Job, problems: Problems) -> None:
    """How to write one, with this table's columns filled in."""
    columns: Sequence[str] = ("title", "text")
    with tempfile.TemporaryDirectory() as folder:
        try:
            path, _ = _downloaded(edges, job, Path(folder))
            with Connection(Path(folder)) as connection:
                columns = connection.opened(path).names
        except UnreadableFile as error:
            problems.add(error.problem)
            return
    place = job.key.rpartition("/")[0]
    problems.add(
        Problem(
            code="no_recipe",
            message=f"There is no {recipes.FILE} in {place}/ or a folder above it that says how a "
            "row becomes a request.",
            remedy=f"write one, such as this, and drop the table again:\n{starter(columns)}",
        )
    )


def _downloaded(edges: JobEdges, job: Job, folder: Path) -> tuple[Path, list[str]]:
    source = edges.s3.open_theirs(job.source)
    return download(source, job.key, folder, edges.settings.max_file_bytes)


class Lines:
    """A line of JSON for each row; a row that suits no template leaves an empty one."""

    def __init__(self, templates: Templates, names: Sequence[str], read: Read) -> None:
        """read: files that rows name."""
        self._writer = templates.for_columns(names)
        self._marks, self._files_at = templates.marks, templates.files_at
        self._read = read
        self.rows = 0
        self.unfilled = 0  # rows among them

    def of(
        self, rows: Iterable[Sequence[str]], problems: Problems, *, skip: bool
    ) -> Iterator[bytes]:
        """In pieces. Once the table is refused, rows are still looked at, and none is written."""
        made = self.each(rows, problems)
        while some := list(islice(made, 1 if self._files_at else AT_ONCE)):
            if self.unfilled and not skip:
                some = [b""] * len(some)
            yield b"\n".join(some) + b"\n"

    def each(self, rows: Iterable[Sequence[str]], problems: Problems) -> Iterator[bytes]:
        """In order."""
        made = self._with_files(rows) if self._files_at else self._made(rows)
        for number, line in enumerate(made, 1):
            if isinstance(line, bytes):
                yield line
                continue
            self.unfilled += 1
            problems.add_line([_unfilled(number, line)])
            yield b""

    def _made(self, rows: Iterable[Sequence[str]]) -> Iterator[bytes | UnfilledTemplate]:
        line = self._writer.line
        for self.rows, row in enumerate(rows, 1):  # counted where it is read
            try:
                yield line(row, self.rows)
            except UnfilledTemplate as error:
                yield error

    def _with_files(self, rows: Iterable[Sequence[str]]) -> Iterator[bytes | UnfilledTemplate]:
        """Some rows' files are read while the row before them is taken."""
        waiting = deque[Future[bytes | UnfilledTemplate]]()
        with ThreadPoolExecutor(ROWS_AT_ONCE) as threads:
            for line in self._made(rows):
                waiting.append(threads.submit(self._filled, line, self._marks.taken()))
                if len(waiting) == ROWS_AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _filled(self, line: bytes | UnfilledTemplate, names: list[str]) -> bytes | UnfilledTemplate:
        if not isinstance(line, bytes):
            return line
        try:
            return self._marks.filled(line, names, self._read)
        except UnusableFile as error:
            return UnfilledTemplate(self._files_at, str(error))


def files_below(edges: JobEdges, table: Source) -> Read:
    """Reads what lies below the table's own folder."""
    folder = table.key.rpartition("/")[0]

    def read(name: str) -> bytes:
        source = Source(bucket=table.bucket, key=f"{folder}/{name}")
        try:
            return edges.s3.beginning_of_theirs(source, MAX_FILE_BYTES + 1)
        except NotFound as error:
            raise UnusableFile(f"there is no {name!r} in {folder}/") from error
        except Refused as error:
            raise UnusableFile(f"S3 does not give {name!r}: {error.reason}") from error

    return read


def _unfilled(row: int, error: UnfilledTemplate) -> Problem:
    return Problem(
        line=row,
        code="unfilled_template",
        param=error.where,
        message=f"Row {row:,} can't be filled in: {error.where}: {error.reason}.",
        remedy="mend the row or the template, or set the option bad-lines: skip",
    )
