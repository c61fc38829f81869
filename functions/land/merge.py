"""Puts the answers of all parts into the order of the input."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.line_numbers import line_numbers, numbers_from
from shared.jobs.part import Part
from shared.jobs.results import lines_of


class Landed(NamedTuple):
    """One answer in its place; of two with one number, the later attempt comes first and counts."""

    number: int  # line of the dropped file
    rank: int  # minus the attempt
    part: Part
    line: bytes


def merged(edges: JobEdges, parts: Iterable[Part]) -> Iterator[Landed]:
    """All parts' answers in the order of the input, one for each request, streamed from S3."""
    chains = [_streamed(edges, chain) for chain in chained(parts)]
    last = 0
    for landed in heapq.merge(*chains, key=itemgetter(0, 1)):
        if landed.number != last:
            yield landed
            last = landed.number


def chained(parts: Iterable[Part]) -> list[list[Part]]:
    """Parts that do not overlap, one after the other: few streams, not one for each part."""
    chains: list[list[Part]] = []
    held = (part for part in parts if not part.replaced)
    for part in sorted(held, key=lambda each: each.first_line):
        free = next((c for c in chains if _last_line(c[-1]) < part.first_line), None)
        if free is None:
            chains.append([part])
        else:
            free.append(part)
    return chains


def _streamed(edges: JobEdges, chain: list[Part]) -> Iterator[Landed]:
    for part in chain:
        lines = lines_of(edges.s3.chunks(edges.s3.ours(keys.landed_key(part))))
        for number, line in zip(_numbers(edges, part), lines, strict=True):
            yield Landed(number, -part.attempt, part, line)


def _last_line(part: Part) -> int:
    return part.answers_until or part.last_line


def _numbers(edges: JobEdges, part: Part) -> Sequence[int]:
    if part.answers_until is None:
        return line_numbers(edges.s3, part)
    return numbers_from(edges.s3.read(keys.landed_lines_key(part)))
