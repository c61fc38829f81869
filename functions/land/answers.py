"""A part's answers: downloaded to disk, and found there by custom_id."""

import os
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import BinaryIO

from shared.batchfile.lines import UTF8_MARK
from shared.errors import NotFound, TryLater
from shared.jobs.answer import Answer, read_answer
from shared.jobs.edges import JobEdges
from shared.jobs.part import REFUSED, Part, PartState
from shared.jobs.results import MISSING, Fate, judge, stand_in
from shared.openai.models import BatchError, BatchStatus

TRIES = 5  # of a download; each continues where the last one broke off
BUFFER = 1 << 18  # bytes read at a time; a temporary file's own buffer is one page
LATE = timedelta(hours=1)  # a file that is missing so soon after the end may still appear


@dataclass(slots=True)
class PartAnswers:
    """Where each request's answer is on disk, and which requests may be retried."""

    disk: BinaryIO
    part: Part
    places: dict[str, tuple[int, int]] = field(default_factory=dict)  # custom_id → offset, length
    may_succeed: set[str] = field(default_factory=set)
    extras: list[tuple[int, int]] = field(default_factory=list)
    refusals: dict[int, BatchError] = field(default_factory=dict)  # by line of the part

    def line(self, custom_id: str, position: int) -> bytes:
        """A request's one line: OpenAI's own, or ours where OpenAI wrote none."""
        place = self.places.get(custom_id)
        return self._at(place) if place else self._missing(custom_id, position)

    def is_retried(self, custom_id: str) -> bool:
        """Whether its failure may pass or its answer is missing, and the batch really ran."""
        if self.part.batch_status in {REFUSED, BatchStatus.FAILED, BatchStatus.CANCELLED}:
            return False
        return custom_id not in self.places or custom_id in self.may_succeed

    def all_final(self) -> bool:
        """Every request has a final answer: nothing can be retried."""
        return len(self.places) == self.part.requests and not self.may_succeed

    def extra_lines(self) -> Iterator[bytes]:
        return (self._at(place) + b"\n" for place in self.extras)

    def _at(self, place: tuple[int, int]) -> bytes:
        offset, length = place
        return os.pread(self.disk.fileno(), length, offset)

    def _missing(self, custom_id: str, position: int) -> bytes:
        status = self.part.batch_status
        if status in {REFUSED, BatchStatus.FAILED}:
            return self._refused(custom_id, position)
        if status == BatchStatus.CANCELLED:
            message = "The batch was cancelled before this request was done."
            return stand_in(custom_id, "batch_cancelled", message)
        message = f"The batch ended as {status!r} with this request in neither of its files."
        return stand_in(custom_id, MISSING, message)

    def _refused(self, custom_id: str, position: int) -> bytes:
        own = self.refusals.get(position)
        error = own or next(iter(self.part.errors), BatchError())
        message = error.message or "no reason given"
        if own is None:
            message = f"OpenAI refused the batch that this request was in: {message}"
        return stand_in(custom_id, error.code or "batch_failed", message)


def collect(
    edges: JobEdges, part: Part, custom_ids: Callable[[], Container[str]], disk: BinaryIO
) -> PartAnswers:
    """Everything that OpenAI has on a part that has ended."""
    answers = PartAnswers(disk, part)
    for file_id in filter(None, (part.output_file_id, part.error_file_id)):
        start = disk.seek(0, 2)
        if _fetched(edges, part, file_id, disk):
            _index(answers, custom_ids(), start)
    if part.errors_total:
        answers.refusals = {each.line: each for each in batch_errors(edges, part) if each.line}
    return answers


def batch_errors(edges: JobEdges, part: Part) -> list[BatchError]:
    """All reasons why OpenAI refused a part; the ledger keeps only the first few."""
    if part.errors_total > len(part.errors) and part.batch_id:
        try:
            return edges.openai.batch(part.batch_id).problems
        except NotFound:
            pass
    return list(part.errors)


def _fetched(edges: JobEdges, part: Part, file_id: str, disk: BinaryIO) -> bool:
    """Downloads a file to disk. False: OpenAI does not have it (any more)."""
    try:
        fetch(edges, file_id, disk)
    except NotFound as error:
        ended = part.times.get(PartState.ENDED.value)
        if ended and edges.now() - ended < LATE:
            raise TryLater(f"{error.reason}: it may still appear") from error
        return False
    return True


def fetch(edges: JobEdges, file_id: str, disk: BinaryIO) -> None:
    """Appends a file's bytes. A broken download continues by range, and its bytes are counted."""
    size, start = edges.openai.file(file_id).bytes, disk.tell()
    etag = ""
    for _ in range(TRIES):
        got = disk.seek(0, 2) - start
        try:
            with edges.openai.content(file_id, got, etag) as download:
                if got and not download.resumed:
                    disk.seek(start)
                    disk.truncate()
                etag = download.etag
                for chunk in download.chunks():
                    disk.write(chunk)
        except TryLater:
            continue
        if disk.tell() - start == size or not size:
            return
    raise TryLater(f"file {file_id}: got {disk.tell() - start:,} of {size:,} bytes")


def _index(answers: PartAnswers, wanted: Container[str], start: int) -> None:
    answers.disk.flush()
    with open(answers.disk.fileno(), "rb", BUFFER, closefd=False) as lines:
        lines.seek(start)
        marked = lines.read(len(UTF8_MARK)) == UTF8_MARK
        offset = lines.seek(start + len(UTF8_MARK) if marked else start)
        for line in lines:
            length = len(line.rstrip(b"\r\n"))
            if length:
                _place(answers, wanted, read_answer(line), (offset, length))
            offset += len(line)


def _place(
    answers: PartAnswers, wanted: Container[str], answer: Answer | None, place: tuple[int, int]
) -> None:
    """The first answer counts; a second one, or one for no request, is kept aside."""
    if answer is None or answer.custom_id not in wanted or answer.custom_id in answers.places:
        answers.extras.append(place)
        return
    answers.places[answer.custom_id] = place
    if judge(answer, answers.part.endpoint).fate is Fate.MAY_SUCCEED:
        answers.may_succeed.add(answer.custom_id)
