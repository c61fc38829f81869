"""The whole world in one process: moto's AWS, the small OpenAI, a clock that a test moves.

The flows run as Lambda would run them: a message that a function did not finish comes back.
Nothing of ours is replaced; what stands in is AWS, OpenAI and time.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import httpx

from functions.intake.flow import take_in
from functions.land.flow import land
from functions.library.flow import keep_in_sync
from functions.poll.flow import poll
from functions.submit.flow import submit
from local.openai import SmallOpenAI, SmallSettings
from local.paths import ROOT
from local.template import read_template
from shared.aws.s3_events import dropped
from shared.errors import Conflict, TryLater
from shared.jobs.edges import Edges
from shared.jobs.model import Job, Part, job_id
from shared.objects import PartRef, Source
from shared.settings import Settings
from tests.support.batch_files import chats
from tests.support.sessions import Session

START = datetime(2026, 11, 1, tzinfo=UTC)
INBOX, DATA = "test-inbox", "test-data"
KEY_NAME = "/batchdrop/openai-api-key"
QUEUES = ("intake", "submit", "land", "library", "told")
ROUNDS = 400  # a world that is not quiet after so many ticks never gets quiet


@cache
def aws() -> Session:
    """One for all tests."""
    return Session()


@cache
def template() -> Any:
    return read_template()


@dataclass
class Clock:
    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        return self.moment.timestamp()

    def pass_(self, **time: float) -> None:
        self.moment += timedelta(**time)

    def pause(self, seconds: float) -> None:
        self.pass_(seconds=seconds)


@dataclass
class World:
    """Make it inside moto's mock_aws."""

    openai_settings: SmallSettings = field(default_factory=SmallSettings)
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    session: boto3.Session = field(default_factory=aws)
    events: Path = ROOT / "events"

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.small = SmallOpenAI(
            clock=self.clock.seconds, settings=self.openai_settings, seed=self.seed
        )
        self.s3 = self.session.client("s3")
        self.sqs = self.session.client("sqs")
        self._make_buckets()
        self._make_table()
        queues = {
            name: self._queue(name) for name in ("intake", "submit", "land", "library", "told")
        }
        self.queues = queues
        topic, bus = self._make_ways_out()
        self.session.client("ssm").put_parameter(
            Name=KEY_NAME, Value="sk-test-123456", Type="SecureString"
        )
        self.config = Settings(
            ledger_table="ledger",
            inbox_bucket=INBOX,
            data_bucket=DATA,
            intake_queue_url=queues["intake"],
            submit_queue_url=queues["submit"],
            land_queue_url=queues["land"],
            library_queue_url=queues["library"],
            bus_name=bus,
            topic_arn=topic,
            openai_key_secret=KEY_NAME,
            **self.settings,
        )
        self.edges = self.connect()
        self._in_flight: list[tuple[str, str]] = []

    def connect(self, session: boto3.Session | None = None, **openai: Any) -> Edges:
        """Edges of a fresh process."""
        http = httpx.Client(
            transport=openai.get("transport") or self.small.transport(),
            base_url="http://small.test/v1",
        )
        return Edges(self.config, self.clock, session or self.session, http, pause=self.clock.pause)

    def drop(self, name: str, content: bytes, **options: str) -> str:
        """Puts a file into the inbox and rings; the job's id."""
        key = f"inbox/{name}"
        metadata = {each.replace("_", "-"): value for each, value in options.items()}
        put = self.s3.put_object(Bucket=INBOX, Key=key, Body=content, Metadata=metadata)
        self.ring(key, put["VersionId"], len(content))
        return job_id(INBOX, key, put["VersionId"])

    def ring(self, key: str, version: str, size: int = 0) -> None:
        event = json.loads((self.events / "s3_object_created.json").read_text())
        thing = event["Records"][0]["s3"]
        thing["bucket"]["name"] = INBOX
        thing["object"] |= {"key": quote_plus(key), "versionId": version, "size": size}
        self.sqs.send_message(QueueUrl=self.queues["intake"], MessageBody=json.dumps(event))

    def at(self, function: str) -> Edges:
        """What a function touches the world by: here the same for all of them."""
        return self.edges

    def work(self, edges: Edges | None = None) -> None:
        """Delivers what lies in the queues until they are empty."""
        functions: dict[str, Callable[[str], object]] = {
            "intake": lambda body: [
                take_in(edges or self.at("intake"), each) for each in dropped(body)
            ],
            "submit": lambda body: submit(
                edges or self.at("submit"), PartRef.model_validate_json(body)
            ),
            "land": lambda body: land(edges or self.at("land"), PartRef.model_validate_json(body)),
            "library": lambda body: keep_in_sync(edges or self.at("library"), json.loads(body)),
        }
        for _ in range(ROUNDS):
            delivered = [self._deliver(name, function) for name, function in functions.items()]
            if not any(delivered):
                return
        raise AssertionError("the queues never got empty")

    def work_only(self, name: str) -> None:
        """Delivers what lies in one queue, once."""
        functions = {"intake": lambda body: [take_in(self.edges, each) for each in dropped(body)]}
        self._deliver(name, functions[name])

    def open_only(self, key: str, version: str) -> None:
        """An intake that died right after it wrote the job down."""
        source = Source(bucket=INBOX, key=key, version=version)
        due = self.clock() + 4 * self.config.lease
        job = Job(id=job_id(INBOX, key, version), source=source, due=due)
        self.edges.ledger.open_job(job)

    @contextmanager
    def upload(self, filename: str) -> Iterator[str]:
        """A file at OpenAI."""
        yield self.edges.openai.upload(filename, BytesIO(chats(1))).id

    def tick(self, seconds: float = 60) -> None:
        self.clock.pass_(seconds=seconds)
        poll(self.at("poll"))
        self.work()

    def until_over(self, *jobs: str) -> None:
        self.work()
        for round_ in range(ROUNDS):
            if all(self.job(each).over for each in jobs):
                return
            self.tick(60 if round_ < 30 else 900)
        raise AssertionError([self.edges.ledger.parts(each) for each in jobs])

    def run(self, name: str, content: bytes, **options: str) -> Job:
        """A file from its drop to its end."""
        job = self.drop(name, content, **options)
        self.until_over(job)
        return self.job(job)

    def job(self, job: str) -> Job:
        found = self.edges.ledger.job(job)
        assert found is not None
        return found

    def all_jobs(self, name: str) -> list[str]:
        """The ids of the jobs that the versions of a file are."""
        key = f"inbox/{name}"
        versions = self.s3.list_object_versions(Bucket=INBOX, Prefix=key)["Versions"]
        return [job_id(INBOX, key, each["VersionId"]) for each in versions]

    def parts(self, job: str) -> list[Part]:
        return self.edges.ledger.parts(job)

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=DATA, Key=key)["Body"].read()

    def keys(self, prefix: str = "") -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=DATA, Prefix=prefix)
        return [each["Key"] for each in listed.get("Contents", [])]

    def results(self, job: Job) -> list[dict[str, Any]]:
        """Of a refused file there are none."""
        keys = self.keys(f"{job.results_prefix}results.jsonl")
        return [json.loads(line) for key in keys for line in self.read(key).splitlines()]

    def report(self, job: Job) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.read(f"{job.results_prefix}report.json"))
        return found

    def told(self) -> list[dict[str, Any]]:
        """What the topic sent since the last time, oldest first."""
        messages = []
        while batch := self._receive("told"):
            messages += [json.loads(each["Body"]) for each in batch]
        return messages

    def redeliver(self) -> None:
        """What a dead process had received comes back."""
        for name, body in self._in_flight:
            self.sqs.send_message(QueueUrl=self.queues[name], MessageBody=body)
        self._in_flight.clear()

    def _deliver(self, name: str, function: Callable[[str], object]) -> bool:
        messages = self._receive(name)
        self._in_flight = [(name, message["Body"]) for message in messages]
        for message in messages:
            try:
                function(message["Body"])
            except (Conflict, TryLater):
                self.sqs.send_message(QueueUrl=self.queues[name], MessageBody=message["Body"])
                self.clock.pass_(seconds=30)
            self._in_flight.remove((name, message["Body"]))
        return bool(messages)

    def _receive(self, name: str) -> list[Any]:
        url = self.queues[name]
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return list(found)

    def _make_buckets(self) -> None:
        for name in (INBOX, DATA):
            self.s3.create_bucket(Bucket=name)
            self.s3.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )

    def _make_table(self) -> None:
        table = template()["Resources"]["Ledger"]["Properties"]
        self.session.client("dynamodb").create_table(
            TableName="ledger",
            **{
                name: table[name]
                for name in (
                    "AttributeDefinitions",
                    "BillingMode",
                    "GlobalSecondaryIndexes",
                    "KeySchema",
                )
            },
        )

    def _queue(self, name: str) -> str:
        return self.sqs.create_queue(QueueName=name)["QueueUrl"]

    def _make_ways_out(self) -> tuple[str, str]:
        sns = self.session.client("sns")
        topic = sns.create_topic(Name="told")["TopicArn"]
        arn = self.sqs.get_queue_attributes(
            QueueUrl=self.queues["told"], AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self.session.client("events").create_event_bus(Name="bus")
        return topic, "bus"
