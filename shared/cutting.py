"""Cuts a stream of checked lines into parts: one endpoint, one model, within every limit.

A part stays a span of the dropped object for as long as its lines lie side by side; the moment
they do not, what it has so far is copied to a spool, and it goes on there. So a file that fits as
it is becomes its own part without a copy, and a mixed file is read once.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from shared import batchfile
from shared.batchfile import EMBEDDINGS, Limits, Request
from shared.lines import TOO_LONG, Block, Readable, blocks
from shared.problems import Problem, Problems
from shared.seen import FirstUses, Seen

MAX_GROUPS = 200  # different (endpoint, model) pairs in a file: each keeps a spool open


Reread = Callable[[int, int], Iterable[bytes]]  # (start, length) of the dropped object


@dataclass(slots=True)
class Draft:
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

    @property
    def tokens(self) -> int:
        return batchfile.tokens_of(self.size)

    def line_numbers(self) -> bytes:
        """4 bytes each, little-endian, as this machine and Lambda's write them."""
        return self.lines.tobytes()


@dataclass(frozen=True, slots=True)
class Copying:
    """How a part gets bytes of its own: a fresh spool, and the object's bytes read again."""

    spool: Callable[[], BinaryIO]
    reread: Reread | None  # None: the object is packed


class Cutter:
    """One pass over a file. `drafts()` yields each part as soon as it is full."""

    def __init__(
        self, limits: Limits, copying: Copying, *, skip: bool, suspects: set[int] | None = None
    ) -> None:
        self._limits = limits
        self._copying = copying
        self._skip = skip
        self._seen = Seen(copying.spool()) if suspects is None else None
        self._first_uses = FirstUses(suspects or set())
        self._open: dict[tuple[str, str], Draft] = {}
        self._full: list[Draft] = []
        self.problems = Problems()
        self.notes: list[str] = []
        self.lines = 0
        self.requests = 0
        self.blank = 0

    def drafts(self, source: Readable, most_bytes: int) -> Iterator[Draft]:
        """Parts in the order in which they got full. Raises Unreadable.

        most_bytes: of the unpacked file. After the last, `suspects` must be empty, or the
        file is read again with them.
        """
        for block in blocks(source, most_bytes):
            if block.marked:
                self.notes.append("A byte order mark at the start of the file was taken off.")
            self._take(block)
            yield from self._handed_over()
        self._full.extend(self._open.values())
        self._open.clear()
        yield from self._handed_over()

    def suspects(self) -> set[int]:
        return self._seen.close() if self._seen else set()

    @property
    def hopeless(self) -> bool:
        """The file is refused already: only the problems still matter."""
        return bool(self.problems) and not self._skip

    def _take(self, block: Block) -> None:
        requests = self._alike(block)
        if requests and self._take_whole(block, requests):
            return
        utf8, offset, taken = block.is_utf8(), block.offset, list[str]()
        for line in [TOO_LONG] if block.data is TOO_LONG else block.data.split(b"\n"):
            self.lines += 1
            request = self._checked(line, utf8=utf8)
            if request:
                taken.append(request.custom_id)
                self._place(request, line, offset)
            offset += len(line) + 1
        if self._seen:
            self._seen.add(taken)

    def _alike(self, block: Block) -> list[Request] | None:
        """The block's requests, where every line is good and all go the same way."""
        if self._seen is None or not block.is_utf8() or not _one_object_a_line(block.data):
            return None
        try:
            requests = batchfile.decode_lines(block.data)
        except batchfile.UNDECODABLE:
            return None
        if len(requests) != block.data.count(b"\n") + 1:
            return None
        return requests if batchfile.all_alike(requests, self._limits) else None

    def _take_whole(self, block: Block, requests: list[Request]) -> bool:
        """The common case: all of a block goes to one part. False: take it line by line."""
        url, model = requests[0].url, requests[0].body.model
        if url == EMBEDDINGS or block.size > self._limits.bytes:
            return False
        draft = self._draft(url, model, block.offset, self.lines + 1)
        if not self._fits(draft, len(requests), block.size, 0):
            return False
        if self._seen:
            self._seen.add([each.custom_id for each in requests])
        self.lines += len(requests)
        self._append(draft, block.offset, block.data, len(requests))
        return True

    def _checked(self, line: bytes, *, utf8: bool) -> Request | None:
        """The line's request if it is a good one; otherwise its problems are kept."""
        if not line.strip():
            self.blank += 1
            return None
        try:
            request = batchfile.decode(line) if utf8 or line.isascii() else _strictly(line)
        except batchfile.UNDECODABLE:
            self._bad(batchfile.problems_of(line, self.lines, self._limits))
            return None
        if not batchfile.is_good(request, self._limits):
            self._bad(batchfile.problems_of(line, self.lines, self._limits))
            return None
        first = self._first_uses.first(request.custom_id, self.lines)
        if first != self.lines:
            self._bad([batchfile.duplicate(self.lines, first)])
            return None
        return request

    def _bad(self, problems: list[Problem]) -> None:
        self.problems.add_line(problems)

    def _place(self, request: Request, line: bytes, offset: int) -> None:
        """Puts one good line where it belongs."""
        size = len(line) + 1
        inputs = batchfile.inputs_of(line) if request.url == EMBEDDINGS else 0
        if excess := self._excess(size, inputs):
            self._bad([excess])
            return
        draft = self._draft(request.url, request.body.model, offset, self.lines)
        if not self._fits(draft, 1, size, inputs):
            self._full.append(self._open.pop((draft.url, draft.model)))
            draft = self._draft(request.url, request.body.model, offset, self.lines)
        draft.inputs += inputs
        self._append(draft, offset, line, 1)

    def _excess(self, size: int, inputs: int) -> Problem | None:
        limits, tokens = self._limits, batchfile.tokens_of(size)
        if size > limits.bytes:
            return batchfile.too_large(self.lines, "bytes", size, limits.bytes)
        if inputs > limits.inputs:
            return batchfile.too_large(self.lines, "embedding inputs", inputs, limits.inputs)
        if tokens > limits.tokens:
            return batchfile.too_large(self.lines, "estimated prompt tokens", tokens, limits.tokens)
        return None

    def _fits(self, draft: Draft, requests: int, size: int, inputs: int) -> bool:
        limits = self._limits
        return (
            draft.requests + requests <= limits.requests
            and draft.size + size <= limits.bytes
            and draft.inputs + inputs <= limits.inputs
            and batchfile.tokens_of(draft.size + size) <= limits.tokens
        )

    def _draft(self, url: str, model: str, offset: int, line: int) -> Draft:
        draft = self._open.get((url, model))
        if draft:
            return draft
        if len(self._open) >= MAX_GROUPS:
            self._full.append(self._open.pop(next(iter(self._open))))
        draft = Draft(url, model, first_line=line, last_line=line, start=offset, end=offset)
        if self._copying.reread is None:
            draft.spool = self._copying.spool()
        self._open[url, model] = draft
        return draft

    def _append(self, draft: Draft, offset: int, data: bytes, count: int) -> None:
        self.requests += count
        draft.requests += count
        draft.size += len(data) + 1
        draft.last_line = self.lines
        if self.hopeless:
            return
        if draft.spool is None:
            if draft.end == offset and not data.endswith(b"\r"):
                draft.end = offset + len(data) + 1
                return
            self._detach(draft, draft.requests - count)
        _copy(draft, data)
        draft.lines.extend(range(self.lines - count + 1, self.lines + 1))

    def _detach(self, draft: Draft, requests: int) -> None:
        """From here on the part is a copy: bring what it has so far."""
        if self._copying.reread is None:
            raise AssertionError("a packed file's parts are copies from the start")
        draft.spool = self._copying.spool()
        if requests:
            for chunk in self._copying.reread(draft.start, draft.end - draft.start):
                draft.spool.write(chunk)
        draft.lines.extend(range(draft.first_line, draft.first_line + requests))

    def _handed_over(self) -> Iterator[Draft]:
        full, self._full = self._full, []
        for draft in full:
            if not self.hopeless and draft.requests:
                yield draft
            if draft.spool:
                draft.spool.close()


def _one_object_a_line(data: bytes) -> bool:
    """Every newline stands between `}` and `{`: inside a JSON value none can."""
    return (
        data.startswith(b"{") and data.endswith(b"}") and data.count(b"}\n{") == data.count(b"\n")
    )


def _strictly(line: bytes) -> Request:
    line.decode()  # the decoder does not look inside texts that it skips
    return batchfile.decode(line)


def _copy(draft: Draft, data: bytes) -> None:
    if draft.spool:
        draft.spool.write(data.rstrip(b"\r"))
        draft.spool.write(b"\n")
