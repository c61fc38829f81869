"""A part's answers: fetched whole onto disk, found again by custom_id."""

import os
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import BinaryIO

from shared.batchfile.lines import UTF8_MARK
from shared.errors import NotFound, TryLater
from shared.jobs.edges import Edges
from shared.jobs.model import REFUSED, Part, PartState
from shared.jobs.results import MISSING, Answer, Fate, read_answer, stand_in
from shared.openai.models import BatchError, BatchStatus

TRIES = 5  # of a download, each going on where the last one was cut
BUFFER = 1 << 18  # bytes read at a time; a temporary file's own buffer is one page
NOT_YET = timedelta(hours=1)  # a file that can't be found so soon may only be late


@dataclass(slots=True)
class PartAnswers:
    """Where each request's answer lies on disk, and who may be asked again."""

    disk: BinaryIO
    part: Part
    places: dict[str, tuple[int, int]] = field(default_factory=dict)  # custom_id → offset, length
    may_succeed: set[str] = field(default_factory=set)
    extras: list[tuple[int, int]] = field(default_factory=list)
    refusals: dict[int, BatchError] = field(default_factory=dict)  # by line of the part

    def line(self, custom_id: str, position: int) -> bytes:
        """A request's one line, as OpenAI wrote it or as we write for OpenAI."""
        place = self.places.get(custom_id)
        return self._at(place) if place else self._missing(custom_id, position)

    def is_asked_again(self, custom_id: str) -> bool:
        """A failure that may pass, or no answer; not where OpenAI refused or someone cancelled."""
        if self.part.batch_status in {REFUSED, BatchStatus.FAILED, BatchStatus.CANCELLED}:
            return False
        return custom_id not in self.places or custom_id in self.may_succeed

    def all_final(self) -> bool:
        """Every request has an answer that stands: nobody can be asked again."""
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
            return stand_in(custom_id, "batch_cancelled", "The batch was cancelled before this.")
        said = f"The batch ended as {status!r} with this request in neither of its files."
        return stand_in(custom_id, MISSING, said)

    def _refused(self, custom_id: str, position: int) -> bytes:
        own = self.refusals.get(position)
        some = own or next(iter(self.part.errors), BatchError())
        said = some.message or "no reason given"
        if own is None:
            said = f"OpenAI refused the batch this request was in: {said}"
        return stand_in(custom_id, some.code or "batch_failed", said)


def collect(
    edges: Edges, part: Part, asked: Callable[[], Container[str]], disk: BinaryIO
) -> PartAnswers:
    """Everything OpenAI says of a part that has ended; `asked`: its custom_ids, when needed."""
    answers = PartAnswers(disk, part)
    for file_id in filter(None, (part.output_file_id, part.error_file_id)):
        start = disk.seek(0, 2)
        if _fetched(edges, part, file_id, disk):
            _index(answers, asked(), start)
    if part.errors_total:
        answers.refusals = {each.line: each for each in problems(edges, part) if each.line}
    return answers


def problems(edges: Edges, part: Part) -> list[BatchError]:
    """Why OpenAI refused a part, whole: the ledger keeps the first few."""
    if part.errors_total > len(part.errors) and part.batch_id:
        try:
            return edges.openai.batch(part.batch_id).problems
        except NotFound:
            pass
    return list(part.errors)


def _fetched(edges: Edges, part: Part, file_id: str, disk: BinaryIO) -> bool:
    """Brings a file onto disk. False: OpenAI does not have it (any more)."""
    try:
        fetch(edges, file_id, disk)
    except NotFound as error:
        ended = part.times.get(PartState.ENDED.value)
        if ended and edges.now() - ended < NOT_YET:
            raise TryLater(f"{error.reason}: perhaps not yet") from error
        return False
    return True


def fetch(edges: Edges, file_id: str, disk: BinaryIO) -> None:
    """A file's bytes behind what is on disk; a cut download goes on by range, and is counted."""
    stated, start = edges.openai.file(file_id).bytes, disk.tell()
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
        if disk.tell() - start == stated or not stated:
            return
    raise TryLater(f"file {file_id}: {disk.tell() - start:,} bytes came of {stated:,} stated")


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
    """The first answer counts; one for nobody, or a second one, is kept aside."""
    if answer is None or answer.custom_id not in wanted or answer.custom_id in answers.places:
        answers.extras.append(place)
        return
    answers.places[answer.custom_id] = place
    if answer.fate is Fate.MAY_SUCCEED:
        answers.may_succeed.add(answer.custom_id)
