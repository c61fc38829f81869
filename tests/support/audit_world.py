"""The audit function's world: moto's AWS, the small OpenAI, a clock that a test moves."""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import boto3
import httpx
from boto3.dynamodb.types import TypeDeserializer
from moto import mock_aws

from functions.audit.backfill import BackfillRequest, open_backfills
from functions.audit.flow import tick
from local.measure.kit.moto_speed import quick_transactions
from local.openai import SmallOpenAI, SmallSettings
from shared.audit.cursor import Cursor
from shared.audit.edges import AuditEdges, AuditSettings
from tests.support.aws import aws, drain, make_queue, make_table, make_topic, subscribe, template
from tests.support.clock import START, Clock
from tests.support.names import AUDIT

ADMIN_KEY_NAME = "/batchdrop/openai-admin-key"
ADMIN_KEY = "sk-admin-Zq8vKx3tWmPd"
NOW = int(START.timestamp())
TIME_LEFT = timedelta(seconds=40)  # of a tick, by its own clock, which stands still

Event = dict[str, Any]


@contextmanager
def audit_aws() -> Iterator[None]:
    """An AWS of moto's to make worlds in."""
    with mock_aws(), quick_transactions():
        yield


@dataclass
class AuditWorld:
    """Make it inside audit_aws."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    session: boto3.Session = field(default_factory=aws)
    small_settings: SmallSettings = field(default_factory=SmallSettings)
    lock_days: int = 0

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.small = SmallOpenAI(clock=self.clock.seconds, settings=self.small_settings)
        self.s3 = self.session.client("s3")
        self.sqs = self.session.client("sqs")
        self._make_bucket()
        for name in ("AuditEvents", "AuditState"):
            make_table(self.session, name, name)
        self.published_url = make_queue(self.session, "published")
        topic = make_topic(self.session, "alerts", self.published_url)
        self.session.client("events").create_event_bus(Name="bus")
        self.bus_url = self.subscribe({"source": ["batchdrop"]})
        self.session.client("ssm").put_parameter(
            Name=ADMIN_KEY_NAME, Value=ADMIN_KEY, Type="SecureString"
        )
        asked = {"audit_first_days": 2, "audit_tenant": False} | dict(self.settings)
        self.function_settings = AuditSettings(
            audit_events_table="AuditEvents",
            audit_state_table="AuditState",
            audit_bucket=AUDIT,
            bus_name="bus",
            topic_arn=topic,
            openai_admin_key_secret=ADMIN_KEY_NAME,
            **asked,
        )
        self.edges = self.connect()

    def connect(
        self, session: boto3.Session | None = None, transport: httpx.BaseTransport | None = None
    ) -> AuditEdges:
        """Edges of a fresh process."""
        http = httpx.Client(
            transport=transport or self.small.transport(), base_url="http://small.test/v1"
        )
        return AuditEdges(
            self.function_settings,
            self.clock,
            session or self.session,
            http,
            pause=self.clock.advance,
        )

    def _make_bucket(self) -> None:
        """As the template makes it: versioned, and locked if that is wanted."""
        self.s3.create_bucket(Bucket=AUDIT, ObjectLockEnabledForBucket=bool(self.lock_days))
        wanted = template()["Resources"]["AuditBucket"]["Properties"]
        self.s3.put_bucket_versioning(
            Bucket=AUDIT, VersioningConfiguration=wanted["VersioningConfiguration"]
        )
        if self.lock_days:
            lock = deepcopy(wanted["ObjectLockConfiguration"]["Fn::If"][1])
            lock["Rule"]["DefaultRetention"]["Days"] = self.lock_days
            self.s3.put_object_lock_configuration(Bucket=AUDIT, ObjectLockConfiguration=lock)

    def add(self, events: Iterable[Event], late: float = 0) -> None:
        """Events that show now, or so many seconds after they happened."""
        for event in events:
            self.small.add_audit_event(event, event["effective_at"] + late if late else None)

    def tick(self, seconds: float = 60, edges: AuditEdges | None = None) -> dict[str, int]:
        self.clock.advance(seconds=seconds)
        return tick(edges or self.edges, self.clock() + TIME_LEFT)

    def backfill(self, low: str, high: str, alerts: str) -> None:
        wish = {"backfill": {"from": low, "to": high}, "alerts": alerts}
        open_backfills(self.edges, BackfillRequest.model_validate(wish))

    def cursor(self, stream: str = "organization") -> Cursor:
        return self.edges.tables.cursors()[stream]

    def keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=AUDIT, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=AUDIT, Key=key)["Body"].read()

    def lines(self, prefix: str = "events/") -> list[Event]:
        """Every line that lies in S3 under this prefix."""
        return [
            json.loads(line)
            for key in self.keys(prefix)
            for line in gzip.decompress(self.read(key)).splitlines()
        ]

    def rows(self) -> list[Event]:
        return self._scanned("AuditEvents")

    def row_ids(self) -> list[str]:
        """Of all rows, sorted. Where there are thousands, moto takes long to write them out."""
        return sorted(row["id"] for row in self._scanned("AuditEvents", ProjectionExpression="id"))

    def alerts(self, folder: str = "alerts") -> list[Event]:
        """The alerts in S3, in order of time."""
        lines = [line for key in self.keys(f"{folder}/") for line in self.read(key).splitlines()]
        found = [json.loads(line) for line in lines]
        return sorted(found, key=lambda alert: (alert["time"], alert["dedup"]))

    def stored_alerts(self) -> list[Event]:
        found = self._scanned("AuditState")
        days = [row for row in found if row["pk"].startswith("ALERT#")]
        alerts = [
            json.loads(each)
            for row in days
            for name, each in row.items()
            if name not in {"pk", "sk", "expires_at"}
        ]
        return sorted(alerts, key=lambda alert: (alert["time"], alert["dedup"]))

    def _scanned(self, name: str, **only: Any) -> list[Event]:
        scan = self.session.client("dynamodb").get_paginator("scan")
        pages = scan.paginate(TableName=name, **only)
        plain = TypeDeserializer().deserialize
        return [
            {name: plain(value) for name, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]

    def published(self) -> list[Event]:
        """What people were sent since the last time: subject and message."""
        return [json.loads(body) for body in self.messages(self.published_url)]

    def bus_events(self) -> list[Event]:
        return [json.loads(body) for body in self.messages(self.bus_url)]

    def messages(self, url: str) -> list[str]:
        return drain(self.session, url)

    def subscribe(self, pattern: Event) -> str:
        """A queue for what matches on the bus."""
        return subscribe(self.session, "bus", pattern)
