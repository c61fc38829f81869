"""`batchdrop estimate`: what a file would cost; it is read here, and nothing is sent."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from rich.console import Console
from rich.progress import Progress

from functions.intake.table import Lines
from local.cli.opened_table import LARGEST, opened_table
from local.cli.try_table import MOST_SHOWN, files_below, said
from shared.batchfile.lines import unpacked
from shared.batchfile.part_builder import Copying, PartBuilder
from shared.batchfile.passes import Pass, read_in_passes
from shared.batchfile.refusals import UnreadableFile
from shared.batchfile.repeats import AskedOnce, Repeats
from shared.batchfile.schema import Limits
from shared.batchfile.splitter import Splitter
from shared.dollars import in_dollars
from shared.jobs.asked_once import asked_otherwise, repeats_in_words, saved_by
from shared.jobs.estimate import Asked, Estimate, Kind, Learnt, estimate, in_words
from shared.jobs.keys import accepted_suffix
from shared.jobs.options import Options, read_options
from shared.jobs.prices import prices
from shared.problems import Problem, Problems
from shared.report.model import dollars_of, estimate_report
from shared.tables.recipe import read_recipe
from shared.tables.templates import Templates


class _Found(NamedTuple):
    """What each part asks, and what the file asks more than once."""

    parts: list[tuple[Kind, Asked]]
    problems: Problems
    repeats: Repeats = Repeats()

    @property
    def requests(self) -> int:
        left_out = self.repeats.requests if isinstance(self.repeats, AskedOnce) else 0
        return sum(asked.requests for _, asked in self.parts) + left_out


def main(file: Path, recipe: Path | None, *, once: bool, as_json: bool) -> int:
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
            found = _read(file, recipe, disk, once=once)
    except UnreadableFile as error:
        found = _Found([], Problems())
        found.problems.add(error.problem)
    if found.problems or not found.parts:
        for each in found.problems.first[:MOST_SHOWN]:
            print(said(each), file=sys.stderr)
        print(f"{file} would be refused: {found.problems.total:,} problem(s)", file=sys.stderr)
        return 1
    print(json.dumps(_as_json(found), indent=2) if as_json else _as_text(found))
    return 0


def _read(file: Path, recipe: Path | None, disk: ExitStack, *, once: bool) -> _Found:
    """Raises UnreadableFile."""
    if recipe is None:
        return _passes(lambda: disk.enter_context(_shown_reading(file)), file.name, disk, once=once)
    problems, lines = Problems(), _spool(disk)
    options = _write_lines(file, recipe, lines, problems)
    if problems:
        return _Found([], problems)

    def again() -> BinaryIO:
        lines.seek(0)
        return lines

    once = once or options.duplicates == "once"
    return _passes(again, "lines.jsonl", disk, once=once)


def _passes(opened: Callable[[], BinaryIO], name: str, disk: ExitStack, *, once: bool) -> _Found:
    """As intake reads."""

    def read(this: Pass) -> tuple[Splitter, list[tuple[Kind, Asked]]]:
        copying = Copying(partial(_spool, disk), lambda start, length: (), hold=False)
        splitter = Splitter(
            Limits(), copying, skip=False, suspects=this.suspects, repeats=this.repeats
        )
        parts = splitter.split(unpacked(opened(), name), LARGEST)
        return splitter, [((each.model, each.url), _asked(each)) for each in parts]

    passed = read_in_passes(read, partial(_spool, disk), once=once)
    return _Found(passed.made, passed.splitter.problems, passed.repeats)


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


def _write_lines(table: Path, recipe_path: Path, to: BinaryIO, problems: Problems) -> Options:
    """Its rows as requests; the recipe's options."""
    recipe, wrong = read_recipe(recipe_path.read_bytes())
    if recipe is None:
        return _noted(wrong, problems)
    templates = Templates(recipe)
    options, odd = read_options(recipe.metadata())
    if wrong := [*templates.problems, *odd]:
        return _noted(wrong, problems)
    with _shown_reading(table) as file, opened_table(table, file) as (connection, found):
        if missing := list(templates.missing(found.names)):
            return _noted(missing, problems)
        lines = Lines(templates, found.names, files_below(table.parent))
        for piece in lines.of(connection.rows(found), problems, skip=False):
            to.write(piece)
        _, first = connection.broken_rows(found)
    _noted(first, problems)
    return options


def _noted(found: Iterable[Problem], problems: Problems) -> Options:
    for each in found:
        problems.add(each)
    return Options()


def _asked(part: PartBuilder) -> Asked:
    return Asked(part.requests, part.tokens, part.bounded, part.most_output)


def _estimates(found: _Found) -> tuple[Estimate, int | None]:
    """With what asking once saves, or would."""
    whole, other = (
        estimate(asked, lambda kind: Learnt(), prices())
        for asked in (found.parts, asked_otherwise(found.parts, found.repeats))
    )
    return whole, saved_by(whole, other)


def _as_json(found: _Found) -> dict[str, Any]:
    whole, saved = _estimates(found)
    told = estimate_report(whole).model_dump(mode="json", exclude={"learnt_from"})
    counted = {"requests": found.requests, "parts": len(found.parts)}
    once = isinstance(found.repeats, AskedOnce)
    repeats = {"requests": found.repeats.requests, "asked": not once, "usd": dollars_of(saved)}
    return {**counted, **told, "repeated": repeats}


def _as_text(found: _Found) -> str:
    whole, saved = _estimates(found)
    lines = [f"{found.requests:,} requests in {len(found.parts):,} part(s): {in_words(whole)}"]
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
    once = isinstance(found.repeats, AskedOnce)
    if told := repeats_in_words(found.repeats.requests, saved, once=once):
        lines.append(told)
    return "\n".join(lines)
