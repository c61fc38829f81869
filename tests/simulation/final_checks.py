"""What was promised, judged when all is over, against what the small OpenAI was paid for."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.simulation.invariants import ENDS, OVER, Watch
from tests.simulation.workload import Drop


class Verdict:
    def __init__(self, watch: Watch, limit: int | None) -> None:
        self.watch = watch
        self.must = watch.must
        self.small = watch.small
        self.cloud = watch.cloud
        self.chaos = watch.chaos
        self.limit = limit

    def judge(self, drops: list[Drop]) -> None:
        for drop in drops:
            self._judge_drop(drop)
        self._judge_bills()
        self._judge_second_batches()
        self._judge_ledger()
        self._judge_room()
        self._judge_files()
        if self.watch.shelf:
            self.watch.shelf.judge()

    def _judge_drop(self, drop: Drop) -> None:
        row = self.cloud.row(f"JOB#{drop.job}", "JOB")
        if row is None or row["state"] not in OVER:
            self.watch.breaks(f"{drop.key} came to no end: {row and row['state']}")
            return
        ends = {
            kind for kind, detail in self.watch.told if kind in ENDS and detail["job"] == drop.job
        }
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
        spent = sum(map(_input_tokens, good))
        self.must(report["usage"]["input_tokens"] == spent, f"{drop.key}: usage does not add up")
        errors = (self.cloud.read(f"{prefix}errors.jsonl") or b"").splitlines()
        self.must([json.loads(e) for e in errors] == bad, f"{drop.key}: errors.jsonl differs")
        again = {c for b in self._batches_of(drop.job, attempt=2) for c in self._ids(b)}
        said = f"{drop.key}: {counts['retried']} retried in the report, {len(again)} at OpenAI"
        self.must(counts["retried"] >= len(again), said)
        kept = [self.cloud.read(key) or b"" for key in self.cloud.keys(prefix=f"{prefix}extras-")]
        extras = sum(each.count(b"\n") for each in kept)
        self.must(report["extra_answers"] == extras, f"{drop.key}: extras are {extras}")
        doubled = [b for b in self._batches_of(drop.job) if self._holds_a_line_twice(b)]
        self.must(extras >= len(doubled), f"{drop.key}: extras are {extras}, of {doubled}")

    def _holds_a_line_twice(self, batch: str) -> bool:
        quirks = {"repeated_custom_id", "unknown_custom_id"} & self.small.batches[
            batch
        ].quirks.keys()
        return bool(quirks) and any(paid == batch for paid, _ in self.small.billed)

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
        if _may_pass(line) and drop.job not in self.watch.cancelled:
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
            self.watch.notes["billed twice, told"] += len(batches) - len(known) if known else 0
            self.must(len(known) <= 1, f"{job} {custom_id} was paid in {known}")
        for batch in self.small.batches:
            job = self._job(batch)
            drop = self.watch.drops.get(job)
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
            self.watch.notes["second batches, told"] += second
            excused = self.chaos.mood.hides_batches or any(map(self._vanished, batches))
            self.must(not second or excused, f"part {part} has two batches: {batches}")

    def _judge_ledger(self) -> None:
        for row in self.cloud.rows():
            if row["pk"].startswith("JOB#"):
                name = f"{row['pk']} {row['sk']}"
                self.must("open" not in row, f"{name} is open: {row.get('state')}")
                is_part = row["sk"].startswith("PART#")
                over = self.watch.states.get((row["pk"], "JOB")) == "rejected"
                said = f"{name} is {row.get('state')}"
                self.must(not is_part or over or row["state"] == "landed", said)

    def _judge_room(self) -> None:
        for row in self.cloud.rows():
            if row["pk"] == "CAPACITY":
                self.must(row.get("used", 0) == 0, f"room of {row['sk']}: {row.get('used')} left")
        if self.limit is None or self.chaos.mood.hides_batches:
            return
        for model, peak in self.small.peak_enqueued.items():
            self.must(peak <= self.limit, f"{peak} tokens of {model} enqueued, of {self.limit}")

    def _judge_files(self) -> None:
        """Nothing is left at OpenAI, but what a lost batch left and what nobody can name."""
        batch_files = [(i, f) for i, f in self.small.files.items() if f.purpose != "assistants"]
        for id_, file in batch_files:
            owner = file.filename.split("-")[0].split("_")[1 if "batch" in file.filename else 0]
            batch = f"batch_{owner}"
            if batch in self.small.batches:
                excused = self._is_lost(batch) or self._keeps(self._job(batch))
            else:
                excused = self._keeps(owner)
            self.must(excused, f"file {id_} ({file.filename}) is left at OpenAI")

    def _keeps(self, job: str) -> bool:
        drop = self.watch.drops.get(job)
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
        return self.watch.inputs.get(self.small.batches[batch].input_file_id, [])

    def _job(self, batch: str) -> str:
        return str(self.small.batches[batch].metadata.get("job_id", ""))

    def _attempt(self, batch: str) -> int:
        return int(self.small.batches[batch].metadata["attempt"])

    def _vanished(self, batch: str) -> bool:
        return "batch_vanishes" in self.small.batches[batch].quirks

    def _is_lost(self, batch: str) -> bool:
        """NotFound from OpenAI, or told to be a second one."""
        told = any(
            kind == "Second Batch Cancelled" and detail["cancelled"] == batch
            for kind, detail in self.watch.told
        )
        return told or self._vanished(batch)


def _succeeded(line: dict[str, Any]) -> bool:
    return bool(not line["error"] and line["response"] and line["response"]["status_code"] == 200)


def _input_tokens(line: dict[str, Any]) -> int:
    usage = line["response"]["body"]["usage"]
    return int(usage["prompt_tokens"] if "prompt_tokens" in usage else usage["input_tokens"])


def _may_pass(line: dict[str, Any]) -> bool:
    """A failure that asking again may heal."""
    if line["error"]:
        return line["error"]["code"] in {"batch_expired", "request_timeout", "missing_result"}
    status = line["response"]["status_code"]
    return status in {0, 408, 429} or status >= 500
