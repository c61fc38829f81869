"""h. A library of many documents: calls to OpenAI until all are searchable, and once more."""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
from moto import mock_aws

from functions.library.changes import record_change
from functions.library.flow import keep_in_sync
from local.measure.bench.scale import Scale
from local.measure.kit.moto_speed import quick_transactions
from local.measure.kit.report import Section, judged
from local.openai import SmallOpenAI
from local.template import read_template
from shared.aws.s3_events import Change
from shared.jobs.edges import Edges
from shared.objects import Source
from shared.settings import Settings

START = datetime(2026, 11, 1, tzinfo=UTC)
INBOX, DATA = "inbox", "data"
KEPT = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")
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
    with _moto() as session:
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
    edges: Edges, small: SmallOpenAI, clock: Clock, number: int
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


@contextmanager
def _moto() -> Iterator[boto3.Session]:
    with mock_aws(), quick_transactions():
        session = boto3.Session("test", "test", region_name="us-east-1")
        template: Any = read_template()
        table = template["Resources"]["Ledger"]["Properties"]
        session.client("dynamodb").create_table(
            TableName="ledger", **{name: table[name] for name in KEPT}
        )
        s3 = session.client("s3")
        for bucket in (INBOX, DATA):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        session.client("events").create_event_bus(Name="bus")
        session.client("ssm").put_parameter(Name="/key", Value="sk-bench", Type="SecureString")
        yield session


def _edges(session: boto3.Session, small: SmallOpenAI, clock: Clock) -> Edges:
    settings = Settings(
        ledger_table="ledger",
        inbox_bucket=INBOX,
        data_bucket=DATA,
        bus_name="bus",
        topic_arn=session.client("sns").create_topic(Name="told")["TopicArn"],
        openai_key_secret="/key",
    )
    http = httpx.Client(transport=small.transport(), base_url="http://small.test/v1")
    return Edges(settings, clock, session, http, pause=clock.pause)
