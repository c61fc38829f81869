"""Reports to make pages of: a plain job, one of thousands of parts, one full of hostile texts."""

from datetime import timedelta
from typing import Any

from shared.jobs.answer_counts import ErrorGroup, Usage
from shared.jobs.prices import cost, prices
from shared.library.report import DocumentReport, DocumentState, LibraryReport, counted
from shared.openai.models import BatchError
from shared.problems import Problem
from shared.report.model import JobReport, PartReport, Rejected, Wait, part_report
from shared.report.samples import Sample
from tests.support.records import NOW, SOURCE, part

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e\"' onload=x ../=1+1\n" + "A" * 1_000
HOUR = timedelta(hours=1)
PROBLEM = Problem(line=3, code="invalid_url", param="url", message="No.", remedy="Do this.")


def job_report(**changes: Any) -> JobReport:
    usage = {"gpt-5-mini": Usage(input_tokens=2_000_000, output_tokens=1_000_000)}
    usage = changes.get("usage_by_model", usage)
    fields: dict[str, Any] = {
        "job_id": "j1",
        "state": "completed",
        "reason": "",
        "source": SOURCE,
        "options": {},
        "times": {"checking": NOW, "accepted": NOW, "completed": NOW + 3 * HOUR},
        "requests": {
            "total": 100,
            "succeeded": 97,
            "failed": 3,
            "retried": 2,
            "skipped": 0,
            "incomplete": 4,
            "answered": 99,
        },
        "usage": {"input_tokens": 2_000_000, "output_tokens": 1_000_000},
        "usage_by_model": usage,
        "cost": cost(usage, prices()),
        "estimated_prompt_tokens": 9,
        "parts": [lived(1), lived(100_001, attempt=2, requests=2, done=1, failed=1)],
        "errors": [error("server_error", 3)],
        "skipped": None,
        "incomplete": {"length": 3, "max_output_tokens": 1},
        "extra_answers": 0,
        "waited": [Wait(reason="no capacity for gpt-5-mini", seconds=2_700, parts=3)],
        "samples": [Sample(custom_id="q-1", line=1, answer="Cats sleep for 13 hours a day.")],
        "bucket": "data",
        "files": {n: f"results/a/j1/{n}.jsonl" for n in ("results", "errors", "retry")},
        "notes": [],
    }
    return JobReport.model_validate(fields | changes)


def lived(number: int, **changes: Any) -> PartReport:
    """A part that waited, went to OpenAI for an hour and landed."""
    names = ("waiting", "submitting", "submitted", "ended", "landed")
    hours = (0.0, 0.5, 0.6, 1.6, 1.7)
    times = {name: NOW + hour * HOUR for name, hour in zip(names, hours, strict=True)}
    told = {"number": number, "batch_id": "batch_1", "batch_status": "completed", "times": times}
    return part_report(part(**told | changes), [])


def error(code: str, count: int, message: str = "It broke.") -> ErrorGroup:
    return ErrorGroup(
        code=code, message=message, count=count, example_custom_id="q-7", example_line=7
    )


def hostile_report() -> JobReport:
    usage = {HOSTILE + str(n): Usage(input_tokens=n) for n in range(100)}
    group = ErrorGroup(
        code=HOSTILE, message=HOSTILE, count=3, example_custom_id=HOSTILE, example_line=1
    )
    odd = lived(1, model=HOSTILE, endpoint=HOSTILE, batch_status=HOSTILE, reason=HOSTILE)
    told = odd.model_copy(update={"errors": [BatchError(message=HOSTILE)], "batch_id": HOSTILE})
    return job_report(
        reason=HOSTILE,
        source=SOURCE.model_copy(update={"key": f"inbox/{HOSTILE}", "version": HOSTILE}),
        options={"metadata": {HOSTILE[:64]: HOSTILE[:512]}},
        usage_by_model=usage,
        parts=[told],
        requests={"total": 247, "succeeded": 97, "failed": 150, "retried": 0, "skipped": 0},
        errors=[group] * 50,
        incomplete={HOSTILE: 2},
        waited=[Wait(reason=HOSTILE, seconds=1, parts=1)] * 20,
        samples=[Sample(custom_id=HOSTILE, line=1, answer=HOSTILE)] * 3,
        files={
            "extras-1": f"results/{HOSTILE}/j1/extras {HOSTILE}.jsonl",
            "retry": f"results/{HOSTILE}/j1/retry.jsonl",
        },
        notes=[HOSTILE],
    )


def many_parts(number: int = 5_000) -> JobReport:
    parts = [lived(n) for n in range(1, number)]
    return job_report(parts=[*parts, lived(number, batch_status="failed", reason="Too long.")])


def rejection_report(problem: Problem = PROBLEM, number: int = 1_000) -> Rejected:
    return Rejected(
        job_id="j1",
        source=SOURCE,
        options={"bad-lines": problem.message},
        rejected_at=NOW,
        lines=2_000,
        bad_lines=number,
        problems_total=number,
        problems_by_code={problem.code: number},
        problems=[problem] * number,
        notes=[problem.message],
        bucket="data",
        files={"report": "rejected/a/j1/report.json", "page": "rejected/a/j1/report.html"},
    )


def library_report(
    documents: list[DocumentReport], **changes: Any
) -> tuple[LibraryReport, list[DocumentReport]]:
    """The head of a library's report, and its documents."""
    fields: dict[str, Any] = {
        "library": "handbook",
        "store_id": "vs_1",
        "in_sync": True,
        "in_sync_since": NOW,
        "reason": "",
        "written_at": NOW,
        "counts": counted(documents),
    }
    return LibraryReport(**fields | changes), documents


def library_documents(number: int = 3, **changes: Any) -> list[DocumentReport]:
    failed = DocumentReport(
        document="broken.pdf",
        state=DocumentState.FAILED,
        error="invalid_file: The file could not be read.",
        remedy="correct the document and drop it again; these bytes are not tried again",
        bytes=20,
    )
    good = DocumentReport(
        document="",
        state=DocumentState.SEARCHABLE,
        bytes=1_234,
        file_id="file-1",
        attributes={"team": "search", "year": 2026},
    )
    return [failed] + [
        good.model_copy(update={"document": f"guide {each}.md"} | changes) for each in range(number)
    ]


HOSTILE_LIBRARY = library_report(
    library_documents(
        3,
        document=HOSTILE,
        error=HOSTILE,
        remedy=HOSTILE,
        file_id=HOSTILE,
        attributes={HOSTILE[:60]: HOSTILE},
        state=DocumentState.FAILED,
    ),
    library=HOSTILE,
    store_id=HOSTILE,
    in_sync=False,
    reason=HOSTILE,
    waiting_since=NOW,
    passed_over=2,
    passed_over_names=[HOSTILE, ".DS_Store"],
    notes=[HOSTILE],
    repaired=[HOSTILE],
    settings_problems=[
        Problem(code=HOSTILE, param=HOSTILE, message=HOSTILE, remedy=HOSTILE),
    ],
)
