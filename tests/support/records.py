"""Jobs and parts as the ledger holds them, good but for what is changed."""

from datetime import UTC, datetime
from typing import Any

from shared.jobs.estimate import Asked, Learnt, estimate
from shared.jobs.model import Job
from shared.jobs.part import Part
from shared.jobs.prices import prices
from shared.objects import Source, Span
from shared.openai.models import Batch

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SOURCE = Source(bucket="in", key="inbox/a.jsonl", version="v1")
SPAN = Span(bucket="in", key="inbox/a.jsonl", version="v1", length=400)


ESTIMATE = estimate(
    [(("gpt-5-mini", "/v1/responses"), Asked(4, 100, 4, 400))], lambda _: Learnt(), prices()
)


def job(**changes: Any) -> Job:
    return Job.model_validate({"id": "j1", "source": SOURCE, "due": NOW} | changes)


def part(**changes: Any) -> Part:
    fields = {
        "job": "j1",
        "number": 1,
        "endpoint": "/v1/responses",
        "model": "gpt-5-mini",
        "source": SPAN,
        "first_line": 1,
        "last_line": 4,
        "requests": 4,
        "bytes": 400,
        "tokens": 100,
        "due": NOW,
    }
    return Part.model_validate(fields | changes)


def batch(**changes: Any) -> Batch:
    return Batch.model_validate({"id": "batch_1", "input_file_id": "file-1"} | changes)
