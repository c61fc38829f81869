"""`batchdrop estimate`: what a file would cost; it is read here, and nothing is sent."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from rich.console import Console
from rich.progress import Progress

from functions.intake.table import Lines
from local.cli.opened_table import LARGEST, opened_table
from local.cli.try_table import MOST_SHOWN, files_below, said
from shared.batchfile.lines import Readable, unpacked
from shared.batchfile.part_builder import Copying, PartBuilder
from shared.batchfile.refusals import UnreadableFile
from shared.batchfile.schema import Limits
from shared.batchfile.splitter import Splitter
from shared.dollars import in_dollars
from shared.jobs.estimate import Asked, Estimate, Kind, Learnt, estimate, in_words
from shared.jobs.keys import accepted_suffix
from shared.jobs.prices import prices
from shared.problems import Problems
from shared.report.model import estimate_report
from shared.tables.recipe import read_recipe
from shared.tables.templates import Templates


def main(file: Path, recipe: Path | None, *, as_json: bool) -> int:
    """Status 0: it is told. 1: the file would be refused. 2: there is no such file."""
    for path in filter(None, (file, recipe)):
        if not path.is_file():
            print(f"{path} is not a file", file=sys.stderr)
            return 2
    if accepted_suffix(file.name) is None:
        print(f"{file} is no .jsonl, .csv, .tsv or .parquet", file=sys.stderr)
        return 2
    try:
        with ExitStack() as disk:
            found, problems = _read(file, recipe, disk)
    except UnreadableFile as error:
        found, problems = [], Problems()
        problems.add(error.problem)
    if problems or not found:
        for each in problems.first[:MOST_SHOWN]:
            print(said(each), file=sys.stderr)
        print(f"{file} would be refused: {problems.total:,} problem(s)", file=sys.stderr)
        return 1
    whole = estimate(found, lambda kind: Learnt(), prices())
    print(json.dumps(_as_json(found, whole), indent=2) if as_json else _as_text(found, whole))
    return 0


def _read(
    file: Path, recipe: Path | None, disk: ExitStack
) -> tuple[list[tuple[Kind, Asked]], Problems]:
    """What each part asks. Raises UnreadableFile."""
    if recipe is None:
        return _passes(lambda: disk.enter_context(_shown_reading(file)), file.name, disk)
    problems, lines = Problems(), _spool(disk)
    _write_lines(file, recipe, lines, problems)
    if problems:
        return [], problems

    def again() -> BinaryIO:
        lines.seek(0)
        return lines

    return _passes(again, "lines.jsonl", disk)


def _passes(
    opened: Callable[[], BinaryIO], name: str, disk: ExitStack
) -> tuple[list[tuple[Kind, Asked]], Problems]:
    """As intake reads: a second time where a custom_id seems to be used twice."""
    copying = Copying(partial(_spool, disk), lambda start, length: ())
    splitter = Splitter(Limits(), copying, skip=False, hold=False)
    found = _asked_in(splitter, unpacked(opened(), name))
    if suspects := splitter.suspects():
        splitter = Splitter(Limits(), copying, skip=False, hold=False, suspects=suspects)
        found = _asked_in(splitter, unpacked(opened(), name))
    return found, splitter.problems


def _asked_in(splitter: Splitter, source: Readable) -> list[tuple[Kind, Asked]]:
    return [((each.model, each.url), _asked(each)) for each in splitter.split(source, LARGEST)]


def _spool(disk: ExitStack) -> BinaryIO:
    return disk.enter_context(cast(BinaryIO, tempfile.TemporaryFile()))


@contextmanager
def _shown_reading(file: Path) -> Iterator[BinaryIO]:
    """With a bar, where there is a terminal."""
    console = Console(stderr=True)
    with (
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
        progress.open(file, "rb", description=f"reading {file.name}") as reading,
    ):
        yield reading


def _write_lines(table: Path, recipe_path: Path, to: BinaryIO, problems: Problems) -> None:
    recipe, wrong = read_recipe(recipe_path.read_bytes())
    templates = Templates(recipe) if recipe else None
    for each in templates.problems if templates else wrong:
        problems.add(each)
    if templates is None or problems:
        return
    with _shown_reading(table) as file, opened_table(table, file) as (connection, found):
        for each in templates.missing(found.names):
            problems.add(each)
        if problems:
            return
        lines = Lines(templates, found.names, files_below(table.parent))
        for piece in lines.of(connection.rows(found), problems, skip=False):
            to.write(piece)
        _, first = connection.broken_rows(found)
    for each in first:
        problems.add(each)


def _asked(part: PartBuilder) -> Asked:
    return Asked(part.requests, part.tokens, part.bounded, part.most_output)


def _as_json(parts: list[tuple[Kind, Asked]], whole: Estimate) -> dict[str, Any]:
    found = estimate_report(whole).model_dump(mode="json", exclude={"learnt_from"})
    return {"requests": sum(asked.requests for _, asked in parts), "parts": len(parts), **found}


def _as_text(parts: list[tuple[Kind, Asked]], whole: Estimate) -> str:
    requests = sum(asked.requests for _, asked in parts)
    lines = [f"{requests:,} requests in {len(parts):,} part(s): {in_words(whole)}"]
    for model, each in whole.by_model.items():
        price = "price not known" if each.expected is None else in_dollars(each.expected)
        lines.append(
            f"  {model}: {each.requests:,} requests, {each.input_tokens:,} prompt tokens, "
            f"{each.output_tokens:,} tokens of answers, {price}"
        )
    if whole.unbounded_requests:
        lines.append(
            f"{whole.unbounded_requests:,} requests set no limit to their answers "
            "(max_output_tokens, max_completion_tokens): nobody can say what they cost at most"
        )
    return "\n".join(lines)
