"""The requests that failed, as they were asked and in their order: a file to drop again.

They come from the dropped file, because parts hold stores in place of libraries' names.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from shared.batchfile.lines import Block, blocks, unpacked
from shared.jobs.edges import JobEdges
from shared.jobs.line_numbers import NUMBER_BYTES, numbers_as_bytes, numbers_from
from shared.jobs.model import Job


@dataclass(frozen=True, slots=True)
class Failures:
    """On disk while answers pass: the failed ones, and the lines of their requests."""

    answers: BinaryIO
    numbers: BinaryIO

    def add(self, number: int, answer: bytes) -> None:
        self.answers.write(answer + b"\n")
        self.numbers.write(numbers_as_bytes((number,)))


@contextmanager
def noted_failures() -> Iterator[Failures]:
    with tempfile.TemporaryFile() as answers, tempfile.TemporaryFile() as numbers:
        yield Failures(answers, numbers)


def failed_requests(edges: JobEdges, job: Job, numbers: BinaryIO) -> Iterator[bytes]:
    """By their line numbers, in a file on disk. Raises NotGiven or Refused where S3 does not."""
    source = unpacked(edges.s3.open_again(job.lines), job.lines.key)
    return picked(blocks(source, edges.settings.max_file_bytes), _read(numbers))


def picked(found: Iterable[Block], numbers: Iterator[int]) -> Iterator[bytes]:
    """Lines by their numbers, which ascend; reads no further than the last of them."""
    before, wanted = 0, next(numbers, None)
    for block in found:
        last = before + block.data.count(b"\n") + 1
        lines = block.data.split(b"\n") if wanted is not None and wanted <= last else []
        while wanted is not None and wanted <= last:
            yield lines[wanted - before - 1] + b"\n"
            wanted = next(numbers, None)
        if wanted is None:
            return
        before = last


def _read(numbers: BinaryIO) -> Iterator[int]:
    numbers.seek(0)
    while found := numbers.read(NUMBER_BYTES * 1_024):
        yield from numbers_from(found)
