"""Reads a dropped file: its options, everything that is wrong with it, and its parts."""

from collections.abc import Mapping

from functions.intake.checked import Checked
from functions.intake.names import wrong_name, wrong_place
from functions.intake.reading import read_lines
from shared.batchfile.lines import blocks, unpacked
from shared.batchfile.refusals import UnreadableFile
from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job, TableJob
from shared.jobs.options import foreign_names, read_options
from shared.jobs.recipes import nearest_recipe
from shared.objects import Source
from shared.problems import Problems
from shared.tables.json_rows import is_row
from shared.text import sanitize

BEGINNING = 1 << 20  # bytes of a file in which its first line is looked for
NO_REQUESTS = (
    "The first line has neither custom_id nor url. If the lines are rows of a table, drop a "
    "recipe.yaml beside the file (docs/tables.md), and then the file again."
)


def check(edges: JobEdges, job: Job) -> Checked:
    """Parts that need bytes of their own are written to S3.

    Raises StoreNotReady, and Refused where S3 will not give the file.
    """
    problems = Problems()
    if not keys.is_in_inbox(job.key):
        problems.add(wrong_place(job.source))
        return Checked(problems)
    if keys.is_recipe(job.key):
        return Checked(check_recipe(edges, job.source))
    if keys.accepted_suffix(job.key) is None:
        problems.add(wrong_name(job.key))
        return Checked(problems)
    size, metadata = edges.s3.head(job.source)
    if keys.table_suffix(job.key):
        return _check_table(edges, job, metadata, problems)
    holds_rows = _holds_rows(edges, job, size)
    if holds_rows and nearest_recipe(edges.s3, job.source):
        return _check_table(edges, job, metadata, problems)
    notes = [*_notes(metadata), *([NO_REQUESTS] if holds_rows else [])]
    return _check_requests(edges, job, size, Checked(problems, metadata=metadata, notes=notes))


def _check_requests(edges: JobEdges, job: Job, size: int, read: Checked) -> Checked:
    options, wrong = read_options(read.metadata, edges.settings.windows)
    for each in wrong:
        read.problems.add(each)
    read = read._replace(options=options)
    return read if wrong else read_lines(edges, job, size, read)


def _holds_rows(edges: JobEdges, job: Job, size: int) -> bool:
    """Whether its first line is an object that is not meant as a request."""
    begins = job.source.span(0, min(size, BEGINNING))
    source = unpacked(edges.s3.open_theirs(begins), job.key)
    try:
        block = next(blocks(source, edges.settings.max_file_bytes), None)
    except UnreadableFile:
        return False  # or its beginning alone can't be unpacked
    lines = block.data.split(b"\n") if block else []
    return is_row(next(filter(bytes.strip, lines), b""))


def check_recipe(edges: JobEdges, source: Source) -> Problems:
    """Of its own, without a table; one that is fine by now has none."""
    from functions.intake.table import mistakes_in  # noqa: PLC0415  # large, and seldom needed

    text = b"".join(edges.s3.chunks_of_theirs(source))
    problems = Problems()
    for each in mistakes_in(text, edges.settings.windows):
        problems.add(each)
    return problems


def check_without_recipe(edges: JobEdges, job: Job) -> Problems:
    """Nobody dropped one: how to write it."""
    from functions.intake.table import without_recipe  # noqa: PLC0415  # large, seldom needed

    problems = Problems()
    without_recipe(edges, job, problems)
    return problems


def _check_table(
    edges: JobEdges, job: Job, metadata: Mapping[str, str], problems: Problems
) -> Checked:
    """Its rows become lines, and those are read as a dropped file's. Raises NoRecipe."""
    from functions.intake import table  # noqa: PLC0415  # large, and seldom needed

    recipe = table.find_recipe(edges, job)
    said = table.options_of(recipe)
    options, wrong = read_options({**said, **metadata}, edges.settings.windows)
    for each in wrong:
        problems.add(each)
    read = Checked(problems, options, metadata, notes=_notes(metadata))
    skip = options.bad_lines == "skip"
    prepared = None if wrong else table.TableCheck(edges, job, problems, skip).prepare(recipe)
    if prepared is None or (problems and not skip):
        return read
    of = TableJob(lines=prepared.lines, recipe=prepared.recipe_source)
    size, _ = edges.s3.head(of.lines)
    lines = read_lines(edges, job.model_copy(update={"table": of}), size, read)
    lines.problems.merge(problems)
    notes = [*lines.notes, *prepared.notes]
    return lines._replace(table=of, recipe=prepared.recipe, notes=notes)


def _notes(metadata: Mapping[str, str]) -> list[str]:
    names = foreign_names(metadata)
    shown = ", ".join(sanitize(each, 40) for each in names[:10])
    return [f"Metadata that is no option was left alone: {shown}."] if names else []
