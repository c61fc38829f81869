"""The documents that people and programs read afterwards; docs/jobs.md documents their shape."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import reduce
from typing import Literal

from shared.dollars import MILLION
from shared.jobs.answer_counts import ErrorGroup, Usage
from shared.jobs.budget import Budget
from shared.jobs.estimate import Estimate
from shared.jobs.model import Job, JobState
from shared.jobs.options import Options
from shared.jobs.part import Part, part_title
from shared.jobs.prices import Cost
from shared.model import FrozenModel
from shared.objects import Source
from shared.openai.models import BatchError
from shared.problems import Problem, Problems
from shared.report.samples import Sample

WAITS = 20  # in a report
FORMAT: Literal["batchdrop.report/1"] = "batchdrop.report/1"


class Rejected(FrozenModel):
    """Why a file was rejected: the first 1,000 problems in full, all counted by code."""

    format: Literal["batchdrop.report/1"] = FORMAT
    job_id: str
    state: Literal["rejected", "cancelled"] = "rejected"  # cancelled: while it was checked
    source: Source
    options: dict[str, str]  # the object's metadata, as it was dropped
    rejected_at: datetime
    lines: int
    bad_lines: int
    problems_total: int
    problems_by_code: dict[str, int]
    problems: list[Problem]
    notes: list[str] = []
    bucket: str = ""  # where the files are
    files: dict[str, str] = {}  # keys in that bucket


class ModelEstimateReport(FrozenModel):
    """What requests to one model may use."""

    requests: int
    input_tokens: int
    input_tokens_at_most: int
    cached_tokens: int  # of the input
    output_tokens: int
    output_tokens_at_most: int | None = None  # None: not all requests say how long an answer may be
    expected_usd: float | None = None  # None: its price is not known
    at_most_usd: float | None = None


class EstimateReport(FrozenModel):
    """What a job may cost, as it was known before it was paid."""

    expected_usd: float | None = None  # of the models whose price is known
    at_most_usd: float | None = None  # None: nobody can say
    by_model: dict[str, ModelEstimateReport]
    unpriced_models: list[str]
    unbounded_requests: int  # they do not say how long an answer may be
    learnt_from: int  # parts that landed lately


class BudgetReport(FrozenModel):
    """The month that the job takes its money from, as it was when the report was written."""

    month: str
    used_usd: float  # spent, and expected of what runs
    limit_usd: float | None = None  # None: there is none


class RepeatedReport(FrozenModel):
    """Requests that ask what another line of the file asks first."""

    requests: int
    asked: bool  # no: each got the other's answer, as duplicates: once wants it
    usd: float | None = None  # what asking once saved, or would have; None: no price is known


class Estimated(FrozenModel):
    """What a file would cost: the report of a dry run."""

    format: Literal["batchdrop.report/1"] = FORMAT
    job_id: str
    state: Literal["estimated"] = "estimated"
    source: Source
    options: Options
    estimated_at: datetime
    requests: int
    parts: int
    estimate: EstimateReport
    repeated: RepeatedReport | None = None  # None: no request is
    skipped: "Skipped | None" = None
    notes: list[str] = []
    bucket: str = ""  # where the files are
    files: dict[str, str] = {}  # keys in that bucket


class Skipped(FrozenModel):
    """The bad lines that `bad-lines: skip` left out."""

    lines: int
    problems_total: int
    problems_by_code: dict[str, int]
    problems: list[Problem]


class Wait(FrozenModel):
    """What kept a job waiting: parts wait side by side, so the longest of them counts."""

    reason: str
    seconds: int
    parts: int


class PartReport(FrozenModel):
    """One part: what went to OpenAI and what came of it."""

    part: int
    attempt: int
    endpoint: str
    model: str
    requests: int
    done: int  # as the batch counts them
    failed: int
    bytes: int
    first_line: int
    last_line: int
    estimated_prompt_tokens: int
    input_tokens: int | None  # as the batch states them
    output_tokens: int | None
    batch_id: str | None
    batch_status: str
    input_file_id: str | None
    output_file_id: str | None
    error_file_id: str | None
    reason: str
    split_again: bool  # its requests went to OpenAI in smaller parts
    errors_total: int
    errors: list[BatchError]  # OpenAI's own, `line` counted in the dropped file
    times: dict[str, datetime]
    waited: dict[str, int] = {}  # seconds by what it waited for

    @property
    def title(self) -> str:
        return part_title(self.part, self.attempt).capitalize()


class Requests(FrozenModel):
    """Each request of the input counts once."""

    total: int
    succeeded: int
    failed: int
    retried: int  # sent again at least once
    skipped: int  # bad lines left out, with bad-lines: skip
    incomplete: int = 0  # succeeded, but the answer is not whole
    answered: int = 0  # by OpenAI, well or not; the others got no answer


class ColumnReport(FrozenModel):
    """A column that the model filled."""

    name: str
    type: str  # DuckDB's
    filled: int  # rows
    values: dict[str, int] = {}  # of short texts with few different ones, the most frequent first


class TableReport(FrozenModel):
    """What became of a dropped table."""

    recipe: Source  # the version that was used; its text lies beside the results
    recipe_text: str = ""  # the beginning of it
    rows: int
    columns: list[ColumnReport]
    first: list[dict[str, str]] = []  # rows as they came back
    invalid: dict[str, int] = {}  # answers that are not what the recipe asks for, by the reason


class JobReport(FrozenModel):
    """What became of an accepted file."""

    format: Literal["batchdrop.report/1"] = FORMAT
    job_id: str
    state: JobState
    reason: str
    source: Source
    options: Options
    times: dict[str, datetime]
    requests: Requests
    usage: Usage
    usage_by_model: dict[str, Usage]
    cost: Cost
    retries_usd: float | None = None  # of `cost`: for requests that were sent again
    estimate: EstimateReport | None = None  # as it was when the file was accepted
    repeated: RepeatedReport | None = None  # None: no request is
    budget: BudgetReport | None = None  # None: nothing of the job is priced
    estimated_prompt_tokens: int
    parts: list[PartReport]
    errors: list[ErrorGroup]
    incomplete: dict[str, int] = {}  # answers that are not whole, by the reason
    skipped: Skipped | None
    extra_answers: int  # for no request, or a second one: kept in extras-….jsonl
    waited: list[Wait] = []  # the longest first
    samples: list[Sample] = []  # the first answers of the file that succeeded
    table: TableReport | None = None  # of a dropped table
    bucket: str = ""  # where the files are
    files: dict[str, str]  # keys in that bucket
    notes: list[str]


def rejection(
    job: Job, metadata: Mapping[str, str], problems: Problems, lines: int, now: datetime
) -> Rejected:
    return Rejected(
        job_id=job.id,
        state="cancelled" if job.ending is JobState.CANCELLED else "rejected",
        source=job.source,
        options=dict(metadata),
        rejected_at=now,
        lines=lines,
        bad_lines=problems.bad_lines,
        problems_total=problems.total,
        problems_by_code=dict(problems.by_code),
        problems=problems.first,
        notes=job.notes,
    )


def estimated(job: Job, problems: Problems, estimate: Estimate, now: datetime) -> Estimated:
    return Estimated(
        job_id=job.id,
        source=job.source,
        options=job.options,
        estimated_at=now,
        requests=job.requests,
        parts=job.parts,
        estimate=estimate_report(estimate),
        repeated=repeated_report(job),
        skipped=skipped(problems) if problems else None,
        notes=job.notes,
    )


def estimate_report(estimate: Estimate) -> EstimateReport:
    """In dollars."""
    return EstimateReport(
        expected_usd=dollars_of(estimate.expected),
        at_most_usd=dollars_of(estimate.at_most),
        by_model={
            model: ModelEstimateReport(
                expected_usd=dollars_of(each.expected),
                at_most_usd=dollars_of(each.at_most),
                **each.model_dump(exclude={"expected", "at_most"}),
            )
            for model, each in estimate.by_model.items()
        },
        unpriced_models=estimate.unpriced,
        unbounded_requests=estimate.unbounded_requests,
        learnt_from=estimate.learnt_from,
    )


def repeated_report(job: Job, cost: float | None = None) -> RepeatedReport | None:
    """cost: in dollars, where it is known what it did."""
    found = job.repeated
    if not found.requests:
        return None
    usd, expected = dollars_of(found.saved), job.estimate and job.estimate.expected
    if usd and cost and expected:
        usd *= cost * MILLION / expected
    return RepeatedReport(requests=found.requests, asked=not found.left_out, usd=usd)


def budget_report(budget: Budget, limit: int | None) -> BudgetReport:
    return BudgetReport(
        month=budget.month, used_usd=budget.used / MILLION, limit_usd=dollars_of(limit)
    )


def dollars_of(millionths: int | None) -> float | None:
    return None if millionths is None else millionths / MILLION


def skipped(problems: Problems) -> Skipped:
    return Skipped(
        lines=problems.bad_lines,
        problems_total=problems.total,
        problems_by_code=dict(problems.by_code),
        problems=problems.first,
    )


def part_report(part: Part, lines: list[BatchError]) -> PartReport:
    return PartReport(
        part=part.number,
        attempt=part.attempt,
        endpoint=part.endpoint,
        model=part.model,
        requests=part.requests,
        done=part.done,
        failed=part.failed,
        bytes=part.bytes,
        first_line=part.first_line,
        last_line=part.last_line,
        estimated_prompt_tokens=part.tokens,
        input_tokens=part.input_tokens,
        output_tokens=part.output_tokens,
        batch_id=part.batch_id,
        batch_status=part.batch_status,
        input_file_id=part.file_id,
        output_file_id=part.output_file_id,
        error_file_id=part.error_file_id,
        reason=part.reason,
        split_again=part.replaced,
        errors_total=part.errors_total,
        errors=lines,
        times=part.times,
        waited=part.waited,
    )


def waits(parts: Iterable[Part]) -> list[Wait]:
    """What parts waited for a second or longer; the 20 longest."""
    by_reason = defaultdict[str, list[int]](list)
    for part in parts:
        for reason, seconds in part.waited.items():
            if seconds:
                by_reason[reason].append(seconds)
    found = [
        Wait(reason=reason, seconds=max(each), parts=len(each))
        for reason, each in by_reason.items()
    ]
    return sorted(found, key=lambda wait: -wait.seconds)[:WAITS]


def total(usage: dict[str, Usage]) -> Usage:
    return reduce(Usage.plus, usage.values()) if usage else Usage()
