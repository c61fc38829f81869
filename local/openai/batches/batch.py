"""A batch as OpenAI knows it: what was asked, how far it is, and how it is shown."""

from bisect import bisect_left
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from local.openai.batches.input_check import PlannedRequest
from local.openai.http.messages import Json
from local.openai.quirks import Quirk

ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
TIMES = (
    "in_progress_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
)
FILES = ("output_file_id", "error_file_id")
ABSENT = {"empty_ids": "", "null_ids": None}  # what stands for a file that a batch does not have


@dataclass
class Batch:
    id: str
    endpoint: str
    input_file_id: str
    metadata: Json
    created_at: float
    completion_window: str = "24h"
    output_expires_after: int = 2_592_000
    quirks: dict[str, Quirk] = field(default_factory=dict)
    visible_at: float = 0.0
    listed_at: float = 0.0
    paused_until: float = 0.0
    status: str = "validating"
    model: str | None = None
    snapshot: str | None = None
    tokens: int = 0
    input: Path | None = None
    errors: list[Json] = field(default_factory=list)
    times: dict[str, float] = field(default_factory=dict)
    working_until: float = inf
    requests: list[PlannedRequest] = field(default_factory=list)  # in the order they are executed
    failing: list[int] = field(default_factory=list)  # places in that order
    output_file_id: str | None = None
    error_file_id: str | None = None
    usage: tuple[int, int] = (0, 0)
    final_counts: Json | None = None

    @property
    def attempt(self) -> int:
        attempt = str(self.metadata.get("attempt", "1"))
        return int(attempt) if attempt.isdecimal() else 1

    @property
    def ended(self) -> bool:
        return self.status in ENDED or self.status == "vanished"

    def move_to(self, status: str, at: float) -> None:
        self.status = status
        self.times[f"{status}_at"] = at

    def executed(self, now: float) -> int:
        """How many requests are done; work stops when the batch is cancelled or expires."""
        started = self.times.get("in_progress_at")
        if started is None:
            return 0
        until = min(now, *(self.times.get(f"{end}_at", inf) for end in ("cancelling", "expired")))
        if until >= self.working_until:
            return len(self.requests)
        share = (until - started) / (self.working_until - started)
        return min(len(self.requests), int(len(self.requests) * share + 1e-6))  # 0.1 is not exact

    def close(self, at: float) -> None:
        """Keep the counts and drop the requests, or many big batches would fill the memory."""
        self.final_counts = self.counts(at)
        self.requests, self.failing = [], []

    def counts(self, now: float) -> Json:
        if self.final_counts is not None:
            return self.final_counts
        done = self.executed(now)
        failed = bisect_left(self.failing, done)
        counts = {"total": len(self.requests), "completed": done - failed, "failed": failed}
        if "counts_wrong" in self.quirks and self.ended:
            counts["completed"] = max(0, counts["completed"] - 1)
            counts["total"] += 2
        return counts

    def view(self, now: float) -> Json:
        body: Json = {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "model": self.snapshot,
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.input_file_id,
            "completion_window": self.completion_window,
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id or self._no_error_file(),
            "created_at": int(self.created_at),
            "expires_at": int(self.created_at) + 86_400,
            "request_counts": self.counts(now),
            "usage": self._usage(),
            "metadata": self.metadata or None,
        }
        times = {name: self.times.get(name) for name in TIMES}
        body |= {name: None if at is None else int(at) for name, at in times.items()}
        return self._with_quirks(body, now)

    def _no_error_file(self) -> str | None:
        """A completed batch without errors was seen with an empty id, not with null."""
        return "" if self.status == "completed" else None

    def _usage(self) -> Json:
        given, spent = self.usage
        return {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": spent,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": given + spent,
        }

    def _with_quirks(self, body: Json, now: float) -> Json:
        for quirk in ABSENT.keys() & self.quirks:
            body |= {name: body[name] or ABSENT[quirk] for name in FILES}
        if "counts_missing" in self.quirks:
            del body["request_counts"]
        if "usage_missing" in self.quirks:
            del body["usage"]
        if "extra_fields" in self.quirks:
            body |= {"priority": {"tier": 7}, "shards": [None, {"status": "warm"}], "cost": "soon"}
        if now < self.paused_until:
            body["status"] = self.quirks["paused"].text("status", "paused")
        return body
