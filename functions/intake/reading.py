"""Reads a file's lines: what is wrong with them, and the parts that they become."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO, NamedTuple, cast

from functions.intake.checked import Checked
from shared.batchfile.library_refs import Resolve
from shared.batchfile.lines import Readable, unpacked
from shared.batchfile.part_builder import Copying, PartBuilder, Reread
from shared.batchfile.passes import Pass, read_in_passes
from shared.batchfile.refusals import UnreadableFile, too_slow
from shared.batchfile.repeats import AskedOnce, Repeats
from shared.batchfile.schema import Limits
from shared.batchfile.splitter import Splitter
from shared.jobs import keys
from shared.jobs.asked_once import asked_otherwise, saved_by
from shared.jobs.edges import JobEdges
from shared.jobs.estimate import estimate, learnt
from shared.jobs.libraries import store_resolver
from shared.jobs.line_numbers import numbers_as_bytes
from shared.jobs.model import Job, Repeated
from shared.jobs.options import Options
from shared.jobs.part import Part
from shared.jobs.prices import known_prices
from shared.objects import Span
from shared.problems import Problem
from shared.settings import Settings

# Of the lease, which is longer than a function may run: the rest is for the report.
CHECK_SHARE = 0.8
SPOOL_BUFFER = 1 << 16  # bytes; the default, a page, is less than a line: one write for each


def read_lines(edges: JobEdges, job: Job, size: int, read: Checked) -> Checked:
    """In as many passes as it takes."""
    once = read.options.duplicates == "once"
    with ExitStack() as disk:
        reading = _Reading(edges, job, size, read.options, _spooling(disk))
        passed = read_in_passes(reading.read, reading.spool, once=once)
        splitter, made = passed.splitter, passed.made
        if not splitter.requests and not splitter.problems:
            splitter.problems.add(_empty())
        found = read._replace(
            problems=splitter.problems,
            parts=made.parts,
            lines=splitter.lines,
            notes=[*read.notes, *splitter.notes],
            digest=made.digest,
        )
        if isinstance(passed.repeats, AskedOnce) and made.parts and not read.options.dry_run:
            edges.s3.write_file(keys.repeats_key(job), passed.repeats.list)
        return _priced(edges, passed.repeats, found)


class _Made(NamedTuple):
    parts: list[Part]
    digest: str  # of what was read


@dataclass(frozen=True, slots=True)
class _Reading:
    """What each pass over a file has in common."""

    edges: JobEdges
    job: Job
    size: int
    options: Options
    spool: Callable[[], BinaryIO]

    def read(self, this: Pass) -> tuple[Splitter, _Made]:
        """Each part is written to S3 as soon as it is full, if it needs bytes of its own."""
        edges, job = self.edges, self.job
        resolve = store_resolver(edges)
        hold = this.makes_parts and not self.options.dry_run
        splitter = Splitter(
            limits_of(edges.settings),
            Copying(self.spool, _rereading(edges, job), resolve, hold),
            skip=self.options.bad_lines == "skip",
            suspects=this.suspects,
            repeats=this.repeats,
        )
        source = _InTime(edges, job, unpacked(edges.s3.open_theirs(job.lines), job.lines.key))
        parts: list[Part] = []
        try:
            for full in splitter.split(source, edges.settings.max_file_bytes):
                part = _part(edges, job, self.size, full, number=len(parts) + 1)
                parts.append(_with_stores(_copied(edges, part, full) if hold else part, resolve))
        except UnreadableFile as error:
            splitter.problems.add(error.problem)
            parts = []
        return splitter, _Made(parts, source.digest.hexdigest())


def _priced(edges: JobEdges, found: Repeats, read: Checked) -> Checked:
    """Each part with what it may cost, what all do, and what asking once is worth."""
    known = cache(lambda kind: learnt(edges.ledger.used(kind)))
    prices = known_prices(edges.settings)
    parts = []
    for part in read.parts:
        each = estimate([(part.kind, part.asked)], known, prices)
        tokens = each.by_model[part.model].input_tokens
        priced = {"expected": each.expected or 0, "learnt_tokens": max(tokens, 1)}
        parts.append(part.model_copy(update=priced))
    asked = [(part.kind, part.asked) for part in parts]
    whole = estimate(asked, known, prices)
    other = estimate(asked_otherwise(asked, found), known, prices)
    repeated = Repeated(
        requests=found.requests,
        left_out=found.requests if isinstance(found, AskedOnce) else 0,
        saved=saved_by(whole, other),
    )
    return read._replace(parts=parts, estimate=whole, repeated=repeated)


def _with_stores(part: Part, resolve: Resolve) -> Part:
    stores = {name: store for name in part.libraries if (store := resolve(name))}
    return part.model_copy(update={"stores": stores}) if stores else part


def limits_of(settings: Settings) -> Limits:
    """OpenAI's limits and endpoints, or others where they are set."""
    given = {
        "requests": settings.max_part_requests,
        "bytes": settings.max_part_bytes,
        "endpoints": settings.endpoints and settings.endpoints.split(","),
    }
    return Limits.model_validate({name: most for name, most in given.items() if most})


