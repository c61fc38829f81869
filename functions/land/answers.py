"""A part's answers: downloaded to disk, and found there by custom_id."""

import json
import os
import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import BinaryIO

from shared.batchfile.lines import UTF8_MARK
from shared.errors import Refused, TryLater
from shared.jobs.answer import read_answer
from shared.jobs.answer_counts import Spent
from shared.jobs.edges import JobEdges
from shared.jobs.part import REFUSED, Part
from shared.jobs.results import MISSING, Fate, Judge, judge_line, stand_in
from shared.openai.models import BatchError, BatchStatus
from shared.openai.refusals import UNPAID
from shared.text import shorten

TRIES = 5  # of a download; each continues where the last one broke off
BUFFER = 1 << 18  # bytes read at a time; a temporary file's own buffer is one page
PATIENCE = timedelta(hours=3)  # with a file that OpenAI does not give, since it first did not
UNREADABLE = "unreadable_answer"
KEPT_RAW = 2_000  # characters of an answer that can't be read
NAMED = re.compile(rb'"custom_id"\s*:\s*("(?:[^"\\]|\\.)*")')


@dataclass(slots=True)
class PartAnswers:
    """Where each request's answer is on disk, and which requests may be retried."""

    disk: BinaryIO
    part: Part
    judge: Judge = judge_line
    places: dict[str, tuple[int, int]] = field(default_factory=dict)  # custom_id → offset, length
    may_succeed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)  # those that may succeed among them
    unpaid: set[str] = field(default_factory=set)  # failed for want of money
    unreadable: set[str] = field(default_factory=set)  # named in a line that is no JSON
    unread: str = ""  # why a file of answers could not be downloaded
    spent: Spent = field(default_factory=Spent)  # by all answers, those that are asked again too
    extras: list[tuple[int, int]] = field(default_factory=list)
    refusals: dict[int, BatchError] = field(default_factory=dict)  # by line of the part

    def line(self, custom_id: str, position: int) -> bytes:
        """A request's one line: OpenAI's own, or ours where OpenAI wrote none."""
        place = self.places.get(custom_id)
        if place is None:
            return self._missing(custom_id, position)
        if custom_id in self.unreadable:
            raw = self._at(place).decode(errors="replace")
            return stand_in(custom_id, UNREADABLE, f"not JSON: {shorten(raw, KEPT_RAW)}")
        return self._at(place)

    @property
    def leaves_others(self) -> bool:
        """The batch was refused for lines that OpenAI names: nothing ran, and the others may go."""
        named = len(self.refusals)
        return self.part.batch_status == BatchStatus.FAILED and 0 < named < self.part.requests

    def is_retried(self, custom_id: str, position: int) -> bool:
        """Whether its failure may pass or its answer is missing, and the batch really ran."""
        if self.leaves_others:
            return position not in self.refusals
        if self.part.batch_status in {REFUSED, BatchStatus.FAILED, BatchStatus.CANCELLED}:
            return False
        return custom_id not in self.places or custom_id in self.may_succeed

    @property
    def names_nothing(self) -> bool:
        """There are answers, and none of them names a request."""
        return bool(self.extras) and not self.places

    @property
    def lack_money_alone(self) -> bool:
        """Whatever may be asked again failed for want of money."""
        is_whole = len(self.places) == self.part.requests
        return is_whole and bool(self.unpaid) and self.may_succeed == self.unpaid

    def takes(self, custom_id: str, *, succeeded: bool) -> bool:
        """Whether an answer is the first, or the first that succeeded."""
        return custom_id not in self.places or (succeeded and custom_id in self.failed)

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
        if self.unread:
            message = f"The batch ended as {status!r}; its answers can't be had: {self.unread}"
        elif self.names_nothing:
            message = "The batch's answers name no request: their custom_id is missing or another."
        return stand_in(custom_id, MISSING, message)

    def _refused(self, custom_id: str, position: int) -> bytes:
        own = self.refusals.get(position)
        error = own or next(iter(self.part.errors), BatchError())
        message = error.message or "no reason given"
        if own is None and self.part.batch_status == REFUSED:
            message = f"The batch of this request could not be made: {message}"
        elif own is None:
            message = f"OpenAI refused the batch that this request was in: {message}"
        return stand_in(custom_id, error.code or "batch_failed", message)


