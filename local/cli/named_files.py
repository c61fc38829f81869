"""Which files the rows of a table name, as far as they lie beside it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from local.cli.opened_table import opened_table
from shared.batchfile.refusals import UnreadableFile
from shared.tables.files_beside import UnusableFile, names_files, path_below
from shared.tables.recipe import read_recipe
from shared.tables.templates import Templates, UnfilledTemplate


def named_files(table: Path, recipe: Path) -> set[str]:
    """Paths below the table's folder; what is wrong with table or recipe is told by the job."""
    text = recipe.read_bytes()
    found, _ = read_recipe(text)
    if found is None or not names_files(text.decode(errors="replace")):
        return set()
    templates = Templates(found)
    try:
        return set() if templates.problems else set(_named(table, templates))
    except UnreadableFile:
        return set()


def _named(path: Path, templates: Templates) -> Iterator[str]:
    with path.open("rb") as file, opened_table(path, file) as (connection, table):
        writer = templates.for_columns(table.names)
        for number, row in enumerate(connection.rows(table), 1):
            with suppress(UnfilledTemplate):
                writer.line(row, number)
            for name in templates.marks.taken():
                with suppress(UnusableFile):
                    if (path.parent / path_below(name)).is_file():
                        yield path_below(name)
