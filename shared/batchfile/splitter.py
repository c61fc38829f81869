"""Splits a stream of lines into parts: one endpoint, one model, within every limit.

A part stays a span of the dropped object for as long as its lines lie side by side; the moment
they do not, what it has so far is copied to a spool, and it goes on there. So a file that fits as
it is becomes its own part without a copy, and a mixed file is read once.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.batchfile import refusals, schema, validation
from shared.batchfile.duplicates import DuplicateFinder, FirstUses
from shared.batchfile.library_refs import MARK, resolve_libraries
from shared.batchfile.lines import TOO_LONG, Block, Readable, blocks, misencoded_at
from shared.batchfile.open_parts import Group, OpenParts
from shared.batchfile.own_output import refuse_answers
from shared.batchfile.part_builder import (
    Copying,
    GoodLines,
    PartBuilder,
    without_carriage_returns,
)
from shared.batchfile.repeats import Repeats, tail_of
from shared.batchfile.schema import EMBEDDINGS, Limits, Request
from shared.nesting import has_too_deep_line, is_too_deep
from shared.problems import Problem, Problems


class Splitter:
    """One pass over a file. `split()` yields each part as soon as it is full."""

    def __init__(
        self,
        limits: Limits,
        copying: Copying,
        *,
        skip: bool,
        suspects: set[int] | None = None,
        repeats: Repeats | None = None,
    ) -> None:
        self._limits = limits
        self._copying = copying
        self._repeats = repeats or Repeats()
        self._skip = skip
        self._duplicates = _finder(limits, copying) if suspects is None else None
        self._first_uses = FirstUses(suspects or set())
        self._too_many_suspects = suspects is not None and len(suspects) >= limits.suspects
        self._parts = OpenParts(limits, copying)
        self.problems = Problems()
        self.notes: list[str] = []
        self.lines = 0
        self.requests = 0

    def split(self, source: Readable, most_bytes: int) -> Iterator[PartBuilder]:
        """Parts in the order in which they got full. Raises UnreadableFile.

        most_bytes: of the unpacked file. After the last, `suspects` must be empty, or the
        file is read again with them.
        """
        for block in blocks(source, most_bytes, skip=self._skip):
            if self.lines == 0:
                refuse_answers(block.data)
            if block.marked:
                self.notes.append("A byte order mark at the start of the file was removed.")
            self._add(block)
            if self._is_hopeless:
                raise refusals.hopeless(self.lines, skip=self._skip)
            yield from self._parts.pop_full(discard=self.is_refused)
        if self._too_many_suspects:
            raise refusals.too_many_duplicates(self._limits.suspects)
        self._parts.close_all()
        yield from self._parts.pop_full(discard=self.is_refused)

    def suspects(self) -> set[int]:
        return self._duplicates.suspects() if self._duplicates else set()

    @property
    def is_refused(self) -> bool:
        """The file will become no job: from here on only its problems matter."""
        return bool(self.problems) and not self._skip

    @property
    def _is_hopeless(self) -> bool:
        refused = self.is_refused or not self.requests
        return refused and self.problems.bad_lines >= refusals.MOST_BAD_LINES

    def _add(self, block: Block) -> None:
        utf8 = block.is_utf8()
        read = _read(block.data) if utf8 else None
        if read and self._add_at_once(block, read):
            return
        lines = _lines(block.data)
        requests = read.requests if read else _readings(lines, utf8=utf8)
        self._add_each(lines, requests, block.offset)

    def _add_at_once(self, block: Block, read: "_Read") -> bool:
        """A block of good lines, without a look at each. False: look closer, nothing is added."""
        if self._copying.resolve and MARK in block.data:
            return False
        return self._add_whole(block, read) or self._add_sorted(block, read)

    def _add_whole(self, block: Block, read: "_Read") -> bool:
        """The common case: the whole block goes to one part."""
        requests = read.requests
        if not schema.all_alike(requests, self._limits):
            return False
        if self._repeats.is_among(self.lines + 1, len(requests)):
            return False
        numbers = range(self.lines + 1, self.lines + 1 + len(requests))
        group = requests[0].url, requests[0].body.model
        bounds = schema.output_bounds(requests, group[0])
        good = GoodLines(block.data, numbers, block.offset, *bounds, read.tails)
        return self._add_all(requests, {group: good})

    def _add_sorted(self, block: Block, read: "_Read") -> bool:
        """The next: the lines of a block go to several parts."""
        requests = read.requests
        limits, places_of = self._limits, defaultdict[Group, list[int]](list)
        left_out: list[int] = []
        for place, request in enumerate(requests):
            if not schema.is_good(request, limits):
                return False
            if self._repeats.is_left_out(self.lines + 1 + place):
                left_out.append(place)
            else:
                places_of[request.url, request.body.model].append(place)
        lines, before = _lines(block.data), self.lines
        groups = {
            group: self._picked(block, lines, places, read) for group, places in places_of.items()
        }
        if not self._add_all(requests, groups):
            return False
        for place in left_out:
            self._leave_out(before + 1 + place, requests[place], lines[place])
        return True

    def _picked(
        self, block: Block, lines: list[bytes], places: list[int], read: "_Read"
    ) -> GoodLines:
        requests = [read.requests[place] for place in places]
        first, last = places[0], places[-1]
        side_by_side = last - first + 1 == len(places)
        before = sum(map(len, lines[:first])) + first
        return GoodLines(
            b"\n".join(lines[place] for place in places),
            [self.lines + 1 + place for place in places],
            block.offset + before if side_by_side else None,
            *schema.output_bounds(requests, requests[0].url),
            [read.tails[place] for place in places],
        )

    def _add_all(self, requests: list[Request], groups: dict[Group, GoodLines]) -> bool:
        """Adds nothing unless all fit where they go, and no custom_id needs a second look."""
        custom_ids = [each.custom_id for each in requests]
        if self._first_uses.concern(custom_ids):
            return False
        inputs = {group: _inputs(group, lines) for group, lines in groups.items()}
        for group, lines in groups.items():
            size = len(lines.data) + 1
            if not self._parts.fits(group, len(lines.numbers), size, inputs[group]):
                return False
        if self._duplicates:
            self._duplicates.add(custom_ids)
        self.lines += len(requests)
        for group, lines in groups.items():
            self._append(group, lines, inputs[group])
        return True

    def _add_each(
        self, lines: list[bytes], requests: Iterable[Request | None], offset: int
    ) -> None:
        """Line by line, from a place in the file."""
        used: list[str] = []
        for line, request in zip(lines, requests, strict=True):
            self.lines += 1
            if line.strip() and (custom_id := self._add_line(line, request, offset)):
                used.append(custom_id)
            offset += len(line) + 1
        if self._duplicates:
            self._duplicates.add(used)

    def _add_line(self, line: bytes, request: Request | None, offset: int) -> str | None:
        """Puts a good line where it belongs, or keeps its problems; the custom_id it uses up."""
        if request is None or not schema.is_good(request, self._limits):
            problems = validation.problems_of(line, self.lines, self._limits)
            return self._refuse(problems, schema.custom_id_of(line), line)
        resolved = resolve_libraries(line, self.lines, self._copying.resolve)
        if resolved.problems:
            return self._refuse(resolved.problems, request.custom_id, line)
        line, libraries = resolved.line, resolved.libraries
        size = len(without_carriage_returns(line)) + 1
        inputs = schema.inputs_of(line) if request.url == EMBEDDINGS else 0
        if problems := list(self._excess(size, inputs)):
            return self._refuse(problems, request.custom_id, line)
        if problems := list(self._used_before(request.custom_id)):
            self.problems.add_line(problems, line)
        elif self._repeats.is_left_out(self.lines):
            self._leave_out(self.lines, request, line)
        else:
            bounds, at = schema.output_bounds([request], request.url), None if libraries else offset
            good = GoodLines(line, [self.lines], at, *bounds, [tail_of(line)])
            self._place(request, good, size, inputs, libraries)
        return request.custom_id

    def _refuse(self, problems: list[Problem], custom_id: str | None, line: bytes) -> str | None:
        """A skipped line leaves its custom_id to others; a refused file's report names all."""
        if self._skip or custom_id is None:
            self.problems.add_line(problems, line)
            return None
        self.problems.add_line([*problems, *self._used_before(custom_id)], line)
        return custom_id

    def _used_before(self, custom_id: str) -> Iterator[Problem]:
        first = self._first_uses.first(custom_id, self.lines)
        if first != self.lines:
            yield validation.duplicate(self.lines, first)

    def _excess(self, size: int, inputs: int) -> Iterator[Problem]:
        limits = self._limits
        if size > limits.bytes:
            yield validation.too_large(self.lines, "bytes", size, limits.bytes)
        if inputs > limits.inputs:
            yield validation.too_large(self.lines, "embedding inputs", inputs, limits.inputs)

    def _place(
        self, request: Request, line: GoodLines, size: int, inputs: int, libraries: frozenset[str]
    ) -> None:
        group = request.url, request.body.model
        parts = self._parts
        if not (parts.fits(group, 1, size, inputs) and parts.may_search(group, libraries)):
            parts.close(group)
        self._append(group, line, inputs).libraries |= libraries

    def _append(self, group: Group, lines: GoodLines, inputs: int) -> PartBuilder:
        self.requests += len(lines.numbers)
        self._repeats.note(group[0], lines)
        hold = self._copying.hold and not self.is_refused
        return self._parts.add(group, lines, inputs, hold=hold)

    def _leave_out(self, number: int, request: Request, line: bytes) -> None:
        self._repeats.leave_out(number, request.custom_id, len(line) + 1)


