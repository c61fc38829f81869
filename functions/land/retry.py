"""Requests that may succeed later go into a new part, of the next attempt."""

import tempfile
from collections.abc import Iterable

from functions.land.answers import PartAnswers
from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.line_numbers import line_numbers, numbers_as_bytes
from shared.jobs.model import Job
from shared.jobs.part import Part, PartLines
from shared.jobs.results import lines_of
from shared.objects import Span


def plan_retry(
    edges: JobEdges, job: Job, part: Part, answers: PartAnswers, custom_ids: Iterable[str]
) -> list[Part]:
    """No part, or one with the lines to retry, in their order."""
    if job.cancel_requested or _is_final(job, part, answers):
        return []
    numbers: list[int] = []
    with tempfile.TemporaryFile() as disk:
        lines = lines_of(edges.s3.chunks(part.source))
        numbered = zip(line_numbers(edges.s3, part), custom_ids, lines, strict=True)
        for number, custom_id, line in numbered:
            if answers.is_retried(custom_id):
                disk.write(line + b"\n")
                numbers.append(number)
        if not numbers:
            return []
        length = edges.s3.write_file(keys.retry_key(part), disk)
    edges.s3.write(keys.retry_lines_key(part), [numbers_as_bytes(numbers)], keys.BINARY)
    span = Span(bucket=edges.s3.bucket, key=keys.retry_key(part), length=length)
    lines_held = PartLines(
        key=keys.retry_lines_key(part), first=numbers[0], last=numbers[-1], count=len(numbers)
    )
    return [part.next_attempt(span, lines_held, edges.now())]


def is_cut_short(job: Job, part: Part, answers: PartAnswers, ids: Iterable[str]) -> bool:
    """Whether the job's cancel changed what becomes of the part's requests."""
    if job.cancel_requested is None or part.was_cancelled_by(job):
        return job.cancel_requested is not None
    return not _is_final(job, part, answers) and any(map(answers.is_retried, ids))


def _is_final(job: Job, part: Part, answers: PartAnswers) -> bool:
    """The usual case: the input is not read again."""
    return part.attempt >= job.options.max_attempts or answers.all_final()
