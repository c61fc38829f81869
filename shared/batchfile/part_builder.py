"""A part that is still growing: a span of the dropped object, or a copy of its lines."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple, Self

from shared.batchfile import schema
from shared.batchfile.library_refs import Resolve

Reread = Callable[[int, int], Iterable[bytes]]  # (start, length) of the dropped object


@dataclass(frozen=True, slots=True)
class Copying:
    """How a part gets bytes of its own: a fresh spool, and the object's bytes read again."""

    spool: Callable[[], BinaryIO]
    reread: Reread | None  # None: the object is packed
    resolve: Resolve | None = None  # a library's name to its store: such lines change


class Lines(NamedTuple):
    """Good lines for one part."""

    data: bytes  # no newline at the end
    numbers: Sequence[int]  # in the file, from 1
    offset: int | None  # where they lie side by side in the file; None: they don't


@dataclass(slots=True)
class PartBuilder:
    """A part that is still growing."""

    url: str
    model: str
    first_line: int
    last_line: int
    start: int
    end: int = 0
    requests: int = 0
    size: int = 0  # bytes
    inputs: int = 0
    spool: BinaryIO | None = None  # set: the lines do not lie side by side
    lines: "array[int]" = field(default_factory=lambda: array("I"))
    libraries: set[str] = field(default_factory=set)  # that its questions are asked of

    @classmethod
    def begun(cls, url: str, model: str, lines: Lines, copying: Copying) -> Self:
        first, start = lines.numbers[0], lines.offset or 0
        draft = cls(url, model, first_line=first, last_line=first, start=start, end=start)
        if copying.reread is None:
            draft.spool = copying.spool()
        return draft

    @property
    def tokens(self) -> int:
        return schema.tokens_of(self.size)

    def line_numbers(self) -> bytes:
        """4 bytes each, little-endian, as this machine and Lambda's write them."""
        return self.lines.tobytes()

    def count(self, lines: Lines, plain: bytes) -> None:
        self.requests += len(lines.numbers)
        self.size += len(plain) + 1
        self.last_line = lines.numbers[-1]

    def hold(self, lines: Lines, plain: bytes, copying: Copying) -> None:
        """Takes the bytes, once they are counted."""
        is_next = lines.offset == self.end and len(plain) == len(lines.data)
        if self.spool is None and is_next:
            self.end += len(plain) + 1
            return
        spool = self.spool or self._detach(self.requests - len(lines.numbers), copying)
        spool.write(plain)
        spool.write(b"\n")
        self.lines.extend(lines.numbers)

    def _detach(self, requests: int, copying: Copying) -> BinaryIO:
        """From here on the part is a copy: bring what it has so far."""
        if copying.reread is None:  # pragma: no cover - holds by construction
            raise AssertionError("a packed file's parts are copies from the start")
        self.spool = copying.spool()
        if requests:
            for chunk in copying.reread(self.start, self.end - self.start):
                self.spool.write(chunk)
        self.lines.extend(range(self.first_line, self.first_line + requests))
        return self.spool


NOTHING = PartBuilder("", "", 0, 0, 0)


def with_newlines(data: bytes) -> bytes:
    """Lines without carriage returns at their ends."""
    if b"\r" not in data:
        return data
    return b"\n".join(line.rstrip(b"\r") for line in data.split(b"\n"))
