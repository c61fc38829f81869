"""Turns a stream of bytes into lines, compressed or not, in bounded memory."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

import zstandard

from shared.batchfile import refusals
from shared.batchfile.diagnosis import (
    GZIP,
    LONGEST_MAGIC,
    PEEK,
    ZSTD,
    refuse_not_packed,
    refuse_other_formats,
)

BLOCK = 1 << 18  # bytes read at a time; measured fastest, it stays in the cache
MAX_LINE_BYTES = 64 << 20  # one request; images inside it make lines of many MB
GIVE_UP_BYTES = 1 << 30  # a line this long is no JSON Lines file: reading stops
MAX_WINDOW = 128 << 20  # zstd --long=27; decompressing takes no more memory than that
SLICE = 1 << 20  # bytes decoded at once: with one emoji a text takes four times its bytes

TOO_LONG = b"\0a line longer than MAX_LINE_BYTES"  # stands for such a line, compared by identity

UTF8_MARK = b"\xef\xbb\xbf"


class Readable(Protocol):
    """What can be read in pieces: an S3 object, an open file."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines side by side, joined by newlines; `offset` is where the first one begins."""

    offset: int
    data: bytes
    marked: bool = False  # a byte order mark before the first was taken off

    @property
    def size(self) -> int:
        """Bytes, with the newline that ends the last line."""
        return len(self.data) + 1

    def is_utf8(self) -> bool:
        return self.data.isascii() or misencoded_at(self.data) is None


def misencoded_at(data: bytes) -> int | None:
    """Where the first byte is that is not UTF-8."""
    at = 0
    while at < len(data):
        try:
            _, good = codecs.utf_8_decode(data[at : at + SLICE], "strict", at + SLICE >= len(data))
        except UnicodeDecodeError as error:
            return at + error.start
        at += good
    return None


def unpacked(source: Readable, name: str) -> Readable:
    """The source's bytes, decompressed where its name ends in .gz or .zst."""
    lowered = name.lower()
    if lowered.endswith(".gz"):
        return cast(Readable, gzip.GzipFile(fileobj=cast(BinaryIO, _Packed(source, GZIP))))
    if lowered.endswith(".zst"):
        packed = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        whole = cast(BinaryIO, _Stopped(_Packed(source, ZSTD)))
        return packed.stream_reader(whole, read_across_frames=True)
    return source


class _Packed:
    """A stream that is what its name says, or raises UnreadableFile at the first read."""

    def __init__(self, source: Readable, magic: bytes) -> None:
        self._source = source
        self._magic = magic
        self._first = b""

    def read(self, size: int = -1, /) -> bytes:
        if self._magic:
            while len(self._first) < LONGEST_MAGIC and (more := self._source.read(BLOCK)):
                self._first += more
            refuse_not_packed(self._first, self._magic)
            self._magic = b""
        if not self._first:
            return self._source.read(size)
        size = size if size >= 0 else len(self._first)
        data, self._first = self._first[:size], self._first[size:]
        return data


class _Stopped:
    """A zstd stream with a frame of no content behind it, so that a truncated stream is an error.

    The decoder reports no error for a stream that ends inside a frame. With this behind it, such a
    stream goes on with bytes that are no block's header (0xff: a block has 128 KB at most).
    """

    STOP = b"\x50\x2a\x4d\x18" + (1 << 18).to_bytes(4, "little") + b"\xff" * (1 << 18)

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._stop = self.STOP

    def read(self, size: int = -1, /) -> bytes:
        data = self._source.read(size)
        if not data:
            data, self._stop = self._stop[:size], self._stop[size:]
        return data


def blocks(
    source: Readable, limit: int, max_line_bytes: int = MAX_LINE_BYTES, *, skip: bool = False
) -> Iterator[Block]:
    """Every line in order. Raises UnreadableFile.

    limit: bytes, after decompression, that are read before the file is refused.
    skip: bad lines are left out, so a file with a good line is what it says.
    """
    line = _Unfinished(max_line_bytes)
    for chunk in _text_chunks(source, limit, line, skip=skip):
        yield from line.lines_in(chunk)
    if line.size:
        yield line.ended(b"")


class _Unfinished:
    """The line whose newline has not come yet, in pieces, so that growing costs nothing."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.marked = False
        self.start(0)

    def start(self, offset: int) -> None:
        self.offset = offset
        self.size = 0
        self.pieces: list[bytes] = []

    @property
    def too_long(self) -> bool:
        return self.size > self._max_bytes

    def lines_in(self, chunk: bytes) -> Iterator[Block]:
        """The lines that a chunk completes; what follows its last newline begins the next."""
        first = chunk.find(b"\n")
        if first >= 0 and self.size + first > self._max_bytes:
            self.grow(chunk[:first])
            yield self.ended(b"")
            chunk = chunk[first + 1 :]
        last = chunk.rfind(b"\n")
        if last >= 0:
            yield self.ended(memoryview(chunk)[:last])  # copied once, with what it completes
        self.grow(chunk[last + 1 :])

    def grow(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > GIVE_UP_BYTES:
            raise refusals.line_too_long(GIVE_UP_BYTES)
        if chunk and not self.too_long:
            self.pieces.append(chunk)

    def ended(self, rest: bytes | memoryview) -> Block:
        """The line up to its newline; the next one begins after it."""
        data = TOO_LONG if self.too_long else b"".join((*self.pieces, rest))
        block = Block(self.offset, data, self.marked)
        self.marked = False
        self.start(self.offset + self.size + len(rest) + 1)
        return block


def _text_chunks(source: Readable, limit: int, line: _Unfinished, *, skip: bool) -> Iterator[bytes]:
    """The chunks, without the byte order mark that may open the first."""
    chunks = _chunks(source, limit)
    first, ended = b"", False
    while len(first) < PEEK and not ended:
        chunk = next(chunks, b"")
        first, ended = first + chunk if first else chunk, not chunk
    if first.startswith(UTF8_MARK):
        line.marked = True
        line.start(len(UTF8_MARK))
        first = first[len(UTF8_MARK) :]
    refuse_other_formats(first, whole=ended, skip=skip)
    yield first
    yield from chunks


def _chunks(source: Readable, limit: int) -> Iterator[bytes]:
    total = 0
    while chunk := _read(source):
        total += len(chunk)
        if total > limit:
            raise refusals.file_too_large(limit)
        yield chunk


def _read(source: Readable) -> bytes:
    try:
        return source.read(BLOCK)
    except EOFError as error:
        raise refusals.damaged("ends too early", error) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise refusals.damaged("is damaged", error) from error
    except zstandard.ZstdError as error:
        raise refusals.damaged("is damaged or ends too early", error) from error
