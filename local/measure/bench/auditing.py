"""g. The audit function: events a second through all detections, and calls to AWS."""

import gc
import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from statistics import median
from typing import Any

import boto3

from functions.audit.flow import tick
from local.measure.bench.scale import Scale
from local.measure.kit.audit_events import LOUD, PEOPLE, events
from local.measure.kit.in_process import AUDIT_TABLES, START, audit_edges, aws_in_process
from local.measure.kit.report import Section, judged
from local.measure.kit.ten_ms import TenMs
from local.openai import SmallOpenAI
from shared.audit.api import AuditApi
from shared.audit.config import Config, Detections
from shared.audit.cursor import DAY, Alerting, backfilled, opened
from shared.audit.edges import AuditEdges
from shared.audit.engine import Engine
from shared.audit.events import AuditLog, read_event
from shared.audit.reading import Page
from shared.audit.replay import replay
from shared.aws.notifier import Notification


def measured(scale: Scale) -> Section:
    rows = [
        *_detecting(scale.requests, scale.rounds),
        *_landing(scale.requests // 25),
        *_with_waiting(scale.requests // 10),
    ]
    columns = ("what", "measured")
    return Section("g", "The audit log: detections, and landing on moto", columns, rows)


def _detecting(number: int, rounds: int) -> Iterator[tuple[str, str]]:
    lines = [json.dumps(event).encode() for event in events(number, 86_400 * number / 2_000)]
    engine = Engine(Config())

    def single(found: list[AuditLog]) -> None:
        for event in found:
            engine.evaluate_event(event)

    def whole(found: list[AuditLog]) -> None:
        replay(found, Config())

    for what, run in (
        ("all detections over each event", single),
        ("the same, patterns judged, alerts made", whole),
    ):
        paces = [
            number / _seconds(run, [read_event(line) for line in lines]) for _ in range(rounds)
        ]
        yield f"{what}, {number:,} events", judged(median(paces), ">=", 50_000, " events/s")


def _seconds(run: Any, found: list[AuditLog]) -> float:
    """Of one core, without garbage collection, as timeit does."""
    gc.disable()
    begin = time.process_time()
    run(found)
    spent = time.process_time() - begin
    gc.enable()
    gc.collect()
    return spent


def _landing(number: int) -> Iterator[tuple[str, str]]:
    """Without detections, what remains is listing, finding what is new, landing, publishing."""
    off = {name: {"enabled": False} for name in Detections.model_fields}
    silent = Config.model_validate({"detections": off})
    cost, listed, _ = _landed(number, silent)
    yield f"calls to AWS for 100 of {number:,} events landed", judged(cost, "<=", 6)
    yield "which", listed
    cost, listed, pace = _landed(number, Config())
    yield f"the same with all detections, {PEOPLE} people, some alerts", f"{cost:.1f}"
    yield "which", listed
    yield "events a second through the function on moto, all detections", f"{pace:,.0f}"


def _with_waiting(number: int) -> Iterator[tuple[str, str]]:
    """Each call to AWS takes 10 ms and nothing else: what is ours, without OpenAI's time."""
    pace, spent, calls = _paced(number, None)
    what = f"{number:,} events, 10 ms for each call to AWS"
    yield f"{what}: live, all detections", judged(pace, ">=", 1_000, " events/s")
    yield f"{what}: processor time, boto3's too", judged(spent, "<=", 0.25, " ms an event")
    yield f"{what}: calls for 100 events with alerts", judged(calls, "<=", 8)
    pace, _, _ = _paced(number, Alerting.OFF)
    yield f"{what}: backfill, alerts off", judged(pace, ">=", 5_000, " events/s")


def _paced(number: int, backfill: Alerting | None) -> tuple[float, float, float]:
    """Events a second, milliseconds of one processor an event, calls for 100 events."""
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    aws = TenMs(session)
    small = SmallOpenAI(clock=lambda: START.timestamp() + 3_600)
    for event in events(number, 3_000, LOUD):
        small.add_audit_event(event)
    edges = audit_edges(session, small)
    listing = _TimedListing(edges.api)
    edges.api = listing  # type: ignore[assignment]
    if backfill is not None:
        now = edges.seconds()
        edges.tables.open_cursor(opened("organization", now, tenant_only=False, days=0))
        low = now - DAY
        edges.tables.open_cursor(backfilled("backfill#bench", now, low, now, backfill))
    _start(edges)
    started = aws.calls.total()
    gc.collect()
    gc.disable()
    begin, busy = time.perf_counter(), time.process_time()
    done = tick(edges, edges.now() + timedelta(minutes=10))
    spent = time.process_time() - busy - listing.busy
    wall = time.perf_counter() - begin - listing.wall
    gc.enable()
    if done["AuditEventsLanded"] != number:
        raise AssertionError(done)
    calls = aws.calls.total() - started
    return number / wall, spent / number * 1_000, calls / number * 100


def _start(edges: AuditEdges) -> None:
    """What a process does once (section i); the clients are made, and each has made a call."""
    edges.tables.cursors()
    edges.tables.seen(["nobody"])
    edges.s3.write("warm", [b"up"])
    edges.event_bus.put([("warm", "{}")])
    edges.notifier.publish_all([Notification(type="warm", about="up", text="", detail={})])
    edges.engine  # noqa: B018  # made at its first use


class _TimedListing:
    """The audit log's endpoint, its own time measured."""

    def __init__(self, api: AuditApi) -> None:
        self._api = api
        self.wall = self.busy = 0.0

    def page(self, *asked: Any, **more: Any) -> Page:
        begin, busy = time.perf_counter(), time.process_time()
        page = self._api.page(*asked, **more)
        self.wall += time.perf_counter() - begin
        self.busy += time.process_time() - busy
        return page


def _landed(number: int, config: Config) -> tuple[float, str, float]:
    """Calls for 100 events, which calls they are, and events a second."""
    with aws_in_process(AUDIT_TABLES) as session:
        small = SmallOpenAI(clock=lambda: START.timestamp() + 3_600)
        for event in events(number, 3_000, LOUD):
            small.add_audit_event(event)
        edges = audit_edges(session, small)
        edges.engine = Engine(config)
        calls: Counter[str] = Counter()
        session.events.register("before-call", lambda model, **_: calls.update([model.name]))
        begin = time.perf_counter()
        done = tick(edges, edges.now() + timedelta(minutes=10))
        pace = number / (time.perf_counter() - begin)
    if done["AuditEventsLanded"] != number:
        raise AssertionError(done)
    listed = ", ".join(f"{name} {times}" for name, times in calls.most_common())
    return calls.total() / number * 100, listed, pace