class _InTime:
    """Stops reading while there is time left to report it; a digest of what was read.

    Raises UnreadableFile.
    """

    def __init__(self, edges: JobEdges, job: Job, source: Readable) -> None:
        self._now = edges.now
        self._source = source
        self._time = CHECK_SHARE * edges.settings.lease
        begun = (job.checked_until or edges.now()) - edges.settings.lease
        self._until = begun + self._time
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        if self._now() > self._until:
            raise too_slow(self._time)
        data = self._source.read(size)
        self.digest.update(data)
        return data


def _part(edges: JobEdges, job: Job, size: int, full: PartBuilder, *, number: int) -> Part:
    end = min(full.end, size)  # the last line may end without a newline
    return Part(
        job=job.id,
        number=number,
        endpoint=full.url,
        model=full.model,
        source=job.lines.span(full.start, end - full.start),
        first_line=full.first_line,
        last_line=full.last_line,
        requests=full.requests,
        bytes=full.size,
        inputs=full.inputs,
        tokens=full.tokens,
        bounded=full.bounded,
        most_output=full.most_output,
        libraries=sorted(full.libraries),
        due=edges.now(),
    )


def _copied(edges: JobEdges, part: Part, full: PartBuilder) -> Part:
    """With bytes of its own in S3, if its lines do not lie side by side."""
    if full.spool is None:
        return part
    s3 = edges.s3
    length = s3.write_file(keys.part_key(part), full.spool)
    s3.write(keys.lines_key(part), [numbers_as_bytes(full.copied_numbers)], keys.BINARY)
    span = Span(bucket=s3.bucket, key=keys.part_key(part), length=length)
    return part.model_copy(update={"source": span, "lines_key": keys.lines_key(part)})


def _spooling(disk: ExitStack) -> Callable[[], BinaryIO]:
    """Files without a name, gone when the reading is over, however it ends."""
    return lambda: disk.enter_context(spool())


def spool() -> BinaryIO:
    return cast(BinaryIO, tempfile.TemporaryFile(buffering=SPOOL_BUFFER))


def _rereading(edges: JobEdges, job: Job) -> Reread | None:
    """The dropped object's bytes once more, unless they are compressed."""
    if keys.is_packed(job.lines.key):
        return None
    source = job.lines

    def reread(start: int, length: int) -> Iterable[bytes]:
        return edges.s3.chunks_of_theirs(source.span(start, length))

    return reread


def _empty() -> Problem:
    return Problem(
        code="empty_file",
        message="The input file is empty. Please ensure that the batch contains at least one "
        "request.",
        remedy="write one request a line, and drop the file again",
    )
