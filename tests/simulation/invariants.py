"""What was promised, checked at every write and at every message."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.openai import SmallOpenAI
from tests.simulation.aws import Cloud
from tests.simulation.aws_tables import Row
from tests.simulation.faults import Faults
from tests.simulation.interception import Interceptor
from tests.simulation.promises import Promise
from tests.simulation.scheduler import Invocation
from tests.simulation.workload import Drop

if TYPE_CHECKING:
    from tests.simulation.library_checks import LibraryChecks

OVER = {"completed", "completed_with_failures", "failed", "cancelled", "rejected"}
TITLES = {state: f"Job {state.replace('_', ' ').title()}" for state in OVER}
ENDS = {title: state for state, title in TITLES.items()}
SHOWN = (
    *("pk", "sk", "state", "rev", "attempt", "model", "tokens", "used", "limit", "reserved_for"),
    *("open", "due", "tries", "batch_id", "batch_status", "replaced", "reason"),
)
AT_OPENAI = {"submitting", "submitted"}


@dataclass
class Invariants:
    """Notes each promise that is broken; the simulation stops at the first."""

    faults: Faults
    small: SmallOpenAI
    interceptor: Interceptor
    broken: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    drops: dict[str, Drop] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    approved: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)  # by job: the one that it repeats
    on_bus: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    on_topic: set[tuple[str, str]] = field(default_factory=set)  # kind and id
    inputs: dict[str, list[str]] = field(default_factory=dict)  # file at OpenAI → custom_ids
    notes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.cloud: Cloud
        self.library: LibraryChecks | None = None  # where somebody keeps a library
        self.accepted: set[tuple[str, str]] = set()
        self.states: dict[tuple[str, str], str] = {}
        self._claims: dict[tuple[str, str], tuple[int, Invocation | None]] = {}

    def fail(self, promise: Promise, what: str) -> None:
        self.broken.append(f"{promise.name}, {promise.value}: {what}")
        self.faults.note(f"## {promise.name}: {what}")

    def expect(self, holds: object, promise: Promise, otherwise: str) -> None:
        if not holds:
            self.fail(promise, otherwise)

    def dropped(self, drop: Drop) -> None:
        self.drops[drop.job] = drop

    def requested(self, batch: dict[str, Any]) -> None:
        """A batch is about to be made of a file."""
        file = self.small.files.get(batch["input_file_id"])
        if file is None:
            return
        job = batch["metadata"]["job_id"]
        said = f"{job} was held, and is submitted though nobody approved it"
        waits = job in self.held and job not in self.approved
        self.expect(not waits or self._came_to_nothing(self.held[job]), Promise.PAID_ONCE, said)
        lines = [json.loads(line) for line in file.path.read_bytes().splitlines()]
        self.inputs[file.id] = [line["custom_id"] for line in lines]
        drop = self.drops.get(job)
        if self.library and drop and drop.at and any(line["body"].get("tools") for line in lines):
            self.library.expect_ready(drop.at)

    def called(self, call: str) -> None:
        """A function called OpenAI; what it asked for is done, or never will be."""
        if self.library:
            self.library.called(call)

    def knows(self, job: str) -> bool:
        return self.cloud.tables.row(f"JOB#{job}", "JOB") is not None

    def is_held(self, job: str) -> bool:
        row = self.cloud.tables.row(f"JOB#{job}", "JOB")
        if row is None or row.get("cancel_requested"):
            return False
        return row["state"] == "held" or (row["state"] == "accepted" and "held_since" in row)

    def _came_to_nothing(self, job: str) -> bool:
        """Then its file may run under another job, though that was said to be held."""
        row = self.cloud.tables.row(f"JOB#{job}", "JOB")
        return row is not None and row["state"] in {"rejected", "cancelled", "failed"}

    def is_over(self, job: str) -> bool:
        row = self.cloud.tables.row(f"JOB#{job}", "JOB")
        return row is not None and row["state"] in OVER

    def state(self) -> list[str]:
        """The ledger's rows in short, for a failing seed."""
        return sorted(
            "== " + " ".join(f"{n}={row[n]}" for n in SHOWN if row.get(n) not in (None, ""))
            for row in self.cloud.tables.rows()
        )

    # While it runs

    def put_on_bus(self, kind: str, detail: dict[str, Any]) -> None:
        self.on_bus.append((kind, detail))
        if kind == "Job Held" and "earlier" in detail:  # not for its cost, which may pass
            self.held[detail["job"]] = detail["earlier"]
        if kind in ENDS:
            self._expect_data_before_notification(kind, detail)

    def published(self, kind: str, text: str) -> None:
        self.on_topic.add((kind, text.rsplit("id ", 1)[-1]))

    def wrote(self, rows: list[tuple[str, str]]) -> None:
        for pk, sk in rows:
            row = self.cloud.tables.row(pk, sk)
            if row is None:
                continue
            if pk == "CAPACITY":
                used = row.get("used", 0)
                said = f"capacity of {sk} in use is {used}"
                self.expect(used >= 0, Promise.CAPACITY_KEPT, said)
            elif sk == "JOB" or sk.startswith("PART#"):
                self._moved(pk, sk, row)
                self._claimed(pk, sk, row)
        self._expect_capacity_is_what_parts_hold()
        self._expect_budget_is_what_jobs_hold()

    def _moved(self, pk: str, sk: str, row: Row) -> None:
        old, new = self.states.get((pk, sk), ""), row["state"]
        self.states[pk, sk] = new
        said = f"{pk} {sk} went from {old} to {new}"
        self.expect(old not in {*OVER, "landed"} or new == old, Promise.PUBLISHED_TRUE, said)
        if new == old:
            return
        if new in OVER:
            self._expect_published(TITLES[new], row["id"])
            self._expect_data(row)
        elif new == "accepted":
            self.accepted.add((pk, sk))
            self._expect_published("Job Accepted", row["id"])
        elif new == "landed":
            self._expect_landed(row)
        elif new == "waiting" and row["attempt"] > 1 and not old and not self._is_piece(row):
            self._expect_published("Part Retried", row["job"], row["number"])

    def _claimed(self, pk: str, sk: str, row: Row) -> None:
        """A claim holds for as long as its holder may live."""
        if row["state"] != "submitting":
            self._claims.pop((pk, sk), None)
            return
        tries, holder = self._claims.get((pk, sk), (0, None))
        if tries == row["tries"]:
            return
        alive = holder and not holder.over and holder.deadline > self.faults.now()
        said = f"{pk} {sk} was claimed while {holder.name if holder else ''} holds it and lives"
        self.expect(not alive, Promise.ONE_CLAIM, said)
        self._claims[pk, sk] = row["tries"], self.interceptor.current

    def _is_piece(self, row: Row) -> bool:
        keys = [(f"JOB#{row['job']}", sk) for _, sk in self.states if "PART" in sk]
        parts = [self.cloud.tables.row(pk, sk) for pk, sk in keys]
        return any(p and p.get("replaced") and p["attempt"] == row["attempt"] for p in parts)

    def _expect_published(self, kind: str, job: str, part: int | None = None) -> None:
        found = [
            detail
            for published, detail in self.on_bus
            if published == kind and detail["job"] == job and part in {None, detail.get("part")}
        ]
        both = [each for each in found if (kind, each["id"]) in self.on_topic]
        said = f"the ledger says {kind!r} of {job} ({part}) before it was published both ways"
        self.expect(both, Promise.DONE_IS_LAST, said)

    def _expect_data_before_notification(self, kind: str, detail: dict[str, Any]) -> None:
        said = f"{kind!r} of {detail['job']} was published before its data lay there"
        read = self.cloud.buckets.read
        if ENDS[kind] == "rejected" or not detail["parts"]:  # cancelled while it was checked
            self.expect(read(detail["report"]), Promise.DONE_IS_LAST, said)
            return
        results, report = (read(detail[name]) for name in ("results", "report"))
        whole = results is not None and results.count(b"\n") == detail["requests"]
        self.expect(report and whole, Promise.DONE_IS_LAST, said)

    def _expect_data(self, row: Row) -> None:
        prefix, state = row["results_prefix"], row["state"]
        report = self.cloud.buckets.read(f"{prefix}report.json")
        self.expect(report, Promise.DONE_IS_LAST, f"{row['id']} is {state} without a report")
        if state != "rejected" and row.get("parts"):
            results = self.cloud.buckets.read(f"{prefix}results.jsonl") or b""
            said = f"{row['id']} is {state} and lacks results"
            self.expect(results.count(b"\n") == row["requests"], Promise.DONE_IS_LAST, said)

    def _expect_landed(self, row: Row) -> None:
        if row.get("replaced") or self.is_over(row["job"]):
            return
        key = f"parts/{row['job']}/{row['number']:06d}.results.jsonl"
        landed = self.cloud.buckets.read(key) or b""
        numbers = self.cloud.buckets.read(key.removesuffix("jsonl") + "lines") or b""
        lines = len(numbers) // 4 if row.get("answers_until") else row["requests"]
        said = f"part {row['number']} of {row['job']} is landed without its answers"
        self.expect(landed.count(b"\n") == lines >= row["requests"], Promise.DONE_IS_LAST, said)

    def _expect_budget_is_what_jobs_hold(self) -> None:
        """Nothing is submitted that a month was not charged with, and nothing is charged twice."""
        used = held = 0
        rows = list(self.cloud.tables.rows())
        accepted = {row["pk"] for row in rows if row["sk"] == "JOB" and self._has_parts(row)}
        for row in rows:
            if row["pk"] == "BUDGET":
                used += row.get("used", 0)
            elif row["sk"] == "JOB" and row["pk"] not in accepted:
                held += row.get("committed", 0)
            elif row["sk"].startswith("PART#") and row["pk"] in accepted and row.get("month"):
                held += row.get("cost" if row["state"] == "landed" else "expected", 0)
        said = f"{used} are taken of the month, and jobs hold {held}"
        self.expect(used == held, Promise.BUDGET_KEPT, said)

    def _has_parts(self, row: Row) -> bool:
        return row["state"] == "accepted" or (row["pk"], "JOB") in self.accepted

    def _expect_capacity_is_what_parts_hold(self) -> None:
        held: Counter[str] = Counter()
        capacities: dict[str, int] = {}
        for row in self.cloud.tables.rows():
            if row["sk"].startswith("PART#") and _holds_capacity(row):
                held[row["model"]] += row.get("learnt_tokens") or row["tokens"]
            elif row["pk"] == "CAPACITY":
                capacities[row["sk"]] = row.get("used", 0)
        for model, used in capacities.items():
            said = f"capacity of {model}: {used} in use, parts hold {held[model]}"
            self.expect(used == held[model], Promise.CAPACITY_KEPT, said)


def _holds_capacity(row: Row) -> bool:
    """A part that is at OpenAI, or that may be there, its answer lost."""
    return row["state"] in AT_OPENAI or (row["state"] == "waiting" and "creating_at" in row)
