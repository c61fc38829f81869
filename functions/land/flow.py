"""A batch has ended: its answers land in the input's order, and the last part closes the job."""

import tempfile
from array import array
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from functions.land.answers import NotThere, PartAnswers, collect
from functions.land.close import close, judge_of
from functions.land.merge import Landed, merged
from functions.land.placed import placed
from functions.land.requests import requests_of
from functions.land.retry import is_cut_short, plan_retry
from shared.batchfile import schema
from shared.dollars import MILLION
from shared.errors import Conflict, NotGiven
from shared.jobs import keys, notifications
from shared.jobs.answer_counts import UNKNOWN, Usage
from shared.jobs.edges import JobEdges
from shared.jobs.estimate import Used
from shared.jobs.line_numbers import numbers_as_bytes
from shared.jobs.model import Job, JobState
from shared.jobs.part import Part, PartState
from shared.jobs.prices import cost, known_prices
from shared.jobs.uploads import delete_or_leave
from shared.objects import PartRef
from shared.telemetry import log_wait

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=15)  # doubles in between


def land(edges: JobEdges, ref: PartRef) -> str:
    """Write data, notify, then commit; twice does no harm. Says what became of the job."""
    try:
        return _land_and_close(edges, ref)
    except NotGiven:
        _note_missing_source(edges, ref)
        raise


def _land_and_close(edges: JobEdges, ref: PartRef) -> str:
    job, part = edges.ledger.job(ref.job), edges.ledger.part(ref.job, ref.part)
    if job is None or part is None:
        return "unknown"
    was_landed = part.state is PartState.LANDED
    if part.state is PartState.ENDED and job.state is JobState.ACCEPTED:
        try:
            job, part = _land(edges, job, part)
        except NotThere as error:
            return _wait_for_answers(edges, part, error)
    if part.state is not PartState.LANDED:
        return "not now"
    parts = [part]
    if job.state is JobState.ACCEPTED:
        job = _close_if_last(edges, job)
        if was_landed and job.over:  # asked for by poll: who landed them may have died then
            parts = edges.ledger.parts(job.id)
    _delete_files(edges, job, parts)  # the last thing: no job waits for it
    return job.state.value


def _note_missing_source(edges: JobEdges, ref: PartRef) -> None:
    """Patience with the dropped file counts from the first time that S3 does not give it."""
    part = edges.ledger.part(ref.job, ref.part)
    if part and part.source_missing_since is None:
        noted = part.with_source_missing(edges.now())
        edges.ledger.replace_part(part, noted.postponed(until=part.due))


def _wait_for_answers(edges: JobEdges, part: Part, error: NotThere) -> str:
    """Poll asks for it again; the reason is on the part."""
    log_wait(error.__cause__ or error, job=part.job, part=part.number)
    now = edges.now()
    if error.of_source:
        part = part.with_source_missing(now)
    since = (part.missing_since or now) if error.refused else None
    waited = now - part.times[PartState.ENDED.value]
    pause = min(max(waited, FIRST_PAUSE), LONGEST_PAUSE)
    edges.ledger.replace_part(part, part.missing(since, error.reason, until=now + pause))
    return "waits"


def _land(edges: JobEdges, job: Job, part: Part) -> tuple[Job, Part]:
    requests = requests_of(edges, job, part)
    with tempfile.TemporaryFile() as disk, ThreadPoolExecutor(1) as beside:
        reading = beside.submit(_custom_ids, requests.lines)  # S3, while OpenAI sends the answers
        asked = PartAnswers(disk, part, judge_of(edges, job))
        answers = collect(edges, asked, reading.result)
        ids = reading.result()
        children = [] if requests.lost else plan_retry(edges, job, part, answers, ids)
        if answers.extras:
            edges.s3.write(keys.extras_key(job, part), answers.extra_lines())
        cut_short = is_cut_short(edges, job, part, answers, ids)
        reason = answers.unread or ("" if part.missing_since else part.reason)  # or all came
        used = answers.spent.as_usage()
        _learn(edges, part, answers)
        landed = part.paid(used, _cost(edges, part, used)).landed(
            edges.now(), len(answers.extras), cut_short=cut_short, reason=reason
        )
        if job.parts == 1 and part.number == 1 and not children:
            return _land_alone(edges, job, part, landed, placed(edges, job, answers, ids))
        landed = _write_landed(edges, landed, placed(edges, job, answers, ids))
    _add_retries(edges, job, (part, landed), children)
    return job, landed


def _write_landed(edges: JobEdges, part: Part, answers: Iterable[Landed]) -> Part:
    """With the numbers of their lines, where there are more of those than requests."""
    numbers = array("I")

    def lines() -> Iterator[bytes]:
        for each in answers:
            numbers.append(each.number)
            yield each.line + b"\n"

    edges.s3.write(keys.landed_key(part), lines())
    if len(numbers) == part.requests:
        return part
    edges.s3.write(keys.landed_lines_key(part), [numbers_as_bytes(numbers)], keys.BINARY)
    return part.answering(last_line=numbers[-1])


def _cost(edges: JobEdges, part: Part, used: Usage) -> int:
    """Millionths of a dollar; what nobody knows costs what was expected, and not nothing."""
    found = cost({part.model: used}, known_prices(edges.settings)).usd
    if used == UNKNOWN:
        return 0  # no answer, or only failures
    return part.expected if found is None or used.unstated else round(found * MILLION)


def _learn(edges: JobEdges, part: Part, answers: PartAnswers) -> None:
    """What such requests use, for the next estimate."""
    spent = answers.spent
    if not spent.stated:
        return
    used = Used(
        part=part.name,
        estimated=round(part.tokens * spent.stated / part.requests),
        answers=spent.stated,
        input=spent.input,
        output=spent.output,
        cached=spent.cached or 0,
    )
    with suppress(Conflict):  # another part of its kind landed at this moment
        edges.ledger.note_used(part.kind, used)


def _add_retries(edges: JobEdges, job: Job, parts: tuple[Part, Part], children: list[Part]) -> None:
    """They wait for a while, then poll asks for them."""
    for child in children:
        edges.notifier.publish(notifications.retried(job, child))
        edges.ledger.open_capacity(child.model, edges.now())
    edges.ledger.land(*parts, children)


def _land_alone(
    edges: JobEdges, job: Job, part: Part, landed: Part, answers: Iterator[Landed]
) -> tuple[Job, Part]:
    """The job's only part: its results become the job's directly."""
    closed = close(edges, job, [landed], answers)
    edges.ledger.close((job, closed), (part, landed))
    return closed, landed


def _close_if_last(edges: JobEdges, job: Job) -> Job:
    """Each landing lowers the count in its transaction: the part that lands last sees zero."""
    if edges.ledger.left(job.id) > 0:
        return job
    parts = edges.ledger.parts(job.id)
    closed = close(edges, job, parts, merged(edges, parts))
    edges.ledger.close((job, closed))
    return closed


def _custom_ids(lines: Iterable[bytes]) -> dict[str, None]:
    """In the part's order; a dictionary, so that each is found fast."""
    return dict.fromkeys(schema.decode(line).custom_id for line in lines)


def _delete_files(edges: JobEdges, job: Job, parts: Iterable[Part]) -> None:
    """Files of landed parts do not pile up at OpenAI. Deleting twice does no harm."""
    if job.options.keep_files:
        return
    for part in parts:
        for file_id in filter(None, (part.file_id, part.output_file_id, part.error_file_id)):
            delete_or_leave(edges, file_id)
