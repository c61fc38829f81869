"""Where the recipe lies that applies to an object of the inbox, and what gets no job beside it."""

from shared.aws.s3 import S3Store
from shared.errors import NotFound
from shared.jobs.keys import RECIPE
from shared.objects import Source
from shared.tables.files_beside import may_be_named, names_files


def nearest_recipe(s3: S3Store, dropped: Source) -> Source | None:
    """Beside it, or in a folder above. Raises Refused where S3 will not say."""
    folder = dropped.key.rpartition("/")[0]
    while folder:
        try:
            return s3.newest(dropped.bucket, f"{folder}/{RECIPE}")
        except NotFound:
            folder = folder.rpartition("/")[0]
    return None


class FilesBeside:
    """Images and PDFs that a table's rows may name: they are no jobs of their own."""

    def __init__(self, s3: S3Store) -> None:
        self._s3 = s3
        self._known: dict[str, bool | None] = {}  # by folder, as there may be many files in it

    def are_named(self, dropped: Source) -> bool | None:
        """None: there is no recipe yet. Raises Refused where S3 will not say."""
        if not may_be_named(dropped.key):
            return False
        folder = dropped.key.rpartition("/")[0]
        if folder not in self._known:
            recipe = nearest_recipe(self._s3, dropped)
            self._known[folder] = None if recipe is None else self._names_files(recipe)
        return self._known[folder]

    def _names_files(self, recipe: Source) -> bool:
        text = b"".join(self._s3.chunks_of_theirs(recipe))
        return names_files(text.decode(errors="replace"))
