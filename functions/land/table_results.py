"""The table comes back: its own columns, then what the model answered, row by row.

Imported only for the job of a table: what it needs is large.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from functions.land.merge import Landed
from shared.jobs import keys
from shared.jobs.answer import Answer
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job
from shared.jobs.results import Fate, Judge, Verdict, judge_line
from shared.objects import Source
from shared.report.model import ColumnReport, TableReport
from shared.tables.columns import ERROR, INVALID, Columns
from shared.tables.download import download
from shared.tables.reading import Connection
from shared.tables.recipe import Recipe, read_recipe
from shared.tables.writing import AnswerFile, first_rows, name_of, suffix_of, write_results
from shared.text import sanitize_lines, shorten

KINDS = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".jsonl": "application/jsonl",
}
MOST_VALUES = 50  # different ones that are counted
SHORT = 40  # characters
LONGEST = 120  # characters of a value in the report
LONGEST_RECIPE = 4_000


def recipe_of(edges: JobEdges, job: Job) -> tuple[Recipe, str]:
    """The version that the job was accepted with, and its text."""
    text = edges.s3.read(f"{job.results_prefix}{keys.RECIPE}")
    recipe, _ = read_recipe(text)
    if recipe is None:
        raise AssertionError(f"the recipe of {job.id} was accepted, and is none now")
    return recipe, text.decode("utf-8-sig")


def judging(edges: JobEdges, job: Job) -> Judge:
    """An answer that is not what the recipe asks for may be one at the next try."""
    recipe, _ = recipe_of(edges, job)
    columns = Columns(recipe)

    def judge(answer: Answer, line: bytes, endpoint: str) -> Verdict:
        verdict = judge_line(answer, line, endpoint)
        return _as_asked(verdict, columns.values(line)) if _is_whole(verdict) else verdict

    return judge


def _is_whole(verdict: Verdict) -> bool:
    return verdict.fate is Fate.SUCCEEDED and not verdict.incomplete


def _as_asked(verdict: Verdict, values: Mapping[str, Any]) -> Verdict:
    why = str(values.get(ERROR, ""))
    if not why.startswith(INVALID):
        return verdict
    return Verdict(Fate.MAY_SUCCEED, INVALID, why.removeprefix(f"{INVALID}: "))


class TableResults:
    """Notes each answer as it passes; then writes the table."""

    def __init__(self, edges: JobEdges, job: Job, folder: Path) -> None:
        self._recipe, self._recipe_text = recipe_of(edges, job)
        self._columns = Columns(self._recipe)
        self._edges, self._job, self._folder = edges, job, folder
        self._path = folder / "answers.jsonl"
        self._file = self._path.open("wb")
        self._answers = AnswerFile(self._file)
        self._tally = Tally(self._columns.types)
        self._first: list[dict[str, str]] = []

    def note(self, each: Landed, answer: Answer) -> Verdict:
        """Judges the next answer, too: what it says is taken from it once."""
        values = self._columns.values(each.line)
        self._answers.add(each.number, values)
        self._tally.add(values)
        verdict = judge_line(answer, each.line, each.part.endpoint)
        return _as_asked(verdict, values) if _is_whole(verdict) else verdict

    def written(self) -> str:
        """The table's key. Raises NotGiven, Refused or UnreadableFile, if it can't be read."""
        edges, job = self._edges, self._job
        source = edges.s3.open_again(job.source)
        path, _ = download(source, job.key, self._folder, edges.settings.max_file_bytes)
        to = self._write(path)
        key = f"{job.results_prefix}{to.name}"
        with to.open("rb") as file:
            edges.s3.write_file(key, file, KINDS[to.suffix])
        return key

    def _write(self, path: Path) -> Path:
        with Connection(self._folder) as connection:
            table = connection.opened(path)
            self._answers.fill(connection.count(table))
            self._file.close()
            to = self._folder / name_of(suffix_of(table, self._recipe.answer.format))
            write_results(connection, table, self._path, self._columns.types, to)
            self._first = first_rows(connection, to, table)
        return to

    def report(self, source: Source) -> TableReport:
        """source: the recipe's."""
        return TableReport(
            recipe=source,
            recipe_text=sanitize_lines(shorten(self._recipe_text, LONGEST_RECIPE)),
            rows=self._answers.rows,
            columns=self._tally.columns(),
            first=[
                {shorten(name, LONGEST): shorten(value, LONGEST) for name, value in row.items()}
                for row in self._first
            ],
            invalid=dict(self._tally.invalid.most_common()),
        )

    def close(self) -> None:
        self._file.close()


class Tally:
    """What the model filled in, counted in memory that does not grow with the table."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = types
        self._filled = Counter[str]()
        self._values = {name: Counter[str]() for name in types}
        self.invalid = Counter[str]()

    def add(self, values: Mapping[str, Any]) -> None:
        why = str(values.get(ERROR, ""))
        if why.startswith(INVALID) and len(self.invalid) < MOST_VALUES:
            self.invalid[why.removeprefix(f"{INVALID}: ")] += 1
        for name, value in values.items():
            if name in self._types and value is not None:
                self._filled[name] += 1
                self._count(name, value)

    def _count(self, name: str, value: Any) -> None:
        """Until there are too many different ones, or one is long."""
        if name not in self._values or self._types[name] == "FLOAT[]":
            return
        counted = self._values[name]
        counted[str(value).lower() if isinstance(value, bool) else str(value)] += 1
        if len(counted) > MOST_VALUES or len(str(value)) > SHORT:
            del self._values[name]

    def columns(self) -> list[ColumnReport]:
        return [
            ColumnReport(
                name=shorten(name, LONGEST),
                type=kind,
                filled=self._filled[name],
                values=dict(self._values.get(name, Counter[str]()).most_common()),
            )
            for name, kind in self._types.items()
        ]
