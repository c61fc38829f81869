"""A part that is larger than the model's limit is cut again, into parts that fit."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.batchfile.schema import BYTES_PER_TOKEN
from shared.jobs import keys
from shared.jobs.edges import Edges
from shared.jobs.line_numbers import line_numbers, numbers_as_bytes
from shared.jobs.model import Lines, Part
from shared.jobs.results import lines_of
from shared.openai.models import BatchError

MOST = 90  # pieces at once: a transaction takes 100 rows; larger pieces are cut once more


class Piece(NamedTuple):
    """Lines of a part that lie side by side."""

    first: int  # position in the part, from 0
    requests: int
    start: int  # byte of the part
    length: int


def cut_again(edges: Edges, part: Part, limit: int) -> str:
    """All or nothing: the part's requests are in the pieces as soon as they are not in it."""
    if part.requests == 1:
        return _never_fits(edges, part, limit)
    size = max(limit * BYTES_PER_TOKEN, -(-part.source.length // MOST))
    pieces = list(_pieces(edges, part, size))
    taken = max(
        each.number for each in edges.ledger.parts(part.job) if each.attempt == part.attempt
    )
    children = [_child(edges, part, piece, taken + n) for n, piece in enumerate(pieces, start=1)]
    edges.ledger.land(part, part.cut_again(edges.now()), children)
    edges.submit_queue.send_parts(each.ref for each in children)
    return "cut again"


def _never_fits(edges: Edges, part: Part, limit: int) -> str:
    """One request alone is more than may ever be enqueued: it fails, and says why."""
    said = (
        f"This request alone has about {part.tokens:,} prompt tokens; "
        f"{limit:,} of {part.model} may be enqueued."
    )
    ended = part.refused(edges.now(), BatchError(code="token_limit_exceeded", message=said))
    edges.ledger.replace_part(part, ended)
    edges.land_queue.send_parts([ended.ref])
    return "refused"


def _pieces(edges: Edges, part: Part, size: int) -> Iterator[Piece]:
    first = requests = start = length = 0
    for line in lines_of(edges.s3.chunks(part.source)):
        more = len(line) + 1
        if requests and length + more > size:
            yield Piece(first, requests, start, length)
            first, start, requests, length = first + requests, start + length, 0, 0
        requests, length = requests + 1, length + more
    yield Piece(first, requests, start, min(length, part.source.length - start))


def _child(edges: Edges, part: Part, piece: Piece, number: int) -> Part:
    numbers = line_numbers(edges.s3, part)[piece.first : piece.first + piece.requests]
    key = None
    if part.lines_key:
        key = keys.piece_lines_key(part, piece.first)
        edges.s3.write(key, [numbers_as_bytes(numbers)], keys.BINARY)
    lines = Lines(key=key, first=numbers[0], last=numbers[-1], count=piece.requests)
    span = part.source.model_copy(
        update={"start": part.source.start + piece.start, "length": piece.length}
    )
    return part.piece(number, span, lines, edges.now())
