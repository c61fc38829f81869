"""The order of the input: which line of the dropped file each line of a part is."""

import heapq
from array import array
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from shared import keys
from shared.edges import Edges
from shared.jobs import Part
from shared.results import lines_of


class Landed(NamedTuple):
    """One answer in its place; of two with one number, the first (the later attempt) counts."""

    number: int  # line of the dropped file
    rank: int  # minus the attempt
    model: str
    line: bytes


def line_numbers(edges: Edges, part: Part) -> Sequence[int]:
    """The line of the dropped file for each of the part's requests, in their order."""
    if part.lines_key is None:
        return range(part.first_line, part.first_line + part.requests)
    numbers = array("I")
    numbers.frombytes(edges.landing.read(part.lines_key))
    return numbers


def merged(edges: Edges, parts: Iterable[Part]) -> Iterator[Landed]:
    """All parts' answers in the order of the input, each request once, streamed from S3."""
    chains = [_streamed(edges, chain) for chain in chained(parts)]
    last = 0
    for landed in heapq.merge(*chains, key=itemgetter(0, 1)):
        if landed.number != last:
            yield landed
            last = landed.number


def chained(parts: Iterable[Part]) -> list[list[Part]]:
    """Parts one behind the other wherever they do not overlap: few streams, not one a part."""
    chains: list[list[Part]] = []
    for part in sorted(parts, key=lambda each: each.first_line):
        free = next((c for c in chains if c[-1].last_line < part.first_line), None)
        if free is None:
            chains.append([part])
        else:
            free.append(part)
    return chains


def _streamed(edges: Edges, chain: list[Part]) -> Iterator[Landed]:
    for part in chain:
        lines = lines_of(edges.landing.chunks(edges.landing.ours(keys.landed_key(part))))
        for number, line in zip(line_numbers(edges, part), lines, strict=True):
            yield Landed(number, -part.attempt, part.model, line)
