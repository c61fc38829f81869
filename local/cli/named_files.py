"""Which files the rows of a table name, as far as they lie beside it."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from shared.batchfile.refusals import UnreadableFile
from shared.tables.download import download
from shared.tables.files_beside import UnusableFile, names_files, path_below
from shared.tables.reading import Connection
from shared.tables.recipe import read_recipe
from shared.tables.templates import Templates, UnfilledTemplate

LARGEST = 100_000_000_000  # bytes, unpacked


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
    with tempfile.TemporaryDirectory() as folder, path.open("rb") as file:
        lying, _ = download(file, path.name, Path(folder), LARGEST)
        with Connection(Path(folder)) as connection:
            table = connection.opened(lying)
            writer = templates.for_columns(table.names)
            for number, row in enumerate(connection.rows(table), 1):
                with suppress(UnfilledTemplate):
                    writer.line(row, number)
                for name in templates.marks.taken():
                    with suppress(UnusableFile):
                        if (path.parent / path_below(name)).is_file():
                            yield path_below(name)
