"""What AWS bills for a job and for an idle minute: calls, units, seconds, as measured."""

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import boto3

from functions.audit.flow import tick
from functions.audit.metrics import worth_publishing
from functions.intake.flow import take_in
from functions.land.flow import land
from functions.poll.flow import poll
from functions.submit.flow import submit
from local.measure.kit.audit_events import LOUD, events
from local.measure.kit.in_process import AUDIT_TABLES, START, audit_edges, aws_in_process
from local.measure.kit.inputs import write_chats
from local.measure.kit.tables import write_units
from local.measure.kit.testbed import INTERNET, Testbed, make_testbed
from local.openai import SmallOpenAI
from local.template import read_template
from local.world.workspace import temporary_home
from shared.objects import PartRef

Counts = dict[str, float]
Answer = TypeVar("Answer")

SIZES = {"50,000 requests a file, 4 kB each": (50_000, 4_000), "1,000 a file": (1_000, 4_000)}
IDLE_TICKS = 20
PACES = {"23 events a minute": 23, "1,000 events a minute": 1_000}
AUDIT_TICKS = 15  # each a minute apart
READ_UNIT = 4_096  # bytes
WRITING = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
S3_WRITES = ("Put", "Create", "Upload", "Complete", "List", "Copy")
DEFAULT_MEMORY, STORAGE_FREE = 512, 512  # MB


class Meter:
    """Adds up what is billed, by what it is billed as."""

    def __init__(self, session: boto3.Session) -> None:
        self.counts: Counter[str] = Counter()
        self.memory = _memory()
        session.events.register("before-call", self._asked)
        session.events.register("after-call", self._answered)

    def run(self, function: str, act: Callable[[], Answer]) -> Answer:
        """One invocation: its time is what Lambda would bill, at the testbed's network speed."""
        began = time.perf_counter()
        done = act()
        seconds, memory = time.perf_counter() - began, self.memory[function]
        self.counts["lambda_request"] += 1
        self._add("lambda_gb_second", seconds * memory / 1_024)
        self._add(f"seconds of {function}", seconds)
        if function == "land":
            self._add("lambda_storage_gb_second", seconds * (10_240 - STORAGE_FREE) / 1_024)
        return done

    def taken(self) -> Counts:
        found: Counts = dict(self.counts)
        self.counts.clear()
        return found

    def _add(self, what: str, amount: float) -> None:
        self.counts[what] += amount  # type: ignore[assignment]  # seconds are no whole numbers

    def _asked(self, model: Any, params: Any, **_: Any) -> None:
        service, name = model.service_model.service_name, model.name
        if service == "s3":
            self.counts["s3_write" if name.startswith(S3_WRITES) else "s3_read"] += 1
        elif service == "dynamodb":
            asked = json.loads(params["body"])
            self.counts["dynamodb_write_unit"] += _written(name, asked)
            if name == "BatchGetItem":  # one for each small row, found or not
                tables = asked["RequestItems"].values()
                self.counts["dynamodb_read_unit"] += sum(len(each["Keys"]) for each in tables)
        elif service == "events":
            self.counts["event"] += len(json.loads(params["body"])["Entries"])
        else:
            billed = {"sqs": "sqs_request", "sns": "sns_publish"}
            if service in billed:
                self.counts[billed[service]] += 1

    def _answered(self, model: Any, parsed: Any, **_: Any) -> None:
        if model.service_model.service_name == "dynamodb" and model.name in {"GetItem", "Query"}:
            size = len(json.dumps(parsed, default=str))
            self.counts["dynamodb_read_unit"] += max(1, math.ceil(size / READ_UNIT))


def _written(name: str, asked: Any) -> int:
    """Write units, rather too many: a row that is or was in the index counts twice."""
    if name == "TransactWriteItems":
        writes = [next(iter(each.values())) for each in asked["TransactItems"]]
        return sum(2 * _one(write) + _of_indexes(write) for write in writes)
    return _one(asked) + _of_indexes(asked) if name in WRITING else 0


def _one(write: Any) -> int:
    row = write.get("Item", {})
    units = write_units(row)
    return units * 2 if row.get("sk", {}).get("S", "").startswith(("JOB", "PART")) else units


def _of_indexes(write: Any) -> int:
    """An audit event is copied into an index for each of these that it has."""
    row = write.get("Item", {})
    return sum(name in row for name in _indexes()) if "sk" not in row else 0


@cache
def _indexes() -> tuple[str, ...]:
    resources: Any = read_template()["Resources"]
    indexes = resources["AuditEvents"]["Properties"]["GlobalSecondaryIndexes"]
    return tuple(each["IndexName"] for each in indexes)


