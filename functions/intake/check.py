"""Reads a dropped file: its options, everything that is wrong with it, and its parts."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from typing import BinaryIO, NamedTuple, cast

from functions.intake.names import wrong_name, wrong_place
from shared.batchfile.library_refs import Resolve
from shared.batchfile.lines import Readable, blocks, unpacked
from shared.batchfile.part_builder import Copying, PartBuilder, Reread
from shared.batchfile.refusals import UnreadableFile, too_slow
from shared.batchfile.schema import Limits
from shared.batchfile.splitter import Splitter
from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.estimate import Estimate, estimate, learnt
from shared.jobs.libraries import store_resolver
from shared.jobs.line_numbers import numbers_as_bytes
from shared.jobs.model import Job, TableJob
from shared.jobs.options import Options, foreign_names, read_options
from shared.jobs.part import Part
from shared.jobs.prices import known_prices
from shared.jobs.recipes import nearest_recipe
from shared.objects import Source, Span
from shared.problems import Problem, Problems
from shared.settings import Settings
from shared.tables.json_rows import is_row
from shared.text import sanitize

# Of the lease, which is longer than a function may run: the rest is for the report.
CHECK_SHARE = 0.8
BEGINNING = 1 << 20  # bytes of a file in which its first line is looked for
NO_REQUESTS = (
    "The first line has neither custom_id nor url. If the lines are rows of a table, drop a "
    "recipe.yaml beside the file (docs/tables.md), and then the file again."
)
SPOOL_BUFFER = 1 << 16  # bytes; the default, a page, is less than a line: one write for each


class Checked(NamedTuple):
    """What reading the file found."""

    problems: Problems
    options: Options = Options()
    metadata: Mapping[str, str] = {}
    parts: Sequence[Part] = ()
    lines: int = 0
    notes: Sequence[str] = ()
    digest: str = ""  # of the file's lines, unpacked
    estimate: Estimate = Estimate()
    table: TableJob | None = None
    recipe: bytes = b""  # its text

    @property
    def requests(self) -> int:
        return sum(part.requests for part in self.parts)

    @property
    def tokens(self) -> int:
        """Estimated prompt tokens."""
        return sum(part.tokens for part in self.parts)

    @property
    def is_refused(self) -> bool:
        return bool(self.problems) and (self.options.bad_lines == "reject" or not self.parts)


def check(edges: JobEdges, job: Job) -> Checked:
    """Parts that need bytes of their own are written to S3.

    Raises StoreNotReady, and Refused where S3 will not give the file.
    """
    problems = Problems()
    if not keys.is_in_inbox(job.key):
        problems.add(wrong_place(job.source))
        return Checked(problems)
    if keys.is_recipe(job.key):
        return Checked(check_recipe(edges, job.source))
    if keys.accepted_suffix(job.key) is None:
        problems.add(wrong_name(job.key))
        return Checked(problems)
    size, metadata = edges.s3.head(job.source)
    if keys.table_suffix(job.key):
        return _check_table(edges, job, metadata, problems)
    holds_rows = _holds_rows(edges, job, size)
    if holds_rows and nearest_recipe(edges.s3, job.source):
        return _check_table(edges, job, metadata, problems)
    notes = [*_notes(metadata), *([NO_REQUESTS] if holds_rows else [])]
    return _check_requests(edges, job, size, Checked(problems, metadata=metadata, notes=notes))


def _check_requests(edges: JobEdges, job: Job, size: int, read: Checked) -> Checked:
    options, wrong = read_options(read.metadata, edges.settings.windows)
    for each in wrong:
        read.problems.add(each)
    read = read._replace(options=options)
    return read if wrong else _read(edges, job, size, read)


def _holds_rows(edges: JobEdges, job: Job, size: int) -> bool:
    """Whether its first line is an object that is not meant as a request."""
    begins = _span(job.source, 0, min(size, BEGINNING))
    source = unpacked(edges.s3.open_theirs(begins), job.key)
    try:
        block = next(blocks(source, edges.settings.max_file_bytes), None)
    except UnreadableFile:
        return False  # or its beginning alone can't be unpacked
    lines = block.data.split(b"\n") if block else []
    return is_row(next(filter(bytes.strip, lines), b""))


def check_recipe(edges: JobEdges, source: Source) -> Problems:
    """Of its own, without a table; one that is fine by now has none."""
    from functions.intake.table import mistakes_in  # noqa: PLC0415  # large, and seldom needed

    text = b"".join(edges.s3.chunks_of_theirs(source))
    problems = Problems()
    for each in mistakes_in(text, edges.settings.windows):
        problems.add(each)
    return problems


def check_without_recipe(edges: JobEdges, job: Job) -> Problems:
    """Nobody dropped one: how to write it."""
    from functions.intake.table import without_recipe  # noqa: PLC0415  # large, seldom needed

    problems = Problems()
    without_recipe(edges, job, problems)
    return problems


def _check_table(
    edges: JobEdges, job: Job, metadata: Mapping[str, str], problems: Problems
) -> Checked:
    """Its rows become lines, and those are read as a dropped file's. Raises NoRecipe."""
    from functions.intake import table  # noqa: PLC0415  # large, and seldom needed

    recipe = table.find_recipe(edges, job)
    said = table.options_of(recipe)
    options, wrong = read_options({**said, **metadata}, edges.settings.windows)
    for each in wrong:
        problems.add(each)
    read = Checked(problems, options, metadata, notes=_notes(metadata))
    skip = options.bad_lines == "skip"
    prepared = None if wrong else table.TableCheck(edges, job, problems, skip).prepare(recipe)
    if prepared is None or (problems and not skip):
        return read
    of = TableJob(lines=prepared.lines, recipe=prepared.recipe_source)
    size, _ = edges.s3.head(of.lines)
    lines = _read(edges, job.model_copy(update={"table": of}), size, read)
    lines.problems.merge(problems)
    notes = [*lines.notes, *prepared.notes]
    return lines._replace(table=of, recipe=prepared.recipe, notes=notes)


