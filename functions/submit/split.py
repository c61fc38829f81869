"""A part that is larger than the model's limit is split into parts that fit."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.batchfile.schema import BYTES_PER_TOKEN
from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.line_numbers import line_numbers, numbers_as_bytes
from shared.jobs.part import Part, PartLines
from shared.jobs.results import lines_of
from shared.openai.models import BatchError

MAX_SLICES = 90  # at once: a transaction takes 100 rows; slices that are too large are split again


class Slice(NamedTuple):
    """Lines of a part that lie side by side."""

    first: int  # position in the part, from 0
    requests: int
    start: int  # byte of the part
    length: int


def split_part(edges: JobEdges, part: Part, limit: int) -> str:
    """All or nothing: the new parts hold the requests as soon as the part does not."""
    if part.requests == 1:
        return _never_fits(edges, part, limit)
    size = max(limit * BYTES_PER_TOKEN, -(-part.source.length // MAX_SLICES))
    slices = list(_slices(edges, part, size))
    taken = max(
        each.number for each in edges.ledger.parts(part.job) if each.attempt == part.attempt
    )
    children = [_child(edges, part, each, taken + n) for n, each in enumerate(slices, start=1)]
    edges.ledger.land(part, part.split(edges.now()), children)
    edges.submit_queue.send_parts(each.ref for each in children)
    return "split"


def _never_fits(edges: JobEdges, part: Part, limit: int) -> str:
    """One request alone is more than may ever be enqueued: it fails, with the reason."""
    message = (
        f"This request alone has about {part.tokens:,} prompt tokens; "
        f"{limit:,} of {part.model} may be enqueued."
    )
    ended = part.refused(edges.now(), BatchError(code="token_limit_exceeded", message=message))
    edges.ledger.replace_part(part, ended)
    edges.land_queue.send_parts([ended.ref])
    return "refused"


def _slices(edges: JobEdges, part: Part, size: int) -> Iterator[Slice]:
    first = requests = start = length = 0
    for line in lines_of(edges.s3.chunks(part.source)):
        more = len(line) + 1
        if requests and length + more > size:
            yield Slice(first, requests, start, length)
            first, start, requests, length = first + requests, start + length, 0, 0
        requests, length = requests + 1, length + more
    yield Slice(first, requests, start, min(length, part.source.length - start))


def _child(edges: JobEdges, part: Part, held: Slice, number: int) -> Part:
    numbers = line_numbers(edges.s3, part)[held.first : held.first + held.requests]
    key = None
    if part.lines_key:
        key = keys.split_lines_key(part, held.first)
        edges.s3.write(key, [numbers_as_bytes(numbers)], keys.BINARY)
    lines = PartLines(key=key, first=numbers[0], last=numbers[-1], count=held.requests)
    span = part.source.model_copy(
        update={"start": part.source.start + held.start, "length": held.length}
    )
    return part.split_off(number, span, lines, edges.now())
