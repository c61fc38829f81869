"""f. Calls to the ledger and to OpenAI: in a part's whole life, and in a tick of the clock."""

import io
import math
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx

from functions.land.flow import land
from functions.poll.flow import poll
from local.measure.bench.landing import ended
from local.measure.bench.scale import Scale
from local.measure.bench.submitting import ASLEEP
from local.measure.kit.inputs import write_chats
from local.measure.kit.report import Section, judged
from local.measure.kit.testbed import Testbed, make_testbed
from local.world.workspace import temporary_home
from shared.jobs.edges import JobEdges
from shared.jobs.part import Part, PartState
from shared.objects import PartRef, Span

REQUESTS = 10  # of a part; how many there are changes nothing
MANY = 21  # parts
LINE = b'{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}\n'
PAGE = 100  # batches OpenAI lists at a time

Row = tuple[str, ...]


def measured(scale: Scale) -> Section:
    with temporary_home() as home:
        testbed = make_testbed(home)
        one, many = (_life(testbed, home, parts) for parts in (1, MANY))
    rest = {name: (many[name] - one[name]) / (MANY - 1) for name in many}
    rows: list[Row] = [
        ("a job of one part, drop to results", "ledger", str(one.total()), _listed(one)),
        ("each further part", "ledger", f"{sum(rest.values()):.1f}", _listed(rest)),
    ]
    with temporary_home() as home:
        rows += _ticks(make_testbed(home, ASLEEP), scale.open_batches)
    columns = ("what", "calls to", "calls", "which")
    return Section("f", "Calls to the ledger and to OpenAI", columns, rows)


def _life(testbed: Testbed, home: Path, parts: int) -> Counter[str]:
    """DynamoDB operations from the drop to the results, those of the ticks included."""
    calls = _ledger_calls(testbed)
    edges = testbed.edges(max_part_requests=REQUESTS)
    path = write_chats(home / f"{parts}.jsonl", REQUESTS * parts)
    for part in ended(testbed, edges, testbed.put(path, keep_files="true")):
        land(edges, PartRef(job=part.job, part=part.number))
    return Counter(calls)


def _ticks(testbed: Testbed, count: int) -> list[Row]:
    """Two ticks with `count` open batches: the first sees them, the second nothing new."""
    http, asked = _counting_client(testbed)
    ledger = _ledger_calls(testbed)
    edges = JobEdges(testbed.settings, lambda: datetime.now(UTC), testbed.session, http)
    open_batches(edges, count)
    rows: list[Row] = []
    for tick in ("first", "next"):
        asked.clear()
        ledger.clear()
        poll(edges)
        result = judged(asked.total(), "<=", math.ceil(count / PAGE) + 2)
        what = f"a tick at {count:,} open batches, the {tick}"
        rows += [(what, "OpenAI", result, _listed(asked))]
        rows += [(what, "ledger", str(ledger.total()), _listed(ledger))]
        if ledger["Scan"]:
            raise AssertionError("the table was scanned")
    return rows


def open_batches(edges: JobEdges, count: int) -> None:
    """Rows as submit would write them, each with an open batch."""
    file = edges.openai.upload("one.jsonl", cast(io.RawIOBase, io.BytesIO(LINE)))
    for number in range(1, count + 1):
        part = _part(f"{number:016x}", edges.now())
        batch = edges.openai.create_batch(file.id, part.endpoint, "24h", part.metadata)
        edges.ledger.plan_part(part.submitted(batch, edges.now()))


def _part(job: str, now: datetime) -> Part:
    return Part(
        job=job,
        number=1,
        state=PartState.SUBMITTING,
        endpoint="/v1/chat/completions",
        model="gpt-5-mini",
        source=Span(bucket="bench", key="one.jsonl", length=1),
        first_line=1,
        last_line=1,
        requests=1,
        bytes=1,
        tokens=1,
        due=now,
    )


def _ledger_calls(testbed: Testbed) -> Counter[str]:
    """Counts, by operation, the calls of every client made from now on."""
    calls: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        calls[model.name] += 1

    testbed.session.events.register("before-call.dynamodb", count)
    return calls


def _counting_client(testbed: Testbed) -> tuple[httpx.Client, Counter[str]]:
    calls: Counter[str] = Counter()

    def count(request: httpx.Request) -> None:
        path = request.url.path.removeprefix("/v1")
        calls[f"{request.method} {'/batches/…' if path > '/batches' else path}"] += 1

    url = testbed.settings.openai_base_url
    return httpx.Client(base_url=url, event_hooks={"request": [count]}), calls


def _listed(calls: Any) -> str:
    return ", ".join(f"{n:g} {name}" for name, n in sorted(calls.items()) if n)