def _notes(metadata: Mapping[str, str]) -> list[str]:
    names = foreign_names(metadata)
    shown = ", ".join(sanitize(each, 40) for each in names[:10])
    return [f"Metadata that is no option was left alone: {shown}."] if names else []


def _read(edges: JobEdges, job: Job, size: int, read: Checked) -> Checked:
    """One pass; a second one only where the file seems to use a custom_id twice."""
    splitter, parts, digest, suspects = _pass(edges, job, size, read.options)
    if suspects:
        splitter, parts, digest, _ = _pass(edges, job, size, read.options, suspects)
    if not splitter.requests and not splitter.problems:
        splitter.problems.add(_empty())
    priced, whole = _priced(edges, parts)
    return read._replace(
        problems=splitter.problems,
        parts=priced,
        estimate=whole,
        lines=splitter.lines,
        notes=[*read.notes, *splitter.notes],
        digest=digest,
    )


def _priced(edges: JobEdges, parts: Sequence[Part]) -> tuple[list[Part], Estimate]:
    """Each with what it may cost, and what all do."""
    known = cache(lambda kind: learnt(edges.ledger.used(kind)))
    prices = known_prices(edges.settings)
    priced = []
    for part in parts:
        found = estimate([(part.kind, part.asked)], known, prices)
        priced.append(part.model_copy(update={"expected": found.expected or 0}))
    return priced, estimate(((part.kind, part.asked) for part in parts), known, prices)


class _Passed(NamedTuple):
    splitter: Splitter
    parts: list[Part]
    digest: str  # of what was read
    suspects: set[int]  # hashes of custom_ids that may be used twice


def _pass(
    edges: JobEdges, job: Job, size: int, options: Options, suspects: set[int] | None = None
) -> _Passed:
    with ExitStack() as disk:
        resolve = store_resolver(edges)
        copying = Copying(_spooling(disk), _rereading(edges, job), resolve)
        skip = options.bad_lines == "skip"
        hold = not options.dry_run
        limits = limits_of(edges.settings)
        splitter = Splitter(limits, copying, skip=skip, suspects=suspects, hold=hold)
        source = _InTime(edges, job, unpacked(edges.s3.open_theirs(job.lines), job.lines.key))
        parts = [_with_stores(each, resolve) for each in _split(edges, job, size, splitter, source)]
        # Asked while the disk is there: hashes of a large file lie on it.
        return _Passed(splitter, parts, source.digest.hexdigest(), splitter.suspects())


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


def _split(
    edges: JobEdges, job: Job, size: int, splitter: Splitter, source: Readable
) -> list[Part]:
    """Each part is written to S3 as soon as it is full, if it needs bytes of its own."""
    parts: list[Part] = []
    try:
        for full in splitter.split(source, edges.settings.max_file_bytes):
            part = _part(edges, job, size, full, number=len(parts) + 1)
            parts.append(_copied(edges, part, full) if splitter.hold else part)
    except UnreadableFile as error:
        splitter.problems.add(error.problem)
        return []
    return parts


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
        source=_span(job.lines, full.start, end - full.start),
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
    """Files without a name, gone when the pass is over, however it ends."""
    return lambda: disk.enter_context(spool())


def spool() -> BinaryIO:
    return cast(BinaryIO, tempfile.TemporaryFile(buffering=SPOOL_BUFFER))


def _rereading(edges: JobEdges, job: Job) -> Reread | None:
    """The dropped object's bytes once more, unless they are compressed."""
    if keys.is_packed(job.lines.key):
        return None
    source = job.lines

    def reread(start: int, length: int) -> Iterable[bytes]:
        return edges.s3.chunks_of_theirs(_span(source, start, length))

    return reread


def _span(source: Source, start: int, length: int) -> Span:
    return Span(
        bucket=source.bucket, key=source.key, version=source.version, start=start, length=length
    )


def _empty() -> Problem:
    return Problem(
        code="empty_file",
        message="The input file is empty. Please ensure that the batch contains at least one "
        "request.",
        remedy="write one request a line, and drop the file again",
    )
