"""A dropped file becomes parts that wait to be submitted, or a report that says why not."""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import BinaryIO, NamedTuple, cast

from shared.batchfile.library_refs import StoreNotMade
from shared.batchfile.lines import Unreadable, unpacked
from shared.batchfile.part_builder import Copying, PartBuilder, Reread
from shared.batchfile.schema import Limits
from shared.batchfile.splitter import Splitter
from shared.errors import NotFound
from shared.jobs import keys, notifications
from shared.jobs.edges import Edges
from shared.jobs.libraries import naming
from shared.jobs.model import Job, JobState, Part, PartState, Source, Span, job_id
from shared.jobs.options import Options, read_options
from shared.problems import Problem, Problems
from shared.report import model as reports
from shared.report.rejected_page import rejected_page
from shared.settings import Settings
from shared.text import sanitize, sanitize_json

SPOOL_BUFFER = 1 << 16  # bytes; a page, the default, is less than a line: a write for each
STORE_PAUSE = timedelta(minutes=1)
RECHECK = 4  # leases after which poll looks whether an accepted job got stuck


class Checked(NamedTuple):
    """What a reading of the file found."""

    options: Options
    asked: Mapping[str, str]
    problems: Problems
    parts: list[Part]
    lines: int
    notes: list[str]


def take_in(edges: Edges, source: Source) -> Job:
    """The same notification twice is the same job; whoever comes second finds it done."""
    job = edges.ledger.open_job(_new(edges, source))
    if job.state is JobState.CHECKING:
        try:
            checked = _check(edges, job)
        except StoreNotMade as error:
            return _wait_for_store(edges, job, error.library)
        refused = checked.problems and (checked.options.bad_lines == "reject" or not checked.parts)
        job = _reject(edges, job, checked) if refused else _accept(edges, job, checked)
    if job.state is JobState.ACCEPTED:
        _let_go(edges, job)
    return job


def _wait_for_store(edges: Edges, job: Job, library: str) -> Job:
    """Its first documents were dropped a moment ago. Poll rings for this file again."""
    waiting = job.waits(
        edges.now(), f"the library {sanitize(library)} has no store yet", edges.now() + STORE_PAUSE
    )
    edges.ledger.replace_job(job, waiting)
    return waiting


def _new(edges: Edges, source: Source) -> Job:
    now = edges.now()
    job_name = job_id(source.bucket, source.key, source.identity)
    due = now + RECHECK * edges.settings.lease
    return Job(id=job_name, source=source, due=due, times={"checking": now})


def _check(edges: Edges, job: Job) -> Checked:
    problems = Problems()
    suffix = keys.accepted_suffix(job.key)
    if suffix is None:
        problems.add(_wrong_name(job.key))
        return Checked(Options(), {}, problems, [], 0, [])
    try:
        size, asked = edges.s3.head(job.source)
    except NotFound:
        problems.add(_gone())
        return Checked(Options(), {}, problems, [], 0, [])
    options, wrong = read_options(asked)
    for each in wrong:
        problems.add(each)
    if wrong:
        return Checked(options, asked, problems, [], 0, [])
    return _read(edges, job, size, asked, options)


def _read(edges: Edges, job: Job, size: int, asked: Mapping[str, str], options: Options) -> Checked:
    """One pass; a second one only where a custom_id seems to stand in the file twice."""
    skip = options.bad_lines == "skip"
    suspects: set[int] | None = None
    while True:
        with ExitStack() as disk:
            copying = Copying(_spooling(disk), _rereading(edges, job), naming(edges, job))
            cutter = Splitter(limits_of(edges.settings), copying, skip=skip, suspects=suspects)
            parts = _cut(edges, job, size, cutter)
            found = cutter.suspects()
        if suspects is not None or not found:
            break
        suspects = found
    if not cutter.requests and not cutter.problems:
        cutter.problems.add(_empty())
    return Checked(options, asked, cutter.problems, parts, cutter.lines, cutter.notes)


def limits_of(settings: Settings) -> Limits:
    """OpenAI's limits, or smaller ones where they are set."""
    asked = {"requests": settings.max_part_requests, "bytes": settings.max_part_bytes}
    return Limits.model_validate({name: most for name, most in asked.items() if most})


def _cut(edges: Edges, job: Job, size: int, cutter: Splitter) -> list[Part]:
    """The parts; each is written to S3 as soon as it is full, if it needs bytes of its own."""
    parts: list[Part] = []
    source = unpacked(edges.s3.open(job.source), job.key)
    try:
        for draft in cutter.drafts(source, edges.settings.max_file_bytes):
            parts.append(_part(edges, job, size, draft, number=len(parts) + 1))
    except Unreadable as error:
        cutter.problems.add(Problem(code=error.code, message=error.message, remedy=error.remedy))
        return []
    return parts