def _memory() -> dict[str, int]:
    """Megabytes of each function, from the template."""
    resources: Any = read_template()["Resources"]
    return {
        name.removesuffix("Function").lower(): int(
            each["Properties"].get("MemorySize", DEFAULT_MEMORY)
        )
        for name, each in resources.items()
        if each["Type"] == "AWS::Serverless::Function"
    }


def measured() -> dict[str, Counts]:
    """Counts for a job of each size, and for an idle minute of the clock."""
    found = {"an idle minute, audit": _idle_audit()}
    found |= {name: _audited(number) for name, number in PACES.items()}
    with temporary_home() as home:
        testbed = make_testbed(home, network=INTERNET)
        meter = Meter(testbed.session)
        found["an idle minute"] = _idle(testbed, meter)
        for name, (requests, size) in SIZES.items():
            found[name] = _job(
                testbed, meter, write_chats(home / f"{requests}.jsonl", requests, size)
            )
            found[name]["requests"] = requests
    return found


def _idle(testbed: Testbed, meter: Meter) -> Counts:
    edges = testbed.edges()
    poll(edges)  # a warm function: its key is read, its clients are made
    meter.taken()
    metrics = [meter.run("poll", lambda: poll(edges)) for _ in range(IDLE_TICKS)][-1]
    counts = {what: amount / IDLE_TICKS for what, amount in meter.taken().items()}
    return counts | {"metrics": _published(metrics)}


def _idle_audit() -> Counts:
    """The audit function with a log in which nothing happens."""
    with aws_in_process(AUDIT_TABLES) as session:
        meter = Meter(session)
        edges = audit_edges(session, SmallOpenAI())
        start = edges.now()
        tick(edges, start + timedelta(seconds=30))
        meter.taken()
        for minute in range(1, IDLE_TICKS + 1):
            now = start + timedelta(minutes=minute)
            edges.now = lambda now=now: now  # type: ignore[misc]  # the clock goes on
            metrics = meter.run("audit", lambda now=now: tick(edges, now + timedelta(seconds=30)))  # type: ignore[misc]
    counts = {what: amount / IDLE_TICKS for what, amount in meter.taken().items()}
    return counts | {"metrics": _published(worth_publishing(metrics))}


def _audited(a_minute: int) -> Counts:
    """A working organization's events, so many a minute, as the clock finds them."""
    with aws_in_process(AUDIT_TABLES) as session:
        meter = Meter(session)
        clock = [START]  # one for both sides
        small = SmallOpenAI(clock=lambda: clock[0].timestamp())  # noqa: PLW0108  # as it is then
        edges = audit_edges(session, small)
        edges.now = lambda: clock[0]
        tick(edges, START + timedelta(seconds=30))
        meter.taken()
        for event in events(a_minute * AUDIT_TICKS, 60 * AUDIT_TICKS, LOUD):
            small.add_audit_event(event, event["effective_at"])
        for minute in range(1, AUDIT_TICKS + 1):
            clock[0] = START + timedelta(minutes=minute)
            meter.run("audit", lambda: tick(edges, clock[0] + timedelta(seconds=30)))
    return {**meter.taken(), "events": a_minute * AUDIT_TICKS}


def _published(metrics: Mapping[str, object]) -> int:
    """Metrics that a run publishes: counts that are not zero, and all seconds."""
    return sum(1 for name, n in metrics.items() if n or name.endswith("Seconds"))


def _job(testbed: Testbed, meter: Meter, path: Path) -> Counts:
    """A job by itself from its drop to its results; waiting for OpenAI is not billed."""
    edges = testbed.edges()
    source = testbed.put(path, keep_files="true")
    meter.taken()
    job = meter.run("intake", lambda: take_in(edges, source))
    for number in range(1, job.parts + 1):
        meter.run("submit", lambda n=number: submit(edges, PartRef(job=job.id, part=n)))  # type: ignore[misc]
    before = meter.taken()
    testbed.wait_for_batches(edges.ledger.parts(job.id))
    meter.taken()
    meter.run("poll", lambda: poll(edges))
    for number in range(1, job.parts + 1):
        meter.run("land", lambda n=number: land(edges, PartRef(job=job.id, part=n)))  # type: ignore[misc]
    counts = Counter(before) + Counter(meter.taken())
    # S3's notification; Lambda's receipt and deletion of it and of each message between functions.
    counts["sqs_request"] += 1 + 2 * (1 + 2 * job.parts)
    return {**counts, "parts": job.parts}
