"""What became of a job: fetched from S3, and summed up in a few lines."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from local.world.stack import World
from shared.jobs.answer_counts import ErrorGroup
from shared.jobs.model import Job
from shared.jobs.part import Part, PartState
from shared.problems import Problem
from shared.report.model import JobReport, Rejected

OURS = (
    *("errors.jsonl", "extras-*.jsonl", "report.html", "report.json", "results.jsonl"),
    "retry.jsonl",
)


def fetch(world: World, job: Job, out: Path) -> list[Path]:
    """Everything that became of the job, into `out`; what an earlier run left there is removed."""
    out.mkdir(parents=True, exist_ok=True)
    for stale in [path for name in OURS for path in out.glob(name)]:
        stale.unlink()
    bucket = world.outputs["DataBucketName"]
    s3 = world.client("s3")
    prefix = job.results_prefix
    fetched = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Contents", []):
            path = out / each["Key"].removeprefix(prefix)
            s3.download_file(bucket, each["Key"], str(path))
            fetched.append(path)
    return fetched


def summary(job: Job, out: Path) -> Iterator[str]:
    """A line for every problem of a refused file, for every kind of error of another."""
    report = (out / "report.json").read_bytes()
    if not job.parts:
        refusal = Rejected.model_validate_json(report)
        yield from map(_problem, refusal.problems)
        if refusal.problems_total > len(refusal.problems):
            yield f"and {refusal.problems_total - len(refusal.problems)} more problems"
        return
    landed = JobReport.model_validate_json(report)
    yield from map(_problem, landed.skipped.problems if landed.skipped else [])
    yield from map(_errors, landed.errors)
    yield f"{landed.requests.succeeded} of {landed.requests.total} requests succeeded"
    if "retry" in landed.files:
        yield f"To ask again what failed, drop {out / 'retry.jsonl'}"


def left_behind(parts: Iterable[Part]) -> list[str]:
    """Batches that are under way at OpenAI: nobody will land them once this world is gone."""
    under_way = (part for part in parts if part.state is PartState.SUBMITTED)
    return [part.batch_id for part in under_way if part.batch_id]


def _problem(problem: Problem) -> str:
    where = f"line {problem.line}" if problem.line else "the file"
    what = f"{problem.code} {problem.param}" if problem.param else problem.code
    return f"{where}: {what}: {problem.message} → {problem.remedy}"


def _errors(group: ErrorGroup) -> str:
    return f"{group.count} × {group.code}: {group.message} (such as {group.example_custom_id})"