def _part(edges: Edges, job: Job, size: int, draft: PartBuilder, *, number: int) -> Part:
    end = min(draft.end, size)  # the last line may end without a newline
    part = Part(
        job=job.id,
        number=number,
        endpoint=draft.url,
        model=draft.model,
        source=_span(job.source, draft.start, end - draft.start),
        first_line=draft.first_line,
        last_line=draft.last_line,
        requests=draft.requests,
        bytes=draft.size,
        inputs=draft.inputs,
        tokens=draft.tokens,
        libraries=sorted(draft.libraries),
        due=edges.now(),
    )
    return _copied(edges, part, draft.spool, draft) if draft.spool else part


def _copied(edges: Edges, part: Part, spool: BinaryIO, draft: PartBuilder) -> Part:
    s3 = edges.s3
    length = s3.write_file(keys.part_key(part), spool)
    s3.write(keys.lines_key(part), [draft.line_numbers()], keys.BINARY)
    span = Span(bucket=s3.bucket, key=keys.part_key(part), length=length)
    return part.model_copy(update={"source": span, "lines_key": keys.lines_key(part)})


def _reject(edges: Edges, job: Job, checked: Checked) -> Job:
    """Bytes, then bell, then ledger."""
    now = edges.now()
    prefix = keys.rejected_prefix(job.id, job.key)
    job = job.model_copy(update={"notes": checked.notes, "results_prefix": prefix})
    rejected = job.moved(
        JobState.REJECTED,
        now,
        options=checked.options,
        reason=f"{checked.problems.total:,} problem(s)",
    )
    report = reports.rejection(rejected, dict(checked.asked), checked.problems, checked.lines, now)
    key = f"{prefix}report.json"
    edges.s3.write(f"{prefix}report.html", [rejected_page(report)], keys.PAGE)
    body = sanitize_json(report.model_dump_json(indent=2, exclude_none=True))
    edges.s3.write(key, [body], "application/json")
    edges.notifier.publish(notifications.rejected(rejected, report, key))
    edges.ledger.replace_job(job, rejected)
    return rejected


def _accept(edges: Edges, job: Job, checked: Checked) -> Job:
    prefix = keys.results_prefix(job.id, job.key)
    if checked.problems:
        skipped = reports.skipped(checked.problems).model_dump_json(indent=2, exclude_none=True)
        edges.s3.write(f"{prefix}skipped.json", [skipped.encode()], "application/json")
    for part in checked.parts:
        edges.ledger.plan_part(part)
    for model in sorted({part.model for part in checked.parts}):
        edges.ledger.open_capacity(model)
    accepted = job.moved(
        JobState.ACCEPTED,
        edges.now(),
        reason="",
        options=checked.options,
        requests=sum(part.requests for part in checked.parts),
        parts=len(checked.parts),
        tokens=sum(part.tokens for part in checked.parts),
        notes=checked.notes,
        skipped=checked.problems.bad_lines,
        results_prefix=prefix,
    )
    edges.notifier.publish(notifications.accepted(accepted))
    edges.ledger.accept(job, accepted)
    return accepted


def _let_go(edges: Edges, job: Job) -> None:
    """Planned parts begin to wait, and submit is asked for each; asking twice does no harm."""
    now = edges.now()
    parts = edges.ledger.parts(job.id)
    for part in parts:
        if part.state is PartState.PLANNED and part.number <= job.parts:
            edges.ledger.replace_part(part, part.waits(now, "", until=now).asked(now))
    waiting = {PartState.PLANNED, PartState.WAITING}
    edges.submit_queue.ask(part for part in parts if part.state in waiting)


def _spooling(disk: ExitStack) -> Callable[[], BinaryIO]:
    """Files without a name, gone when the pass is over, however it ends."""
    return lambda: disk.enter_context(spool())


def spool() -> BinaryIO:
    return cast(BinaryIO, tempfile.TemporaryFile(buffering=SPOOL_BUFFER))


def _rereading(edges: Edges, job: Job) -> Reread | None:
    """The dropped object's bytes once more, unless they are packed."""
    if keys.is_packed(job.key):
        return None
    source = job.source

    def reread(start: int, length: int) -> Iterable[bytes]:
        return edges.s3.chunks(_span(source, start, length))

    return reread


def _span(source: Source, start: int, length: int) -> Span:
    return Span(
        bucket=source.bucket, key=source.key, version=source.version, start=start, length=length
    )


def _wrong_name(key: str) -> Problem:
    suffixes = ", ".join(keys.SUFFIXES)
    if key.endswith("/"):
        return Problem(
            code="not_a_file",
            message="This is a directory marker, not a file of requests.",
            remedy="nothing to do; to submit requests, drop a file that ends in " + suffixes,
        )
    return Problem(
        code="unsupported_suffix",
        message=f"The name does not end in one of: {suffixes}.",
        remedy="write JSON Lines, one request a line, and name the file ….jsonl",
    )


def _gone() -> Problem:
    return Problem(
        code="object_gone",
        message="The file was deleted before it could be read.",
        remedy="drop it again, and leave it there until its results are landed",
    )


def _empty() -> Problem:
    return Problem(
        code="empty_file",
        message="The input file is empty. Please ensure that the batch contains at least one "
        "request.",
        remedy="write one request a line, and drop the file again",
    )
