"""A table on its way to the disk: unpacked, and if it is text, UTF-8 with one kind of line ends."""

import codecs
import gzip
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import zstandard

from shared.batchfile.lines import BLOCK, Readable, unpacked
from shared.tables.refusals import no_room, not_a_table, wrong_encoding

DISK_SHARE = 0.8  # of what is free: DuckDB spills into the rest
MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
OTHERS = {
    b"PAR1": "it is a Parquet file",
    b"\x1f\x8b": "it is compressed with gzip, and its name says nothing of it",
    b"\x28\xb5\x2f\xfd": "it is compressed with zstd, and its name says nothing of it",
    b"PK\x03\x04": "it is a zip archive or an Excel file: save it as CSV",
}
PACKED = (".gz", ".zst")
MIXED = "The table's line ends were of two kinds; they are read, and come back, as one."


def download(source: Readable, key: str, folder: Path, most: int) -> tuple[Path, list[str]]:
    """Where it lies, and notes on what was changed. Raises UnreadableFile.

    most: bytes, unpacked; the disk may hold fewer.
    """
    name = key.lower()
    for each in PACKED:
        name = name.removesuffix(each)
    path = folder / f"dropped{Path(name).suffix}"
    room = int(shutil.disk_usage(folder).free * DISK_SHARE)
    chunks = _chunks(unpacked(source, key), min(room, most))
    if path.suffix == ".parquet":
        _save(chunks, path)
        return path, []
    text = _Text()
    _save(text.checked(chunks), path)
    return path, [MIXED] if text.is_mixed else []


def _save(chunks: Iterator[bytes], path: Path) -> None:
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)


def _chunks(source: Readable, room: int) -> Iterator[bytes]:
    size = 0
    try:
        while chunk := source.read(BLOCK):
            size += len(chunk)
            if size > room:
                raise no_room(size, room)
            yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise not_a_table(f"it can't be unpacked: {error}") from error


class _Text:
    """Looks at each piece as it passes."""

    def __init__(self) -> None:
        self.is_mixed = False
        self._lines = 0

    def checked(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        held = b""
        for number, chunk in enumerate(chunks):
            if not number:
                self._look(chunk)
            self._decode(decoder, chunk)
            if not self.is_mixed:
                yield chunk
                continue
            text = held + chunk
            held = b"\r" if text.endswith(b"\r") else b""  # its newline may be the next byte
            yield text.removesuffix(held).replace(b"\r\n", b"\n")
        self._decode(decoder, b"", final=True)
        yield held

    def _decode(
        self, decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False
    ) -> None:
        try:
            decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            line = self._lines + chunk[: error.start].count(b"\n") + 1
            raise wrong_encoding("WINDOWS-1252", f"line {line:,}") from error
        self._lines += chunk.count(b"\n")

    def _look(self, chunk: bytes) -> None:
        for magic, what in OTHERS.items():
            if chunk.startswith(magic):
                raise not_a_table(what)
        for mark, name in MARKS.items():
            if chunk.startswith(mark):
                raise wrong_encoding(name, "it begins with its mark")
        if chunk[:2_000].count(b"\0") > 200:
            raise wrong_encoding("UTF-16", "every other byte is zero")
        pairs = chunk.count(b"\r\n")
        self.is_mixed = 0 < pairs < chunk.count(b"\n")
