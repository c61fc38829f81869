"""What was promised, checked when all is over, against what the small OpenAI was paid for."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from functions.intake.attempts import MOST_CHECKS, MOST_REFUSALS
from tests.simulation.invariants import ENDS, OVER, Invariants
from tests.simulation.promises import Promise
from tests.simulation.workload import Drop


class FinalChecks:
    def __init__(self, invariants: Invariants, limit: int | None) -> None:
        self.invariants = invariants
        self.small = invariants.small
        self.tables = invariants.cloud.tables
        self.buckets = invariants.cloud.buckets
        self.faults = invariants.faults
        self.limit = limit

    def check(self, drops: list[Drop]) -> None:
        for drop in drops:
            self._check_drop(drop)
        self._check_payments()
        self._check_twice(drops)
        self._check_second_batches()
        self._check_ledger()
        self._check_capacity()
        self._check_budget()
        self._check_files()
        if self.invariants.library:
            self.invariants.library.check()

    def _expecting(self, promise: Promise) -> Callable[[object, str], None]:
        return lambda holds, otherwise: self.invariants.expect(holds, promise, otherwise)

    def _check_drop(self, drop: Drop) -> None:
        expect = self._expecting(Promise.NOTHING_LOST)
        row = self.tables.row(f"JOB#{drop.job}", "JOB")
        if row is None or row["state"] not in OVER:
            expect(None, f"{drop.key} came to no end: {row and row['state']}")
            return
        ends = {
            kind
            for kind, detail in self.invariants.on_bus
            if kind in ENDS and detail["job"] == drop.job
        }
        said = f"{drop.job} is {row['state']}, published: {ends}"
        expect({ENDS[kind] for kind in ends} == {row["state"]}, said)
        if drop.options.get("duplicate-file") != "reject":  # then it hangs on the first job
            accepted = row["state"] != "rejected"
            unlucky = self._was_denied_often(drop) or row.get("checks", 0) >= MOST_CHECKS
            unlucky = unlucky or self._stood_still(row)
            unlucky = unlucky or (row["state"] == "cancelled" and row.get("cancel_requested"))
            right = accepted == drop.accepted or unlucky
            expect(right, f"{drop.key} is {row['state']}")
        if row["state"] == "cancelled" and not row["parts"]:  # while it was checked
            report = self.buckets.read(f"{row['results_prefix']}report.json")
            expect(report, f"{drop.key} was cancelled without a report")
        elif row["state"] != "rejected":
            self._check_results(drop, row["results_prefix"])

    def _was_denied_often(self, drop: Drop) -> bool:
        """S3 may forget a right for a moment so often that it seems to be missing for good."""
        denied = [each for each in self.faults.drawn if each.kind == "AWS: forbidden"]
        often = sum(each.where in {"s3.GetObject", "s3.HeadObject"} for each in denied)
        return often + (drop.times or 0) >= MOST_REFUSALS

    def _stood_still(self, row: dict[str, Any]) -> bool:
        """A check that stood still for longer than it may take looks like one of a large file."""
        report = self.buckets.read(f"{row.get('results_prefix')}report.json") or b"{}"
        return "too_slow" in json.loads(report).get("problems_by_code", ())

    def _check_results(self, drop: Drop, prefix: str) -> None:
        expect = self._expecting(Promise.NOTHING_LOST)
        lines = _parsed(self.buckets.read(f"{prefix}results.jsonl"))
        expect([each["custom_id"] for each in lines] == drop.ids, f"{drop.key}: order or lines")
        if drop.requests:
            table = (self.buckets.read(f"{prefix}results.csv") or b"").decode()
            rows = [row[0] for row in csv.reader(io.StringIO(table))]
            expect(rows == ["id", *drop.ids], f"{drop.key}: the table came back with {rows}")
        self._check_report(drop, prefix, lines)
        self._check_extras(drop, prefix)
        for line in lines:
            self._check_line(drop, line)

    def _check_report(self, drop: Drop, prefix: str, lines: list[dict[str, Any]]) -> None:
        expect = self._expecting(Promise.PUBLISHED_TRUE)
        report = json.loads(self.buckets.read(f"{prefix}report.json") or b"{}")
        if report["requests"]["retried"] or report["requests"]["failed"] == len(lines):
            for fault in self.faults.drawn:
                if (fault.kind, fault.where) == ("all are refused", drop.key):
                    fault.happened()
        good = [each for each in lines if _succeeded(each)]
        bad = [each for each in lines if not _succeeded(each)]
        counts = report["requests"]
        counted = tuple(counts[name] for name in ("total", "succeeded", "failed"))
        said = f"{drop.key}: the report counts {counts}, there are {len(good)} + {len(bad)}"
        expect(counted == (len(lines), len(good), len(bad)), said)
        own = [each for each in good if drop.first_asking(each["custom_id"]) == each["custom_id"]]
        used, least = report["usage"]["input_tokens"] or 0, sum(map(_input_tokens, own))
        said = f"{drop.key}: {used} tokens are reported, of {least} at least"
        expect(used == self._used_by(drop.job) >= least, said)
        errors = _parsed(self.buckets.read(f"{prefix}errors.jsonl"))
        expect(errors == bad, f"{drop.key}: errors.jsonl differs")
        failed = {each["custom_id"] for each in bad}
        retry = self.buckets.read(f"{prefix}retry.jsonl") or b""
        said = f"{drop.key}: retry.jsonl is not the failed requests as they were asked"
        expect(retry == drop.lines_of(failed), said)
        again = {c for b in self._batches_of(drop.job, attempt=2) for c in self._ids(b)}
        said = f"{drop.key}: {counts['retried']} retried in the report, {len(again)} at OpenAI"
        expect(counts["retried"] >= len(again), said)

    def _check_extras(self, drop: Drop, prefix: str) -> None:
        """Answers that nobody asked for are kept and counted."""
        expect = self._expecting(Promise.PUBLISHED_TRUE)
        reported = json.loads(self.buckets.read(f"{prefix}report.json") or b"{}")["extra_answers"]
        keys = self.buckets.keys(prefix=f"{prefix}extras-")
        extras = sum((self.buckets.read(key) or b"").count(b"\n") for key in keys)
        expect(reported == extras, f"{drop.key}: {extras} extras are kept, {reported} reported")
        doubled = [b for b in self._batches_of(drop.job) if self._holds_a_line_twice(b)]
        expect(extras >= len(doubled), f"{drop.key}: extras are {extras}, of {doubled}")

    def _holds_a_line_twice(self, batch: str) -> bool:
        quirks = self.small.batches[batch].quirks.keys() & {
            "repeated_custom_id",
            "unknown_custom_id",
        }
        return bool(quirks) and any(paid == batch for paid, _ in self.small.billed)

    def _check_line(self, drop: Drop, line: dict[str, Any]) -> None:
        """What was paid is used; what may succeed was asked as often as it may be."""
        expect = self._expecting(Promise.PAID_ONCE)
        custom_id = drop.first_asking(line["custom_id"])
        paid = [b for b, c in self.small.billed if c == custom_id and self._job(b) == drop.job]
        used = [batch for batch in paid if not self._is_lost(batch)]
        name = f"{drop.key} {custom_id}"
        if _succeeded(line):
            expect(paid, f"{name} succeeded, but nobody paid")
            return
        expect(not used, f"{name} was paid in {used}, and is a failure: {line}")
        if _may_pass(line) and drop.job not in self.invariants.cancelled:
            self._check_attempts(drop, line)

    def _check_attempts(self, drop: Drop, line: dict[str, Any]) -> None:
        expect = self._expecting(Promise.NOTHING_LOST)
        custom_id = drop.first_asking(line["custom_id"])
        tried = max((self._attempt(b) for b in self._ran_with(drop.job, custom_id)), default=0)
        expect(
            tried == drop.max_attempts or self._ended_for_good(drop.job, custom_id),
            f"{drop.key} {custom_id} was tried {tried} times of {drop.max_attempts}: {line}",
        )

    def _ended_for_good(self, job: str, custom_id: str) -> bool:
        """Its last batch was cancelled by somebody, or refused as a whole."""
        batches = [b for b in self._batches_of(job) if custom_id in self._ids(b)]
        last = max(batches, key=self._attempt)
        return self.small.batches[last].status in {"cancelled", "failed"}

    def _check_payments(self) -> None:
        """Nothing is paid twice, but for what was published and what nobody could have known."""
        expect = self._expecting(Promise.PAID_ONCE)
        bills: dict[tuple[str, str], list[str]] = defaultdict(list)
        for batch, custom_id in self.small.billed:
            bills[self._job(batch), custom_id].append(batch)
        for (job, custom_id), batches in bills.items():
            known = [b for b in batches if not self._is_lost(b)]
            self.invariants.notes["billed twice, published"] += (
                len(batches) - len(known) if known else 0
            )
            expect(len(known) <= 1, f"{job} {custom_id} was paid in {known}")
        for batch in self.small.batches:
            job = self._job(batch)
            drop = self.invariants.drops.get(job)
            expect(drop and drop.accepted, f"batch {batch} belongs to no accepted file")
            if drop:
                said = f"batch {batch} is attempt {self._attempt(batch)} of {drop.max_attempts}"
                expect(self._attempt(batch) <= drop.max_attempts, said)

    def _check_twice(self, drops: list[Drop]) -> None:
        """The same file is paid once, unless a person wants more or the first came to nothing."""
        expect = self._expecting(Promise.PAID_ONCE)
        paid = {self._job(batch) for batch, _ in self.small.billed}
        for drop in drops:
            wanted = drop.options.get("duplicate-file") == "run"
            others = [d.job for d in drops if d.key == drop.key and d.job != drop.job]
            approved = self.invariants.approved & {drop.job, *others}
            if not drop.again or wanted or approved:
                continue
            used = {
                job
                for job in others
                if self._row_state(job) in {"completed", "completed_with_failures"}
            }
            both = drop.job in paid and paid & used - self.invariants.cancelled
            expect(not both, f"{drop.key} was paid by {others} and {drop.job}")

    def _row_state(self, job: str) -> str:
        row = self.tables.row(f"JOB#{job}", "JOB")
        return str(row["state"]) if row else ""

    def _check_second_batches(self) -> None:
        """A part has one batch; where its answer came too late, the second was published."""
        expect = self._expecting(Promise.PAID_ONCE)
        made: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for id_, batch in self.small.batches.items():
            if batch.status != "failed":
                part = tuple(str(batch.metadata[name]) for name in ("job_id", "part", "attempt"))
                made[part].append(id_)
        for part, batches in made.items():
            unpublished = [each for each in batches if not self._is_lost(each)]
            expect(len(unpublished) <= 1, f"part {part} has two batches: {batches}")
            second = len(batches) > 1
            self.invariants.notes["second batches, published"] += second
            excused = self.faults.profile.hides_batches or any(map(self._vanished, batches))
            expect(not second or excused, f"part {part} has two batches: {batches}")

    def _check_ledger(self) -> None:
        expect = self._expecting(Promise.NOTHING_LEFT)
        for row in self.tables.rows():
            if row["pk"].startswith("JOB#"):
                name = f"{row['pk']} {row['sk']}"
                expect("open" not in row, f"{name} is open: {row.get('state')}")
                is_part = row["sk"].startswith("PART#")
                over = (row["pk"], "JOB") not in self.invariants.accepted
                said = f"{name} is {row.get('state')}"
                expect(not is_part or over or row["state"] == "landed", said)

    def _check_capacity(self) -> None:
        expect = self._expecting(Promise.CAPACITY_KEPT)
        for row in self.tables.rows():
            if row["pk"] == "CAPACITY":
                expect(row.get("used", 0) == 0, f"capacity of {row['sk']}: {row.get('used')} left")
        if self.limit is None or self.faults.profile.hides_batches:
            return
        for model, peak in self.small.peak_enqueued.items():
            expect(peak <= self.limit, f"{peak} tokens of {model} enqueued, of {self.limit}")

    def _used_by(self, job: str) -> int:
        """Input tokens of all answers, those too that were asked again or came twice."""
        rows = [row for row in self.tables.rows() if row["pk"] == f"JOB#{job}"]
        stated = [row["used"].get("input_tokens") for row in rows if "used" in row]
        return sum(int(each.value) for each in stated if each)

    def _check_budget(self) -> None:
        """At rest what is taken of the month is what has been spent, part by part."""
        expect = self._expecting(Promise.BUDGET_KEPT)
        rows = list(self.tables.rows())
        cost = sum(row.get("cost", 0) for row in rows if row["sk"].startswith("PART#"))
        months = [row for row in rows if row["pk"] == "BUDGET"]
        used, spent = (sum(row.get(name, 0) for row in months) for name in ("used", "spent"))
        expect(used == spent == cost, f"{used} are taken, {spent} spent, and parts cost {cost}")

    def _not_deleted(self) -> set[str]:
        """Files that OpenAI refused to delete, or said were not there: they expire."""
        kept = {"OpenAI: refused_for_good", "OpenAI: not_found"}
        refused = [each for each in self.faults.drawn if each.where.startswith("DELETE")]
        return {
            each.where.split()[1].rpartition("/")[2]
            for each in refused
            if each.kind in kept or "(405" in each.where
        }

    def _check_files(self) -> None:
        """Nothing is left at OpenAI, but what a lost batch left and what nobody can name."""
        expect = self._expecting(Promise.NOTHING_LEFT)
        batch_files = [(i, f) for i, f in self.small.files.items() if f.purpose != "assistants"]
        for id_, file in batch_files:
            owner = file.filename.split("-")[0].split("_")[1 if "batch" in file.filename else 0]
            batch = f"batch_{owner}"
            if batch in self.small.batches:
                excused = self._is_lost(batch) or self._keeps(self._job(batch))
            else:
                excused = self._keeps(owner)
            excused = excused or id_ in self._not_deleted()
            expect(excused, f"file {id_} ({file.filename}) is left at OpenAI")

    def _keeps(self, job: str) -> bool:
        drop = self.invariants.drops.get(job)
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
        return self.invariants.inputs.get(self.small.batches[batch].input_file_id, [])

    def _job(self, batch: str) -> str:
        return str(self.small.batches[batch].metadata.get("job_id", ""))

    def _attempt(self, batch: str) -> int:
        return int(self.small.batches[batch].metadata["attempt"])

    def _vanished(self, batch: str) -> bool:
        return "batch_vanishes" in self.small.batches[batch].quirks

    def _is_lost(self, batch: str) -> bool:
        """Vanished at OpenAI, or published as a second one."""
        published = any(
            kind == "Second Batch Cancelled" and detail["cancelled"] == batch
            for kind, detail in self.invariants.on_bus
        )
        return published or self._vanished(batch)


def _parsed(content: bytes | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (content or b"").splitlines()]


def _succeeded(line: dict[str, Any]) -> bool:
    if line["error"] or not line["response"] or line["response"]["status_code"] != 200:
        return False
    return not _error_of(line)


def _input_tokens(line: dict[str, Any]) -> int:
    usage = line["response"]["body"]["usage"]
    return int(usage["prompt_tokens"] if "prompt_tokens" in usage else usage["input_tokens"])


def _may_pass(line: dict[str, Any]) -> bool:
    """A failure that asking again may heal."""
    if line["error"]:
        return line["error"]["code"] in {"batch_expired", "request_timeout", "missing_result"}
    if (_error_of(line) or {}).get("code") == "server_error":
        return True
    status = line["response"]["status_code"]
    return status in {0, 408, 429} or status >= 500


def _error_of(line: dict[str, Any]) -> dict[str, Any] | None:
    """What the body itself says went wrong."""
    body = line["response"]["body"] or {}
    return body.get("error")
