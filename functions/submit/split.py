"""A part that is larger than the model's limit is split into parts that fit."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.batchfile import schema
from shared.jobs import keys
from shared.jobs.capacity import Capacity
from shared.jobs.edges import JobEdges
from shared.jobs.line_numbers import line_numbers, numbers_as_bytes
from shared.jobs.part import Part, PartLines
from shared.jobs.results import lines_of

MAX_SLICES = 90  # at once: a transaction takes 100 rows; slices that are too large are split again


class Slice(NamedTuple):
    """Lines of a part that lie side by side."""

    first: int  # position in the part, from 0
    requests: int
    start: int  # byte of the part
    length: int
    tokens: int  # estimated, by bytes

    def plus(self, other: "Slice") -> "Slice":
        return self._replace(
            requests=self.requests + other.requests,
            length=self.length + other.length,
            tokens=self.tokens + other.tokens,
        )

    def exceeds(self, most: "Slice") -> bool:
        return self.requests > most.requests or self.tokens > most.tokens


def split_part(edges: JobEdges, part: Part, capacity: Capacity) -> str:
    """All or nothing: the new parts hold the requests as soon as the part does not."""
    slices = list(_slices(edges, part, capacity))
    taken = max(
        each.number for each in edges.ledger.parts(part.job) if each.attempt == part.attempt
    )
    children = [_child(edges, part, each, taken + n) for n, each in enumerate(slices, start=1)]
    edges.ledger.land(part, part.split(edges.now()), children)
    edges.submit_queue.send_parts(each.ref for each in children)
    return "split"


def _slices(edges: JobEdges, part: Part, capacity: Capacity) -> Iterator[Slice]:
    """As many as fit a transaction; the last one takes the rest, and is split again."""
    most = _most_of(part, capacity)
    held = Slice(0, 0, 0, 0, 0)
    made = 1
    for line in lines_of(edges.s3.chunks_again(part.source)):
        more = Slice(held.first, 1, held.start, len(line) + 1, schema.tokens_in(line))
        if held.requests and made < MAX_SLICES and held.plus(more).exceeds(most):
            yield held
            made += 1
            held = Slice(held.first + held.requests, 0, held.start + held.length, 0, 0)
        held = held.plus(more)
    yield held._replace(length=min(held.length, part.source.length - held.start))


def _most_of(part: Part, capacity: Capacity) -> Slice:
    """What a slice may hold: no more than the limits, and not so little that there are too many."""
    tokens = part.tokens
    if capacity.limit is not None:  # which is in tokens as they are enqueued
        tokens = capacity.limit * part.tokens // max(part.enqueues, 1)
    requests = part.requests if capacity.request_limit is None else capacity.request_limit
    return Slice(
        0,
        max(requests, -(-part.requests // MAX_SLICES)),
        0,
        0,
        max(tokens, -(-part.tokens // MAX_SLICES)),
    )


def _child(edges: JobEdges, part: Part, held: Slice, number: int) -> Part:
    numbers = line_numbers(edges.s3, part)[held.first : held.first + held.requests]
    key = None
    if part.lines_key:
        key = keys.split_lines_key(part, held.first)
        edges.s3.write(key, [numbers_as_bytes(numbers)], keys.BINARY)
    lines = PartLines(
        key=key, first=numbers[0], last=numbers[-1], count=held.requests, tokens=held.tokens
    )
    span = part.source.model_copy(
        update={"start": part.source.start + held.start, "length": held.length}
    )
    return part.split_off(number, span, lines, edges.now())