class NotThere(Exception):
    """OpenAI does not give a file of answers now: it refuses to, or it can't be asked."""

    def __init__(self, reason: str, *, refused: bool, of_source: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused
        self.of_source = of_source  # it is S3 that does not give the dropped file


def collect(
    edges: JobEdges, answers: PartAnswers, custom_ids: Callable[[], Container[str]]
) -> PartAnswers:
    """Everything that OpenAI has on a part that has ended. Raises NotThere while it may still come.

    A file that OpenAI refuses to give for so long is given up; one that can't be read now never is.
    """
    part, disk = answers.part, answers.disk
    for file_id in filter(None, (part.output_file_id, part.error_file_id)):
        start = disk.seek(0, 2)
        try:
            fetch(edges, file_id, disk)
        except Refused as error:
            disk.truncate(start)
            if edges.now() - (part.missing_since or edges.now()) < PATIENCE:
                raise NotThere(error.reason, refused=True) from error
            answers.unread = error.reason
            continue
        except TryLater as error:
            raise NotThere(error.reason, refused=False) from error
        _index(answers, custom_ids(), start)
    if part.errors_total:
        answers.refusals = {each.line: each for each in batch_errors(edges, part) if each.line}
    return answers


def batch_errors(edges: JobEdges, part: Part) -> list[BatchError]:
    """All reasons why OpenAI refused a part; the ledger keeps only the first few."""
    if part.errors_total > len(part.errors) and part.batch_id:
        try:
            return edges.openai.batch(part.batch_id).problems
        except Refused:
            pass
    return list(part.errors)


def fetch(edges: JobEdges, file_id: str, disk: BinaryIO) -> None:
    """Appends a file's bytes. A broken download continues by range, and its bytes are counted."""
    size, start = _size(edges, file_id), disk.tell()
    etag, last = "", TryLater("")
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
        except TryLater as error:
            last = error
            continue
        if disk.tell() - start == size or not size:
            return
    came = f"got {disk.tell() - start:,} of {size:,} bytes"
    reason = "; ".join(filter(None, (f"file {file_id}: {came}", last.reason)))
    raise TryLater(reason, last.after, last.details) from last


def _size(edges: JobEdges, file_id: str) -> int:
    """0: not known. What decides is whether its bytes can be had."""
    try:
        return edges.openai.file(file_id).bytes
    except Refused:
        return 0


def _index(answers: PartAnswers, wanted: Container[str], start: int) -> None:
    answers.disk.flush()
    with open(answers.disk.fileno(), "rb", BUFFER, closefd=False) as lines:
        lines.seek(start)
        marked = lines.read(len(UTF8_MARK)) == UTF8_MARK
        offset = lines.seek(start + len(UTF8_MARK) if marked else start)
        for line in lines:
            length = len(line.rstrip(b"\r\n"))
            if length:
                _place(answers, wanted, line, (offset, length))
            offset += len(line)


def _place(
    answers: PartAnswers, wanted: Container[str], line: bytes, place: tuple[int, int]
) -> None:
    """The first answer counts, unless it failed and this one did not; the other is kept aside."""
    answer = read_answer(line)
    if answer is None:
        _place_unreadable(answers, wanted, line, place)
        return
    custom_id, verdict = answer.custom_id, answers.judge(answer, line, answers.part.endpoint)
    succeeded = verdict.fate is Fate.SUCCEEDED
    answers.spent.spend(answer, succeeded=succeeded)
    if custom_id not in wanted or not answers.takes(custom_id, succeeded=succeeded):
        answers.extras.append(place)
        return
    if custom_id in answers.places:
        answers.extras.append(answers.places[custom_id])
    for those in (answers.failed, answers.may_succeed, answers.unpaid, answers.unreadable):
        those.discard(custom_id)
    answers.places[custom_id] = place
    if not succeeded:
        answers.failed.add(custom_id)
        if verdict.fate is Fate.MAY_SUCCEED:
            answers.may_succeed.add(custom_id)
        if verdict.code in UNPAID:
            answers.unpaid.add(custom_id)


def _place_unreadable(
    answers: PartAnswers, wanted: Container[str], line: bytes, place: tuple[int, int]
) -> None:
    """It was paid for: it fails with its text kept, as asking again would cost the same again."""
    custom_id = _named_in(line)
    if custom_id not in wanted or custom_id in answers.places:
        answers.extras.append(place)
        return
    answers.places[custom_id] = place
    answers.failed.add(custom_id)
    answers.unreadable.add(custom_id)


def _named_in(line: bytes) -> str:
    found = NAMED.search(line)
    try:
        return str(json.loads(found[1])) if found else ""
    except ValueError:
        return ""
