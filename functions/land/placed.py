"""A part's answers, each in the place of its request, and of those that ask the same."""

import heapq
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from functions.land.answers import PartAnswers
from functions.land.merge import Landed
from shared.batchfile.repeats import read_repeat
from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.line_numbers import line_numbers
from shared.jobs.model import Job
from shared.jobs.part import Part
from shared.jobs.results import for_request, lines_of


class _Place(NamedTuple):
    number: int  # of the line
    position: int  # in the part, from 1, of the request whose answer it gets
    custom_id: str  # empty: that request's own


def placed(
    edges: JobEdges, job: Job, answers: PartAnswers, custom_ids: Collection[str]
) -> Iterator[Landed]:
    """In the order of the file. custom_ids: of the part's own requests."""
    part = answers.part
    numbers = line_numbers(edges.s3, part)
    if not job.repeated.left_out:
        for position, (number, each) in enumerate(zip(numbers, custom_ids, strict=True), 1):
            yield Landed(number, -part.attempt, part, answers.line(each, position))
        return
    asked = list(custom_ids)
    if len(asked) != len(numbers):
        raise AssertionError(f"{part.name} has {len(asked)} requests at {len(numbers)} lines")
    own = (_Place(number, position, "") for position, number in enumerate(numbers, 1))
    for place in heapq.merge(own, _repeats(edges, job, part, numbers)):
        line = answers.line(asked[place.position - 1], place.position)
        if place.custom_id:
            line = for_request(line, place.custom_id)
        yield Landed(place.number, -part.attempt, part, line)


def _repeats(edges: JobEdges, job: Job, part: Part, numbers: Sequence[int]) -> Iterator[_Place]:
    """Lines that ask what a line of this part asks first."""
    listed = edges.s3.chunks(edges.s3.ours(keys.repeats_key(job)))
    for repeat in map(read_repeat, lines_of(listed)):
        at = bisect_left(numbers, repeat.first)
        if at < len(numbers) and numbers[at] == repeat.first:
            yield _Place(repeat.number, at + 1, repeat.custom_id)
