"""The last part has landed: merges the results, writes the report, closes the job."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from functions.land.answers import batch_errors
from functions.land.failed_requests import Failures, failed_requests, noted_failures
from functions.land.merge import Landed
from shared.batchfile.refusals import UnreadableFile
from shared.errors import NotGiven, Refused
from shared.jobs import keys
from shared.jobs.answer import Answer, read_landed
from shared.jobs.answer_counts import UNKNOWN, AnswerCounts, Usage
from shared.jobs.edges import JobEdges
from shared.jobs.line_numbers import line_numbers
from shared.jobs.model import Job
from shared.jobs.outcome import outcome, why
from shared.jobs.part import Part
from shared.jobs.prices import cost, known_prices
from shared.jobs.results import Judge, Verdict, judge, judge_line
from shared.jobs.waiting import A_MOMENT
from shared.openai.models import BatchError
from shared.problems import KEPT
from shared.report import model, notifications
from shared.report.job_page import job_page
from shared.report.samples import KEPT as KEPT_SAMPLES
from shared.report.samples import Sample, sample
from shared.text import sanitize_json

if TYPE_CHECKING:
    from functions.land.table_results import TableResults

FLUSH = 1 << 18  # bytes passed on at a time
RETRY = "retry.jsonl"
NO_RETRY = f"The dropped file can't be read any more, so there is no {RETRY}."

NO_TABLE = "The dropped table can't be read any more, so it does not come back: see results.jsonl."


def close(edges: JobEdges, job: Job, parts: list[Part], landed: Iterable[Landed]) -> Job:
    """Write data, then notify; the caller commits last."""
    counts, samples, files = AnswerCounts(), list[Sample](), _files(job, parts)
    with noted_failures() as failures, _table_results(edges, job) as table:
        judged = _Judged(counts, failures, samples, table.note if table else _judge)
        edges.s3.write(files["results"], judged.passing(landed))
        _check_complete(job, counts)
        if table:
            job = _with_table(edges, job, table, files, _missing_since(parts))
        edges.s3.write_file(files["errors"], failures.answers)
        if counts.failed:
            job = _with_retry(edges, job, failures, files, _missing_since(parts))
    state = outcome(job, parts, counts)
    ended = job.in_state(state, edges.now(), reason=why(job, state, parts, counts))
    report = _report(edges, ended, parts, counts, files)
    shown = table.report(job.table.recipe) if table and job.table else None
    report = report.model_copy(update={"samples": samples, "table": shown})
    edges.s3.write(files["page"], [job_page(report)], keys.PAGE)
    body = sanitize_json(report.model_dump_json(indent=2))
    edges.s3.write(files["report"], [body], "application/json")
    edges.notifier.publish(notifications.ended(ended, report))
    return ended


def judge_of(edges: JobEdges, job: Job) -> Judge:
    """A recipe may ask more of an answer than that it is one."""
    if job.table is None:
        return judge_line
    from functions.land.table_results import judging  # noqa: PLC0415  # large, seldom needed

    return judging(edges, job)


def _files(job: Job, parts: list[Part]) -> dict[str, str]:
    """What lies in the job's folder, by what it is."""
    files = {name: f"{job.results_prefix}{name}.jsonl" for name in ("results", "errors")}
    files |= {f"extras-{p.number}": keys.extras_key(job, p) for p in parts if p.extras}
    pages = {"report": "report.json", "page": "report.html"}
    return files | {name: f"{job.results_prefix}{file}" for name, file in pages.items()}


def _missing_since(parts: list[Part]) -> datetime | None:
    """When S3 first did not give the dropped file."""
    return min(
        (each.source_missing_since for each in parts if each.source_missing_since), default=None
    )


def _with_retry(
    edges: JobEdges, job: Job, failures: Failures, files: dict[str, str], since: datetime | None
) -> Job:
    """Writes the failed requests, unless the dropped file can't be read any more.

    Raises NotGiven for a while, and always the first time: a right may be missing for a moment.
    """
    key = f"{job.results_prefix}{RETRY}"
    try:
        edges.s3.write(key, failed_requests(edges, job, failures.numbers))
    except (NotGiven, Refused, UnreadableFile) as error:
        _raise_for_a_while(edges, error, since)
        return job.model_copy(update={"notes": [*job.notes, NO_RETRY]})
    files["retry"] = key
    return job


def _raise_for_a_while(edges: JobEdges, error: Exception, since: datetime | None) -> None:
    """What S3 does not give now may come back; once the moment is over, the job ends without it."""
    if isinstance(error, NotGiven) and edges.now() - (since or edges.now()) < A_MOMENT:
        raise error


@contextmanager
def _table_results(edges: JobEdges, job: Job) -> Iterator["TableResults | None"]:
    """None, if the job is of no table."""
    if job.table is None:
        yield None
        return
    from functions.land.table_results import TableResults  # noqa: PLC0415  # large, seldom needed

    with tempfile.TemporaryDirectory() as folder:
        results = TableResults(edges, job, Path(folder))
        try:
            yield results
        finally:
            results.close()


