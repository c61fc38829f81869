"""Requests that may succeed later go into a new part, of the next attempt."""

import tempfile
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from functions.land.answers import PartAnswers
from functions.land.requests import requests_of
from shared.batchfile import schema
from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.line_numbers import line_numbers, numbers_as_bytes
from shared.jobs.model import Job
from shared.jobs.part import Part, PartLines, Retry
from shared.objects import Span

MOST_ROUNDS = 3  # without the lines for which OpenAI refused the batch
GROWTH = 12  # from minutes to hours
LONGEST_PAUSE = timedelta(hours=6)
QUOTA_PAUSE = timedelta(minutes=30)
MONEY_AWAITED = timedelta(days=7)  # since the job was accepted; then what failed is final


def plan_retry(
    edges: JobEdges, job: Job, part: Part, answers: PartAnswers, custom_ids: Iterable[str]
) -> list[Part]:
    """No part, or one with the lines to retry, in their order."""
    if job.cancel_requested or _is_final(edges, job, part, answers):
        return []
    numbers: list[int] = []
    tokens = 0
    with tempfile.TemporaryFile() as disk:
        lines = requests_of(edges, job, part).lines
        numbered = zip(line_numbers(edges.s3, part), custom_ids, lines, strict=True)
        for position, (number, custom_id, line) in enumerate(numbered, 1):
            if answers.is_retried(custom_id, position):
                disk.write(line + b"\n")
                numbers.append(number)
                tokens += schema.tokens_in(line)
        if not numbers:
            return []
        length = edges.s3.write_file(keys.retry_key(part), disk)
    edges.s3.write(keys.retry_lines_key(part), [numbers_as_bytes(numbers)], keys.BINARY)
    span = Span(bucket=edges.s3.bucket, key=keys.retry_key(part), length=length)
    lines_held = PartLines(
        key=keys.retry_lines_key(part),
        first=numbers[0],
        last=numbers[-1],
        count=len(numbers),
        tokens=tokens,
    )
    retry = _retry(edges, part, answers, len(numbers))
    return [part.next_attempt(span, lines_held, edges.now(), retry)]


def is_cut_short(
    edges: JobEdges, job: Job, part: Part, answers: PartAnswers, ids: Iterable[str]
) -> bool:
    """Whether the job's cancel changed what becomes of the part's requests."""
    if job.cancel_requested is None or part.was_cancelled_by(job):
        return job.cancel_requested is not None
    return not _is_final(edges, job, part, answers) and _any_retried(answers, ids)


def _any_retried(answers: PartAnswers, ids: Iterable[str]) -> bool:
    return any(answers.is_retried(each, n) for n, each in enumerate(ids, 1))


def _retry(edges: JobEdges, part: Part, answers: PartAnswers, count: int) -> Retry:
    """Later each time: minutes, then hours. Want of money costs no attempt, but waits for long."""
    if answers.leaves_others:
        reason = f"OpenAI refused {part.requests - count:,} request(s); the others go without them"
        return Retry(timedelta(), reason, free=True, without_refused=True)
    if answers.lack_money_alone:
        reason = "OpenAI answers that the quota is used up; its attempts don't count"
        return Retry(_spread(QUOTA_PAUSE, part), reason, free=True)
    first = edges.settings.retry_pause
    pause = min(first * GROWTH ** (part.counted_attempts - 1), max(LONGEST_PAUSE, first))
    reason = f"{count:,} request(s) failed in a way that may pass"
    return Retry(_spread(pause, part), reason, names_nothing=answers.names_nothing)


def _spread(pause: timedelta, part: Part) -> timedelta:
    """Up to half as long again, the same at each look: parts that failed together come apart."""
    return pause * (1 + zlib.crc32(part.name.encode()) % 1_000 / 2_000)


def _is_final(edges: JobEdges, job: Job, part: Part, answers: PartAnswers) -> bool:
    """The usual case: the input is not read again."""
    if answers.leaves_others:
        return part.without_refused >= MOST_ROUNDS
    if answers.all_final() or (answers.names_nothing and part.names_nothing):
        return True
    if answers.lack_money_alone:
        return edges.now() - _accepted(job) >= MONEY_AWAITED
    return part.counted_attempts >= job.options.max_attempts


def _accepted(job: Job) -> datetime:
    return job.times.get("accepted", min(job.times.values()))
