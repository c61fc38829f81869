"""What was promised, watched at every write and every message, and judged at the end."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from local.openai import SmallOpenAI
from tests.simulation.aws import Cloud, Row
from tests.simulation.chaos import Chaos
from tests.simulation.drops import Drop

OVER = {"completed", "failed", "cancelled", "rejected"}
ENDS = {f"Job {state.capitalize()}": state for state in OVER}
SHOWN: tuple[str, ...] = (
    "pk",
    "sk",
    "state",
    "rev",
    "attempt",
    "model",
    "tokens",
    "used",
    "limit",
    "held_for",
)
SHOWN += ("open", "due", "tries", "batch_id", "batch_status", "replaced", "reason")
AT_OPENAI = {"submitting", "submitted"}


@dataclass
class Watch:
    """Notes what is broken; the simulation stops at the first note."""

    chaos: Chaos
    small: SmallOpenAI
    broken: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    drops: dict[str, Drop] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # on the bus
    paged: set[tuple[str, str]] = field(default_factory=set)  # kind and id, on the topic
    inputs: dict[str, list[str]] = field(default_factory=dict)  # file at OpenAI → custom_ids
    notes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.cloud: Cloud
        self._states: dict[tuple[str, str], str] = {}

    def breaks(self, what: str) -> None:
        self.broken.append(what)
        self.chaos.note(f"## {what}")

    def must(self, holds: object, otherwise: str) -> None:
        if not holds:
            self.breaks(otherwise)

    def dropped(self, drop: Drop) -> None:
        self.drops[drop.job] = drop

    def asked(self, file_id: str) -> None:
        """A batch is about to be made of this file."""
        file = self.small.files.get(file_id)
        if file:
            lines = file.path.read_bytes().splitlines()
            self.inputs[file_id] = [json.loads(line)["custom_id"] for line in lines]

    def is_over(self, job: str) -> bool:
        row = self.cloud.row(f"JOB#{job}", "JOB")
        return row is not None and row["state"] in OVER

    def state(self) -> list[str]:
        """The ledger's rows in short, for a failing seed."""
        return sorted(
            "== " + " ".join(f"{n}={row[n]}" for n in SHOWN if row.get(n) not in {None, ""})
            for row in self.cloud.rows()
        )

    # While it runs

    def put_on_bus(self, kind: str, detail: dict[str, Any]) -> None:
        self.told.append((kind, detail))
        if kind in ENDS:
            self._must_hold_what_is_told(kind, detail)

    def published(self, kind: str, text: str) -> None:
        self.paged.add((kind, text.rsplit("id ", 1)[-1]))

    def wrote(self, rows: list[tuple[str, str]]) -> None:
        for pk, sk in rows:
            row = self.cloud.row(pk, sk)
            if row is None:
                continue
            if pk == "ROOM":
                self.must(row.get("used", 0) >= 0, f"the room of {sk} is below zero")
            elif sk == "JOB" or sk.startswith("PART#"):
                self._moved(pk, sk, row)
        self._room_must_be_what_parts_hold()

    def _moved(self, pk: str, sk: str, row: Row) -> None:
        old, new = self._states.get((pk, sk), ""), row["state"]
        self._states[pk, sk] = new
        self.must(old not in OVER or new == old, f"{pk} went from {old} to {new}")
        self.must(old != "landed" or new == old, f"{pk} {sk} went from {old} to {new}")
        if new == old:
            return
        if new in OVER:
            self._must_be_told(f"Job {new.capitalize()}", row["id"])
            self._must_have_bytes(row)
        elif new == "accepted":
            self._must_be_told("Job Accepted", row["id"])
        elif new == "landed":
            self._must_have_landed(row)
        elif new == "waiting" and row["attempt"] > 1 and not old and not self._is_piece(row):
            self._must_be_told("Part Retried", row["job"], row["number"])

    def _is_piece(self, row: Row) -> bool:
        parts = [self.cloud.row(f"JOB#{row['job']}", sk) for pk, sk in self._states if "PART" in sk]
        return any(p and p.get("replaced") and p["attempt"] == row["attempt"] for p in parts)

    def _must_be_told(self, kind: str, job: str, part: int | None = None) -> None:
        facts = [
            detail
            for told, detail in self.told
            if told == kind and detail["job"] == job and part in {None, detail.get("part")}
        ]
        both = [each for each in facts if (kind, each["id"]) in self.paged]
        self.must(both, f"the ledger says {kind!r} of {job} ({part}) before it was told both ways")

    def _must_hold_what_is_told(self, kind: str, detail: dict[str, Any]) -> None:
        said = f"{kind!r} of {detail['job']} was told before its bytes lay there"
        if ENDS[kind] == "rejected":
            self.must(self.cloud.read(detail["report"]), said)
            return
        results, report = (self.cloud.read(detail[name]) for name in ("results", "report"))
        self.must(report, said)
        self.must(results is not None and results.count(b"\n") == detail["requests"], said)

    def _must_have_bytes(self, row: Row) -> None:
        prefix, state = row["results_prefix"], row["state"]
        report = self.cloud.read(f"{prefix}report.json")
        self.must(report, f"{row['id']} is {state} without a report")
        if state != "rejected":
            results = self.cloud.read(f"{prefix}results.jsonl") or b""
            self.must(results.count(b"\n") == row["requests"], f"{row['id']} lacks results")

    def _must_have_landed(self, row: Row) -> None:
        if row.get("replaced") or self.is_over(row["job"]):
            return
        landed = self.cloud.read(f"parts/{row['job']}/{row['number']:06d}.results.jsonl") or b""
        said = f"part {row['number']} of {row['job']} is landed without its bytes"
        self.must(landed.count(b"\n") == row["requests"], said)

    def _room_must_be_what_parts_hold(self) -> None:
        held: Counter[str] = Counter()
        rooms: dict[str, int] = {}
        for row in self.cloud.rows():
            if row["sk"].startswith("PART#") and _holds_room(row):
                held[row["model"]] += row["tokens"]
            elif row["pk"] == "ROOM":
                rooms[row["sk"]] = row.get("used", 0)
        for model, used in rooms.items():
            said = f"room of {model}: {used} used, parts hold {held[model]}"
            self.must(used == held[model], said)

    # At the end

    def judge(self, drops: list[Drop], limit: int | None) -> None:
        for drop in drops:
            self._judge_drop(drop)
        self._judge_bills()
        self._judge_second_batches()
        self._judge_ledger()
        self._judge_room(limit)
        self._judge_files()

    def _judge_drop(self, drop: Drop) -> None:
        row = self.cloud.row(f"JOB#{drop.job}", "JOB")
        if row is None or row["state"] not in OVER:
            self.breaks(f"{drop.key} came to no end: {row and row['state']}")
            return
        ends = {kind for kind, detail in self.told if detail["job"] == drop.job and kind in ENDS}
        said = f"{drop.job} is {row['state']}, told: {ends}"
        self.must(ends == {f"Job {row['state'].capitalize()}"}, said)
        self.must((row["state"] != "rejected") == drop.accepted, f"{drop.key} is {row['state']}")
        if row["state"] != "rejected":
            self._judge_results(drop, row["results_prefix"])

    def _judge_results(self, drop: Drop, prefix: str) -> None:
        content = self.cloud.read(f"{prefix}results.jsonl") or b""
        lines = [json.loads(line) for line in content.splitlines()]
        self.must([each["custom_id"] for each in lines] == drop.ids, f"{drop.key}: order or lines")
        self._judge_report(drop, prefix, lines)
        for line in lines:
            self._judge_line(drop, line)

    def _judge_report(self, drop: Drop, prefix: str, lines: list[dict[str, Any]]) -> None:
        report = json.loads(self.cloud.read(f"{prefix}report.json") or b"{}")
        good = [each for each in lines if _succeeded(each)]
        bad = [each for each in lines if not _succeeded(each)]
        counts = report["requests"]
        self.must(
            (counts["total"], counts["succeeded"], counts["failed"])
            == (len(lines), len(good), len(bad)),
            f"{drop.key}: the report counts {counts}, there are {len(good)} + {len(bad)}",
        )
        spent = sum(each["response"]["body"]["usage"]["prompt_tokens"] for each in good)
        self.must(report["usage"]["input_tokens"] == spent, f"{drop.key}: usage does not add up")
        errors = (self.cloud.read(f"{prefix}errors.jsonl") or b"").splitlines()
        self.must([json.loads(e) for e in errors] == bad, f"{drop.key}: errors.jsonl differs")
        again = {c for b in self._batches_of(drop.job, attempt=2) for c in self._ids(b)}
        said = f"{drop.key}: {counts['retried']} retried in the report, {len(again)} at OpenAI"
        self.must(counts["retried"] >= len(again), said)
        kept = [self.cloud.read(key) or b"" for key in self.cloud.keys(prefix=f"{prefix}extras-")]
        extras = sum(each.count(b"\n") for each in kept)
        self.must(report["extra_answers"] == extras, f"{drop.key}: extras are {extras}")

    def _judge_line(self, drop: Drop, line: dict[str, Any]) -> None:
        """What was paid is used; what may succeed was asked as often as it may be."""
        custom_id = line["custom_id"]
        paid = [b for b, c in self.small.billed if c == custom_id and self._job(b) == drop.job]
        used = [batch for batch in paid if not self._is_lost(batch)]
        name = f"{drop.key} {custom_id}"
        if _succeeded(line):
            self.must(paid, f"{name} succeeded, but nobody paid")
            return
        self.must(not used, f"{name} was paid in {used}, and is a failure: {line}")
        tried = max((self._attempt(b) for b in self._ran_with(drop.job, custom_id)), default=0)
        if _may_pass(line) and drop.job not in self.cancelled:
            self.must(
                tried == drop.max_attempts or self._ended_for_good(drop.job, custom_id),
                f"{name} was tried {tried} times of {drop.max_attempts}: {line}",
            )

    def _ended_for_good(self, job: str, custom_id: str) -> bool:
        """Its last batch was cancelled by somebody, or refused as a whole."""
        batches = [b for b in self._batches_of(job) if custom_id in self._ids(b)]
        last = max(batches, key=self._attempt)
        return self.small.batches[last].status in {"cancelled", "failed"}

    def _judge_bills(self) -> None:
        """Nothing is paid twice, but for what was told and what nobody could have known."""
        bills: dict[tuple[str, str], list[str]] = defaultdict(list)
        for batch, custom_id in self.small.billed:
            bills[self._job(batch), custom_id].append(batch)
        for (job, custom_id), batches in bills.items():
            known = [b for b in batches if not self._is_lost(b)]
            self.notes["billed twice, told"] += len(batches) - len(known) if known else 0
            self.must(len(known) <= 1, f"{job} {custom_id} was paid in {known}")
        for batch in self.small.batches:
            job = self._job(batch)
            drop = self.drops.get(job)
            self.must(drop and drop.accepted, f"batch {batch} belongs to no accepted file")
            if drop:
                said = f"batch {batch} is attempt {self._attempt(batch)} of {drop.max_attempts}"
                self.must(self._attempt(batch) <= drop.max_attempts, said)

    def _judge_second_batches(self) -> None:
        """Of one part there is one batch; where an answer came too late, the second was told."""
        made: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for id_, batch in self.small.batches.items():
            if batch.status != "failed":
                part = tuple(str(batch.metadata[name]) for name in ("job_id", "part", "attempt"))
                made[part].append(id_)
        for part, batches in made.items():
            untold = [each for each in batches if not self._is_lost(each)]
            self.must(len(untold) <= 1, f"part {part} has two batches: {batches}")
            second = len(batches) > 1
            self.notes["second batches, told"] += second
            excused = self.chaos.mood.hides_batches or any(map(self._vanished, batches))
            self.must(not second or excused, f"part {part} has two batches: {batches}")

    def _judge_ledger(self) -> None:
        for row in self.cloud.rows():
            if row["pk"].startswith("JOB#"):
                name = f"{row['pk']} {row['sk']}"
                self.must("open" not in row, f"{name} is open: {row.get('state')}")
                is_part = row["sk"].startswith("PART#")
                over = self._states.get((row["pk"], "JOB")) == "rejected"
                said = f"{name} is {row.get('state')}"
                self.must(not is_part or over or row["state"] == "landed", said)

    def _judge_room(self, limit: int | None) -> None:
        for row in self.cloud.rows():
            if row["pk"] == "ROOM":
                self.must(row.get("used", 0) == 0, f"room of {row['sk']}: {row.get('used')} left")
        if limit is None or self.chaos.mood.hides_batches:
            return
        for model, peak in self.small.peak_enqueued.items():
            self.must(peak <= limit, f"{peak} tokens of {model} were enqueued, {limit} may be")

    def _judge_files(self) -> None:
        """Nothing is left at OpenAI, but what a lost batch left and what nobody can name."""
        for id_, file in self.small.files.items():
            owner = file.filename.split("-")[0].split("_")[1 if "batch" in file.filename else 0]
            batch = f"batch_{owner}"
            if batch in self.small.batches:
                excused = self._is_lost(batch) or self._keeps(self._job(batch))
            else:
                excused = self._keeps(owner)
            self.must(excused, f"file {id_} ({file.filename}) is left at OpenAI")

    def _keeps(self, job: str) -> bool:
        drop = self.drops.get(job)
        return drop is None or drop.keeps_files

    def _batches_of(self, job: str, attempt: int | None = None) -> Iterator[str]:
        for id_ in self.small.batches:
            if self._job(id_) == job and attempt in {None, self._attempt(id_)}:
                yield id_

    def _ran_with(self, job: str, custom_id: str) -> Iterator[str]:
        for id_ in self._batches_of(job):
            if self.small.batches[id_].status != "failed" and custom_id in self._ids(id_):
                yield id_

    def _ids(self, batch: str) -> list[str]:
        return self.inputs.get(self.small.batches[batch].input_file_id, [])

    def _job(self, batch: str) -> str:
        return str(self.small.batches[batch].metadata.get("job_id", ""))

    def _attempt(self, batch: str) -> int:
        return int(self.small.batches[batch].metadata["attempt"])

    def _vanished(self, batch: str) -> bool:
        return "batch_vanishes" in self.small.batches[batch].flaws

    def _is_lost(self, batch: str) -> bool:
        """Gone from OpenAI, or told to be a second one."""
        told = any(
            kind == "Second Batch Cancelled" and detail["cancelled"] == batch
            for kind, detail in self.told
        )
        return told or self._vanished(batch)


def _holds_room(row: Row) -> bool:
    """A part that is at OpenAI, or that may be there, its answer lost."""
    return row["state"] in AT_OPENAI or (row["state"] == "waiting" and "creating_at" in row)


def _succeeded(line: dict[str, Any]) -> bool:
    return bool(not line["error"] and line["response"] and line["response"]["status_code"] == 200)


def _may_pass(line: dict[str, Any]) -> bool:
    """A failure that asking again may heal."""
    if line["error"]:
        return line["error"]["code"] in {"batch_expired", "request_timeout", "missing_result"}
    status = line["response"]["status_code"]
    return status in {0, 408, 429} or status >= 500
