"""Cuts a stream of checked lines into parts: one endpoint, one model, within every limit.

A part stays a span of the dropped object for as long as its lines lie side by side; the moment
they do not, what it has so far is copied to a spool, and it goes on there. So a file that fits as
it is becomes its own part without a copy, and a mixed file is read once.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator

from shared.batchfile import schema, validation
from shared.batchfile.duplicates import MOST_SUSPECTS, DuplicateFinder, FirstUses
from shared.batchfile.library_refs import MARK, named
from shared.batchfile.lines import TOO_LONG, Block, Readable, blocks, misencoded_at
from shared.batchfile.part_builder import NOTHING, Copying, Lines, PartBuilder, with_newlines
from shared.batchfile.schema import EMBEDDINGS, Limits, Request
from shared.jobs.model import NUMBERS
from shared.problems import Problem, Problems

MAX_GROUPS = 200  # different (endpoint, model) pairs in a file: each keeps a spool open
MAX_PARTS = NUMBERS - 1
MOST_NAMES = 50_000  # bytes of the names of libraries that one part asks: they stand in its row


class Splitter:
    """One pass over a file. `drafts()` yields each part as soon as it is full."""

    def __init__(
        self, limits: Limits, copying: Copying, *, skip: bool, suspects: set[int] | None = None
    ) -> None:
        self._limits = limits
        self._copying = copying
        self._skip = skip
        self._seen = DuplicateFinder(copying.spool()) if suspects is None else None
        self._first_uses = FirstUses(suspects or set())
        self._too_many_suspects = suspects is not None and len(suspects) >= MOST_SUSPECTS
        self._open: dict[tuple[str, str], PartBuilder] = {}
        self._groups: set[tuple[str, str]] = set()
        self._full: list[PartBuilder] = []
        self.problems = Problems()
        self.notes: list[str] = []
        self.lines = 0
        self.requests = 0
        self.blank = 0
        self._parts = 0

    def drafts(self, source: Readable, most_bytes: int) -> Iterator[PartBuilder]:
        """Parts in the order in which they got full. Raises Unreadable.

        most_bytes: of the unpacked file. After the last, `suspects` must be empty, or the
        file is read again with them.
        """
        for block in blocks(source, most_bytes):
            if block.marked:
                self.notes.append("A byte order mark at the start of the file was taken off.")
            self._take(block)
            yield from self._handed_over()
        if self._too_many_suspects:
            raise validation.too_many_duplicates(MOST_SUSPECTS)
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
        utf8 = block.is_utf8()
        requests = _requests(block.data) if utf8 else None
        plain = requests and not (self._copying.resolve and MARK in block.data)
        if requests and plain and self._take_whole(block, requests):
            return
        lines = _split(block.data)
        if requests and plain and self._take_sorted(block, lines, requests):
            return
        offset, used = block.offset, list[str | None]()
        for line, request in zip(lines, requests or _readings(lines, utf8=utf8), strict=True):
            self.lines += 1
            if line.strip():
                used.append(self._take_line(line, request, offset))
            else:
                self.blank += 1
            offset += len(line) + 1
        if self._seen:
            self._seen.add([each for each in used if each is not None])

    def _take_whole(self, block: Block, requests: list[Request]) -> bool:
        """The common case: all of a block goes to one part. False: look closer."""
        if not schema.all_alike(requests, self._limits):
            return False
        numbers = range(self.lines + 1, self.lines + 1 + len(requests))
        group = requests[0].url, requests[0].body.model
        return self._take_all(requests, {group: Lines(block.data, numbers, block.offset)})

    def _take_sorted(self, block: Block, lines: list[bytes], requests: list[Request]) -> bool:
        """The next: all are good, and go to the parts that are open. False: line by line."""
        limits, sorted_ = self._limits, defaultdict[tuple[str, str], list[int]](list)
        for place, request in enumerate(requests):
            if not schema.is_good(request, limits):
                return False
            sorted_[request.url, request.body.model].append(place)
        return self._take_all(
            requests,
            {group: self._picked(block, lines, places) for group, places in sorted_.items()},
        )

    def _picked(self, block: Block, lines: list[bytes], places: list[int]) -> Lines:
        first, last = places[0], places[-1]
        side_by_side = last - first + 1 == len(places)
        before = sum(map(len, lines[:first])) + first
        return Lines(
            b"\n".join(lines[place] for place in places),
            [self.lines + 1 + place for place in places],
            block.offset + before if side_by_side else None,
        )

    def _take_all(self, requests: list[Request], groups: dict[tuple[str, str], Lines]) -> bool:
        """Nothing is taken unless all fit where they go, and no custom_id needs a second look."""
        custom_ids = [each.custom_id for each in requests]
        if self._first_uses.concern(custom_ids):
            return False
        inputs = {group: _inputs(group, lines) for group, lines in groups.items()}
        for group, lines in groups.items():
            size = len(lines.data) + 1
            if not self._fits(self._open.get(group), len(lines.numbers), size, inputs[group]):
                return False
        if self._seen:
            self._seen.add(custom_ids)
        self.lines += len(requests)
        for group, lines in groups.items():
            self._append(group, lines, inputs[group])
        return True

    def _take_line(self, line: bytes, request: Request | None, offset: int) -> str | None:
        """Puts a good line where it belongs, or keeps its problems; the custom_id it uses up."""
        if request is None or not schema.is_good(request, self._limits):
            problems = validation.problems_of(line, self.lines, self._limits)
            return self._refuse(problems, schema.custom_id_of(line))
        asked = named(line, self.lines, self._copying.resolve)
        if asked.problems:
            return self._refuse(asked.problems, request.custom_id)
        line, where = asked.line, None if asked.libraries else offset
        size = len(with_newlines(line)) + 1
        inputs = schema.inputs_of(line) if request.url == EMBEDDINGS else 0
        if problems := list(self._excess(size, inputs)):
            return self._refuse(problems, request.custom_id)
        if problems := list(self._used_before(request.custom_id)):
            self.problems.add_line(problems)
        else:
            self._place(request, Lines(line, [self.lines], where), size, inputs, asked.libraries)
        return request.custom_id

    def _refuse(self, problems: list[Problem], custom_id: str | None) -> str | None:
        """A line that is left out leaves its custom_id to others; of a refused file all is told."""
        if self._skip or custom_id is None:
            self.problems.add_line(problems)
            return None
        self.problems.add_line([*problems, *self._used_before(custom_id)])
        return custom_id

    def _used_before(self, custom_id: str) -> Iterator[Problem]:
        first = self._first_uses.first(custom_id, self.lines)
        if first != self.lines:
            yield validation.duplicate(self.lines, first)

    def _excess(self, size: int, inputs: int) -> Iterator[Problem]:
        limits, tokens = self._limits, schema.tokens_of(size)
        if size > limits.bytes:
            yield validation.too_large(self.lines, "bytes", size, limits.bytes)
        if inputs > limits.inputs:
            yield validation.too_large(self.lines, "embedding inputs", inputs, limits.inputs)
        if tokens > limits.tokens:
            yield validation.too_large(self.lines, "estimated prompt tokens", tokens, limits.tokens)

    def _place(
        self, request: Request, line: Lines, size: int, inputs: int, libraries: frozenset[str]
    ) -> None:
        group = request.url, request.body.model
        draft = self._open.get(group)
        crowded = libraries and draft and _length(draft.libraries | libraries) > MOST_NAMES
        if crowded or not self._fits(draft, 1, size, inputs):
            self._full.append(self._open.pop(group))
        self._append(group, line, inputs)
        self._open[group].libraries |= libraries

    def _fits(self, draft: PartBuilder | None, requests: int, size: int, inputs: int) -> bool:
        """Whether a draft has room for more; a fresh one for as much at once."""
        limits, have = self._limits, draft or NOTHING
        return (
            have.requests + requests <= limits.requests
            and have.size + size <= limits.bytes
            and have.inputs + inputs <= limits.inputs
            and schema.tokens_of(have.size + size) <= limits.tokens
        )

    def _draft(self, group: tuple[str, str], lines: Lines) -> PartBuilder:
        draft = self._open.get(group)
        if draft:
            return draft
        if group not in self._groups and len(self._groups) >= MAX_GROUPS:
            raise validation.too_many_models(MAX_GROUPS)
        self._groups.add(group)
        draft = self._open[group] = PartBuilder.begun(*group, lines, self._copying)
        return draft

    def _append(self, group: tuple[str, str], lines: Lines, inputs: int) -> None:
        draft = self._draft(group, lines)
        self.requests += len(lines.numbers)
        draft.inputs += inputs
        plain = with_newlines(lines.data)
        draft.count(lines, plain)
        if not self.hopeless:
            draft.hold(lines, plain, self._copying)

    def _handed_over(self) -> Iterator[PartBuilder]:
        full, self._full = self._full, []
        for draft in full:
            if not self.hopeless:
                self._parts += 1
                if self._parts > MAX_PARTS:
                    raise validation.too_many_parts(MAX_PARTS)
                yield draft
            if draft.spool:
                draft.spool.close()


def _requests(data: bytes) -> list[Request] | None:
    """A block's requests, where every line holds one."""
    if data.endswith(b"\n"):
        return None  # a blank line is the last
    try:
        # Line by line: lines that live all at once cost half as much again, in page faults.
        return list(map(schema.decode, io.BytesIO(data)))
    except schema.UNDECODABLE:
        return None


def _inputs(group: tuple[str, str], lines: Lines) -> int:
    """Embedding inputs; elsewhere nobody counts them."""
    if group[0] != EMBEDDINGS:
        return 0
    return sum(map(schema.inputs_of, io.BytesIO(lines.data)))


def _split(data: bytes) -> list[bytes]:
    """A block's lines; one that is alone is not copied, it may have 64 MB."""
    return data.split(b"\n") if b"\n" in data and data is not TOO_LONG else [data]


def _readings(lines: Iterable[bytes], *, utf8: bool) -> Iterator[Request | None]:
    """Each line's request; None where it holds none. The decoder skips texts without a look."""
    for line in lines:
        try:
            known = line and (utf8 or misencoded_at(line) is None)
            yield schema.decode(line) if known else None
        except schema.UNDECODABLE:
            yield None


def _length(names: Iterable[str]) -> int:
    return sum(len(name.encode()) for name in names)
