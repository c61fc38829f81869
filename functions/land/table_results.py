"""The table comes back: its own columns, then what the model answered, row by row.

Imported only for the job of a table: what it needs is large.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from functions.land.merge import Landed
from shared.errors import NotGiven, Refused
from shared.jobs import keys
from shared.jobs.answer import Answer
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job
from shared.jobs.results import Fate, Judge, Verdict, judge_line
from shared.tables.columns import ERROR, INVALID, Columns
from shared.tables.download import download
from shared.tables.reading import Connection
from shared.tables.recipe import Recipe, read_recipe
from shared.tables.refusals import UnreadableTable
from shared.tables.writing import AnswerFile, suffix_of, write_results

KINDS = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv", "tsv": "text/csv"}
LOST = "The dropped table can't be read any more, so it does not come back: see results.jsonl."


def recipe_of(edges: JobEdges, job: Job) -> Recipe:
    """The version that the job was accepted with."""
    recipe, _ = read_recipe(edges.s3.read(f"{job.results_prefix}{keys.RECIPE}"))
    if recipe is None:
        raise AssertionError(f"the recipe of {job.id} was accepted, and is none now")
    return recipe


def judging(edges: JobEdges, job: Job) -> Judge:
    """An answer that is not what the recipe asks for may be one at the next try."""
    columns = Columns(recipe_of(edges, job))

    def judge(answer: Answer, line: bytes, endpoint: str) -> Verdict:
        verdict = judge_line(answer, line, endpoint)
        if verdict.fate is not Fate.SUCCEEDED or verdict.incomplete:
            return verdict
        why = str(columns.values(line).get(ERROR, ""))
        if not why.startswith(INVALID):
            return verdict
        return Verdict(Fate.MAY_SUCCEED, INVALID, why.removeprefix(f"{INVALID}: "))

    return judge


class TableResults:
    """Notes each answer as it passes; then writes the table."""

    def __init__(self, edges: JobEdges, job: Job, folder: Path) -> None:
        self._recipe = recipe_of(edges, job)
        self._columns = Columns(self._recipe)
        self._edges, self._job, self._folder = edges, job, folder
        self._path = folder / "answers.jsonl"
        self._file = self._path.open("wb")
        self._answers = AnswerFile(self._file)

    def noted(self, landed: Iterable[Landed]) -> Iterator[Landed]:
        for each in landed:
            self._answers.add(each.number, self._columns.values(each.line))
            yield each

    def written(self) -> tuple[str | None, list[str]]:
        """The table's key, and what a reader of the report should know."""
        edges, job = self._edges, self._job
        try:
            source = edges.s3.open_again(job.source)
            path, _ = download(source, job.key, self._folder, edges.settings.max_file_bytes)
            with Connection(self._folder) as connection:
                table = connection.opened(path, is_parquet=keys.is_parquet(job.key))
                self._answers.fill(connection.count(table))
                self._file.close()
                suffix = suffix_of(table, self._recipe.answer.format)
                to = self._folder / f"results.{suffix}"
                write_results(connection, table, self._path, self._columns.types, to)
        except (NotGiven, Refused, UnreadableTable) as error:
            if isinstance(error, NotGiven):
                raise
            return None, [LOST]
        key = f"{job.results_prefix}results.{suffix}"
        with to.open("rb") as file:
            edges.s3.write_file(key, file, KINDS[suffix])
        return key, []

    def close(self) -> None:
        self._file.close()
