"""h. A library of many documents: calls to OpenAI until all are searchable, and once more."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import boto3
import httpx

from functions.library.changes import record_change
from functions.library.flow import keep_in_sync
from local.measure.bench.scale import Scale
from local.measure.kit.in_process import KEY, START, aws_in_process, topic
from local.measure.kit.report import Section, judged
from local.openai import SmallOpenAI
from shared.aws.s3_events import Change
from shared.jobs.edges import JobEdges
from shared.objects import Source
from shared.settings import Settings

INBOX, DATA = "inbox", "data"
# Calls besides one upload a document and one attach for each 2,000: create the store, and check
# each file batch once a minute until it is done.
MAX_OTHER_CALLS = 20
MAX_TICKS = 100


@dataclass
class Clock:
    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        return self.moment.timestamp()

    def pause(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def measured(scale: Scale) -> Section:
    columns = ("what", "calls to OpenAI", "which")
    return Section("h", "A library on moto", columns, list(_rows(scale.documents)))


def _rows(number: int) -> Iterator[tuple[str, str, str]]:
    with aws_in_process({"Ledger": "ledger"}, (INBOX, DATA)) as session:
        clock = Clock()
        small = SmallOpenAI(clock=clock.seconds)
        edges = _edges(session, small, clock)
        first, minutes = _synced(edges, small, clock, number)
        aim = number + math.ceil(number / 2_000) + MAX_OTHER_CALLS
        what = f"{number:,} documents, until all are searchable ({minutes} ticks of a minute)"
        yield what, judged(first.total(), "<=", aim), _listed(first)
        (store,) = small.stores.values()
        done = Counter(each.status for each in store.documents.values())
        if done != {"completed": number}:
            raise AssertionError(f"not all documents are searchable: {done}")
        again, _ = _synced(edges, small, clock, number)
        what = "the same folder put again: uploads"
        yield what, judged(again["upload"], "<=", 0), f"{again.total()} call(s) of any kind"


def _synced(
    edges: JobEdges, small: SmallOpenAI, clock: Clock, number: int
) -> tuple[Counter[str], int]:
    """Calls by route, and how many ticks it took."""
    before = len(small.calls)
    s3 = boto3.Session("test", "test", region_name="us-east-1").client("s3")
    for n in range(number):
        key = f"libraries/bench/{n // 100:03}/{n}.md"
        s3.put_object(Bucket=INBOX, Key=key, Body=f"Page {n} of a long handbook.".encode())
        record_change(edges, Change(Source(bucket=INBOX, key=key), clock()))
    ticks = 0
    while names := edges.library_table.dirty(clock()):
        for name in names:
            keep_in_sync(edges, {"library": name})
        clock.pause(60)
        ticks += 1
        if ticks > MAX_TICKS:
            raise AssertionError(f"not in sync: {edges.library_table.library('bench')}")
    return Counter(each.route for each in small.calls[before:]), ticks


def _listed(calls: Counter[str]) -> str:
    return ", ".join(f"{times:,} {route}" for route, times in calls.most_common())


def _edges(session: boto3.Session, small: SmallOpenAI, clock: Clock) -> JobEdges:
    settings = Settings(
        ledger_table="ledger",
        inbox_bucket=INBOX,
        data_bucket=DATA,
        bus_name="bus",
        topic_arn=topic(session),
        openai_key_secret=KEY,
    )
    http = httpx.Client(transport=small.transport(), base_url="http://small.test/v1")
    return JobEdges(settings, clock, session, http, pause=clock.pause)
