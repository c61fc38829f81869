"""`batchdrop try`: the first requests of a table, as a recipe makes them; nothing is sent."""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from functions.intake.table import Lines, mistakes_in
from local.cli.opened_table import opened_table
from shared.batchfile import schema
from shared.batchfile.refusals import UnreadableFile
from shared.jobs.estimate import Asked, Estimate, Kind, Learnt, estimate, in_words
from shared.jobs.keys import accepted_suffix
from shared.jobs.options import OPENAIS_WINDOW
from shared.jobs.prices import prices
from shared.problems import Problem, Problems
from shared.tables.files_beside import MAX_FILE_BYTES, Read, UnusableFile
from shared.tables.recipe import read_recipe
from shared.tables.templates import Templates

MOST_SHOWN = 20  # problems
PAYLOAD = re.compile(rb"(data:[\w/]+;base64,[A-Za-z0-9+/]{24})[A-Za-z0-9+/=]+")


def main(table: Path, recipe: Path, rows: int) -> int:
    """Status 0: every row makes a request. 1: some don't. 2: there is no such table or recipe."""
    if wrong := _not_usable(table, recipe):
        print(wrong, file=sys.stderr)
        return 2
    problems = Problems()
    for each in mistakes_in(recipe.read_bytes(), (OPENAIS_WINDOW,)):
        problems.add(each)
    try:
        for text in () if problems else _shown(table, recipe, rows, problems):
            print(text)
    except UnreadableFile as error:
        problems.add(error.problem)
    for each in problems.first[:MOST_SHOWN]:
        print(said(each), file=sys.stderr)
    if problems.total > MOST_SHOWN:
        print(f"… and {problems.total - MOST_SHOWN:,} more", file=sys.stderr)
    return 1 if problems else 0


def _not_usable(table: Path, recipe: Path) -> str:
    for path in (table, recipe):
        if not path.is_file():
            return f"{path} is not a file"
    return "" if accepted_suffix(table.name) else f"{table} is no .csv, .tsv, .parquet or .jsonl"


def _shown(path: Path, recipe_path: Path, rows: int, problems: Problems) -> Iterator[str]:
    """The first requests, then a line about the whole. Raises UnreadableFile."""
    recipe, _ = read_recipe(recipe_path.read_bytes())
    if recipe is None:
        raise AssertionError("its mistakes were looked for")
    templates = Templates(recipe)
    with path.open("rb") as file, opened_table(path, file) as (connection, table):
        missing = list(templates.missing(table.names))
        for each in missing:
            problems.add(each)
        if missing:
            return
        lines = Lines(templates, table.names, files_below(path.parent))
        asked = _Asked()
        for number, line in enumerate(lines.each(connection.rows(table), problems)):
            asked.add(line)
            if line and number < rows:
                yield _pretty(line)
        broken, first = connection.broken_rows(table)
    for each in first:
        problems.add(each)
    yield f"{lines.rows:,} rows, {broken:,} broken; the rest: {in_words(asked.estimate())}"


class _Asked:
    """What lines ask, by model; the one that names none counts nowhere."""

    def __init__(self) -> None:
        self._found = defaultdict[Kind, Asked](lambda: Asked(0, 0, 0, 0))

    def add(self, line: bytes) -> None:
        try:
            request = schema.decode(line)
        except schema.UNDECODABLE:
            return  # intake says what is wrong with it
        bounded, most = schema.output_bounds([request], request.url)
        asked = Asked(1, schema.tokens_in(line), bounded, most)
        kind = request.body.model, request.url
        self._found[kind] = Asked(*map(sum, zip(self._found[kind], asked, strict=True)))

    def estimate(self) -> Estimate:
        return estimate(self._found.items(), lambda kind: Learnt(), prices())


def files_below(folder: Path) -> Read:
    """Reads what lies below the table's own folder."""

    def read(name: str) -> bytes:
        path = folder / name
        if not path.is_file():
            raise UnusableFile(f"there is no {name!r} in {folder}/")
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)

    return read


def _pretty(line: bytes) -> str:
    """Without what files hold."""
    shortened = PAYLOAD.sub(lambda found: found[1] + b"...", line)
    return json.dumps(json.loads(shortened), ensure_ascii=False, indent=2)


def said(problem: Problem) -> str:
    where = f"line {problem.line}: " if problem.line else ""
    return f"{where}{problem.message} {problem.remedy}"
