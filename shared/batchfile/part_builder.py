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
    hold: bool = True  # otherwise lines are only counted


class GoodLines(NamedTuple):
    """Lines without a problem that go to one part."""

    data: bytes  # no newline at the end
    numbers: Sequence[int]  # in the file, from 1
    offset: int | None  # where they lie side by side in the file; None: they don't
    bounded: int = 0  # requests that say how long an answer may be
    most_output: int = 0  # tokens, of those
    tails: Sequence[int] = ()  # of each line what repeats.tail_of says


@dataclass(slots=True)
class PartBuilder:
    """Collects the lines of one part."""

    url: str
    model: str
    first_line: int
    last_line: int
    start: int
    end: int = 0
    requests: int = 0
    size: int = 0  # bytes
    uncounted: int = 0  # of them, what does not count as tokens
    inputs: int = 0
    bounded: int = 0  # requests that say how long an answer may be
    most_output: int = 0  # tokens, of those
    spool: BinaryIO | None = None  # set: the lines do not lie side by side
    copied_numbers: "array[int]" = field(default_factory=lambda: array("I"))  # of the spool's lines
    libraries: set[str] = field(default_factory=set)  # that its requests search

    @classmethod
    def begun(cls, url: str, model: str, lines: GoodLines, copying: Copying) -> Self:
        first, start = lines.numbers[0], lines.offset or 0
        builder = cls(url, model, first_line=first, last_line=first, start=start, end=start)
        if copying.reread is None:
            builder.spool = copying.spool()
        return builder

    @property
    def tokens(self) -> int:
        return schema.tokens_of(self.size - self.uncounted)

    def count(self, lines: GoodLines, data: bytes) -> None:
        """`data`: the lines as the part will hold them."""
        self.requests += len(lines.numbers)
        self.size += len(data) + 1
        if schema.may_hold_files(data, len(lines.numbers)):
            self.uncounted += schema.uncounted_bytes(data)
        self.bounded += lines.bounded
        self.most_output += lines.most_output
        self.last_line = lines.numbers[-1]

    def hold(self, lines: GoodLines, data: bytes, copying: Copying) -> None:
        """Takes the bytes, once they are counted."""
        is_next = lines.offset == self.end and len(data) == len(lines.data)
        if self.spool is None and is_next:
            self.end += len(data) + 1
            return
        spool = self.spool or self._detach(self.requests - len(lines.numbers), copying)
        spool.write(data)
        spool.write(b"\n")
        self.copied_numbers.extend(lines.numbers)

    def _detach(self, requests: int, copying: Copying) -> BinaryIO:
        """From here on the part is a copy: bring what it has so far."""
        if copying.reread is None:  # pragma: no cover - holds by construction
            raise AssertionError("a packed file's parts are copies from the start")
        self.spool = copying.spool()
        if requests:
            for chunk in copying.reread(self.start, self.end - self.start):
                self.spool.write(chunk)
        self.copied_numbers.extend(range(self.first_line, self.first_line + requests))
        return self.spool


EMPTY = PartBuilder("", "", 0, 0, 0)


def without_carriage_returns(data: bytes) -> bytes:
    """Lines that end with a newline alone."""
    if b"\r" not in data:
        return data
    return b"\n".join(line.rstrip(b"\r") for line in data.split(b"\n"))