def _finder(limits: Limits, copying: Copying) -> DuplicateFinder:
    return DuplicateFinder(copying.spool(), max_suspects=limits.suspects)


class _Read(NamedTuple):
    """A block's lines: what each asks, and by what it is compared with others."""

    requests: list[Request]
    tails: list[int]


def _read(data: bytes) -> _Read | None:
    """A block's requests, where every line holds one."""
    if not data or data.endswith(b"\n"):
        return None  # a blank line is the last
    requests, tails = list[Request](), list[int]()
    try:
        # Line by line: lines that live all at once cost half as much again, in page faults.
        for line in io.BytesIO(data):
            requests.append(schema.decode(line))
            tails.append(tail_of(line))
    except schema.UNDECODABLE:
        return None
    return None if has_too_deep_line(data) else _Read(requests, tails)


def _inputs(group: Group, lines: GoodLines) -> int:
    """Embedding inputs; for other endpoints they are not counted."""
    if group[0] != EMBEDDINGS:
        return 0
    return sum(map(schema.inputs_of, io.BytesIO(lines.data)))


def _lines(data: bytes) -> list[bytes]:
    """A block's lines; one that is alone is not copied, it may have 64 MB."""
    return data.split(b"\n") if b"\n" in data and data is not TOO_LONG else [data]


def _readings(lines: Iterable[bytes], *, utf8: bool) -> Iterator[Request | None]:
    """Each line's request; None where it holds none. The decoder does not check skipped texts."""
    for line in lines:
        try:
            known = line and (utf8 or misencoded_at(line) is None) and not is_too_deep(line)
            yield schema.decode(line) if known else None
        except schema.UNDECODABLE:
            yield None
