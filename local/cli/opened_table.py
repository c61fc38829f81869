"""A table on this machine, as intake opens one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from shared.tables.download import download
from shared.tables.reading import Connection, Table

LARGEST = 100_000_000_000  # bytes, unpacked


@contextmanager
def opened_table(path: Path, file: BinaryIO) -> Iterator[tuple[Connection, Table]]:
    """file: the path's bytes. Raises UnreadableFile."""
    with tempfile.TemporaryDirectory() as folder:
        lying, _ = download(file, path.name, Path(folder), LARGEST)
        with Connection(Path(folder)) as connection:
            yield connection, connection.opened(lying)