def _with_table(
    edges: JobEdges,
    job: Job,
    table: "TableResults",
    files: dict[str, str],
    since: datetime | None,
) -> Job:
    """As with the retry: without it, if the dropped table can't be read any more."""
    files["recipe"] = f"{job.results_prefix}{keys.RECIPE}"
    try:
        files["table"] = table.written()
    except (NotGiven, Refused, UnreadableFile) as error:
        _raise_for_a_while(edges, error, since)
        return job.model_copy(update={"notes": [*job.notes, NO_TABLE]})
    return job


def _judge(each: Landed, answer: Answer) -> Verdict:
    return judge(answer, each.part.endpoint)


class _Judged(NamedTuple):
    """What is noted of the results as they pass."""

    counts: AnswerCounts
    failures: Failures
    samples: list[Sample]
    judge: Callable[[Landed, Answer], Verdict]

    def passing(self, landed: Iterable[Landed]) -> Iterator[bytes]:
        """The results file, in pieces."""
        held: list[bytes] = []
        size = 0
        for each in landed:
            self._note(each)
            held.append(each.line)
            size += len(each.line)
            if size > FLUSH:
                yield b"\n".join(held) + b"\n"
                held, size = [], 0
        if held:
            yield b"\n".join(held) + b"\n"

    def _note(self, each: Landed) -> None:
        answer = read_landed(each.line)
        if answer is None:
            raise AssertionError(f"line {each.number} of the results names no request")
        verdict = self.judge(each, answer)
        if not self.counts.add(answer, verdict, each.part.model, each.number):
            self.failures.add(each.number, each.line)
        elif len(self.samples) < KEPT_SAMPLES:
            self.samples.append(sample(answer.custom_id, each.number, each.line))


def _check_complete(job: Job, counts: AnswerCounts) -> None:
    """A job with a request missing is not closed."""
    if counts.succeeded + counts.failed != job.requests:
        raise AssertionError(
            f"job {job.id}: {counts.succeeded + counts.failed} results of {job.requests} requests"
        )


def _report(
    edges: JobEdges, job: Job, parts: list[Part], counts: AnswerCounts, files: dict[str, str]
) -> model.JobReport:
    prices = known_prices(edges.settings)
    used = _used(parts, counts)
    costs = cost(used, prices)
    return model.JobReport(
        job_id=job.id,
        state=job.state,
        reason=job.reason,
        source=job.source,
        options=job.options,
        times=job.times,
        requests=model.Requests(
            total=job.requests,
            succeeded=counts.succeeded,
            failed=counts.failed,
            retried=sum(part.requests for part in parts if part.attempt == 2 and not part.replaced),
            skipped=job.skipped,
            incomplete=counts.incomplete.total(),
            answered=counts.answered,
        ),
        incomplete=dict(counts.incomplete.most_common()),
        usage=model.total(used),
        usage_by_model=used,
        cost=costs,
        retries_usd=cost(_used_by([p for p in parts if p.attempt > 1]), prices).usd,
        estimate=job.estimate and model.estimate_report(job.estimate),
        repeated=model.repeated_report(job, costs.usd),
        budget=_budget(edges, job),
        estimated_prompt_tokens=job.tokens,
        parts=[model.part_report(part, _errors(edges, part)) for part in parts],
        errors=counts.groups,
        skipped=_skipped(edges, job),
        extra_answers=sum(part.extras for part in parts),
        waited=model.waits(parts),
        bucket=edges.s3.bucket,
        files=files,
        notes=job.notes,
    )


def _budget(edges: JobEdges, job: Job) -> model.BudgetReport | None:
    if not job.committed:
        return None
    return model.budget_report(edges.ledger.budget(job.month), edges.settings.budget)


def _used(parts: list[Part], counts: AnswerCounts) -> dict[str, Usage]:
    """By all answers, as each is billed; those that land are only one for each request."""
    return (
        _used_by(parts) if all(each.used for each in parts if not each.replaced) else counts.usage
    )


def _used_by(parts: Iterable[Part]) -> dict[str, Usage]:
    found: dict[str, Usage] = {}
    for part in parts:
        if part.used and part.used != UNKNOWN:
            found[part.model] = found.get(part.model, UNKNOWN).plus(part.used)
    return found


def _errors(edges: JobEdges, part: Part) -> list[BatchError]:
    """OpenAI's errors, with the lines counted in the dropped file."""
    if not part.errors_total:
        return []
    numbers = line_numbers(edges.s3, part)
    found = batch_errors(edges, part)[:KEPT]
    return [
        each.model_copy(update={"line": numbers[each.line - 1]})
        if each.line and each.line <= len(numbers)
        else each
        for each in found
    ]


def _skipped(edges: JobEdges, job: Job) -> model.Skipped | None:
    if not job.skipped:
        return None
    found = edges.s3.read(f"{job.results_prefix}skipped.json")
    return model.Skipped.model_validate_json(found)
