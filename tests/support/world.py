"""The whole world in one process: moto's AWS, the small OpenAI, a clock that a test moves.

The flows run as Lambda would run them: a message that a function did not finish comes back.
Nothing of ours is replaced; what stands in is AWS, OpenAI and time.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import boto3
import httpx

from functions.poll.flow import poll
from functions.webhook.edges import WebhookEdges
from functions.webhook.flow import Receiver, Webhook
from functions.webhook.handler import STATUS
from local.openai import SmallOpenAI, SmallSettings
from shared.errors import Conflict, TryLater
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job, job_id
from shared.jobs.part import Part
from shared.objects import Source
from shared.settings import Settings
from tests.support.aws import aws, drain, make_queue, make_table, make_topic, receive
from tests.support.batch_files import chats
from tests.support.clock import Clock
from tests.support.dispatch import FUNCTIONS
from tests.support.names import DATA, INBOX, KEY, KEY_NAME
from tests.support.s3_messages import object_created
from tests.support.webhooks import signed

SECRET_NAME = "/batchdrop/webhook-secret"
HOOK = "http://hook.test/"
HOOKED = ["batch.completed", "batch.failed", "batch.expired", "batch.cancelled"]
PUBLISHED = "published"  # the queue that the topic fills
ROUNDS = 400  # a world that is not quiet after so many ticks never gets quiet


@dataclass
class World:
    """Make it inside moto's mock_aws."""

    openai_settings: SmallSettings = field(default_factory=SmallSettings)
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    session: boto3.Session = field(default_factory=aws)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.small = SmallOpenAI(
            clock=self.clock.seconds,
            settings=self.openai_settings,
            seed=self.seed,
            post=self._receive,
        )
        self.s3 = self.session.client("s3")
        self.sqs = self.session.client("sqs")
        self._make_buckets()
        make_table(self.session, "ledger", "Ledger")
        self.queues = {name: make_queue(self.session, name) for name in (*FUNCTIONS, PUBLISHED)}
        topic = make_topic(self.session, "notifications", self.queues[PUBLISHED])
        self.session.client("events").create_event_bus(Name="bus")
        self.session.client("ssm").put_parameter(Name=KEY_NAME, Value=KEY, Type="SecureString")
        self.config = Settings(
            ledger_table="ledger",
            inbox_bucket=INBOX,
            data_bucket=DATA,
            intake_queue_url=self.queues["intake"],
            submit_queue_url=self.queues["submit"],
            land_queue_url=self.queues["land"],
            library_queue_url=self.queues["library"],
            bus_name="bus",
            topic_arn=topic,
            openai_key_secret=KEY_NAME,
            webhook_secret=SECRET_NAME,
            **self.settings,
        )
        self.edges = self.connect()
        self._in_flight: list[tuple[str, str]] = []
        self.webhooks: list[str] = []  # what became of each that came

    def turn_webhooks_on(self, session: boto3.Session | None = None) -> None:
        """As `batchdrop webhook on` does it. session: the function's own."""
        made = self.ask_openai(
            "POST", "/webhook_endpoints", name="batchdrop", url=HOOK, event_types=HOOKED
        )
        self.store_secret(made["signing_secret"])
        self.webhook_edges = WebhookEdges(self.config, self.clock, session or self.session)
        self._receiver = Receiver(self.webhook_edges)

    def store_secret(self, secret: str) -> None:
        self.session.client("ssm").put_parameter(
            Name=SECRET_NAME, Value=secret, Type="SecureString", Overwrite=True
        )

    def ask_openai(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.edges.openai.call(method, path, json=body)
        return found

    def sign(self, body: bytes, id_: str = "wh_1") -> dict[str, str]:
        """The headers of a webhook that is OpenAI's."""
        ssm = self.session.client("ssm")
        stored = ssm.get_parameter(Name=SECRET_NAME, WithDecryption=True)["Parameter"]["Value"]
        return signed(body, self.clock(), stored, id_=id_)

    def receive(self, headers: Mapping[str, str], body: bytes) -> int:
        """A webhook that somebody sends."""
        return self._receive(HOOK, headers, body)

    def queued(self, name: str) -> list[str]:
        """What lies in a function's queue; it is taken out."""
        return drain(self.session, self.queues[name])

    def delayed(self, name: str) -> int:
        """How many messages of a function's queue are not given out yet."""
        found = self.sqs.get_queue_attributes(
            QueueUrl=self.queues[name], AttributeNames=["ApproximateNumberOfMessagesDelayed"]
        )
        return int(found["Attributes"]["ApproximateNumberOfMessagesDelayed"])

    def _receive(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """What the Function URL answers."""
        try:
            outcome = self._receiver.receive(Webhook(headers, body))
        except Exception:  # noqa: BLE001  # Lambda answers 502 for whatever it is
            return 502
        self.webhooks.append(outcome)
        return STATUS.get(outcome, 200)

    def connect(self, session: boto3.Session | None = None, **openai: Any) -> JobEdges:
        """Edges of a fresh process."""
        http = httpx.Client(
            transport=openai.get("transport") or self.small.transport(),
            base_url="http://small.test/v1",
        )
        return JobEdges(
            self.config, self.clock, session or self.session, http, pause=self.clock.advance
        )

    def drop(self, name: str, content: bytes, **options: str) -> str:
        """Puts a file into the inbox; the id of its job."""
        key = f"inbox/{name}"
        metadata = {each.replace("_", "-"): value for each, value in options.items()}
        put = self.s3.put_object(Bucket=INBOX, Key=key, Body=content, Metadata=metadata)
        self.notify(key, put["VersionId"], len(content))
        return job_id(INBOX, key, put["VersionId"])

    def notify(self, key: str, version: str, size: int = 0) -> None:
        """S3 says that a file was dropped."""
        body = object_created(key, version, size)
        self.sqs.send_message(QueueUrl=self.queues["intake"], MessageBody=body)

    def edges_of(self, function: str) -> JobEdges:
        """How a function reaches the world: here the same for all of them."""
        return self.edges

    def run_functions(self, edges: JobEdges | None = None) -> None:
        """Delivers what lies in the queues until they are empty."""
        for _ in range(ROUNDS):
            delivered = [self.run_function(name, edges) for name in FUNCTIONS]
            if not any(delivered):
                return
        raise AssertionError(f"the queues are not empty after {ROUNDS} rounds")

    def run_function(self, name: str, edges: JobEdges | None = None) -> bool:
        """Delivers up to ten messages of one queue, once; whether there were any."""
        messages = receive(self.session, self.queues[name])
        self._in_flight = [(name, message["Body"]) for message in messages]
        for message in messages:
            try:
                FUNCTIONS[name](edges or self.edges_of(name), message["Body"])
            except (Conflict, TryLater):
                self.sqs.send_message(QueueUrl=self.queues[name], MessageBody=message["Body"])
                self.clock.advance(seconds=30)
            self._in_flight.remove((name, message["Body"]))
        return bool(messages)

    def open_only(self, key: str, version: str) -> None:
        """An intake that died right after it wrote the job down."""
        source = Source(bucket=INBOX, key=key, version=version)
        due = self.clock() + 4 * self.config.lease
        job = Job(id=job_id(INBOX, key, version), source=source, due=due)
        self.edges.ledger.open_job(job)

    def upload(self, filename: str) -> str:
        """The id of a file at OpenAI that belongs to nobody."""
        return self.edges.openai.upload(filename, BytesIO(chats(1))).id

    def tick(self, seconds: float = 60) -> None:
        self.clock.advance(seconds=seconds)
        self.small.deliver_webhooks()
        poll(self.edges_of("poll"))
        self.run_functions()

    def run_until_over(self, *jobs: str) -> None:
        self.run_functions()
        for round_ in range(ROUNDS):
            if all(self.job(each).over for each in jobs):
                return
            self.tick(60 if round_ < 30 else 900)
        parts = [self.edges.ledger.parts(each) for each in jobs]
        raise AssertionError(f"not over after {ROUNDS} ticks: {parts}")

    def run_job(self, name: str, content: bytes, **options: str) -> Job:
        """A file from its drop to its end."""
        job = self.drop(name, content, **options)
        self.run_until_over(job)
        return self.job(job)

    def job(self, job: str) -> Job:
        found = self.edges.ledger.job(job)
        assert found is not None, f"the ledger knows no job {job}"
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

    def published(self) -> list[dict[str, Any]]:
        """What the topic sent since the last time, oldest first."""
        return [json.loads(body) for body in drain(self.session, self.queues[PUBLISHED])]

    def subjects(self) -> list[str]:
        """Of what was published, without what each is about."""
        return [each["Subject"].split(":")[0] for each in self.published()]

    def redeliver(self) -> None:
        """What a dead process had received comes back."""
        for name, body in self._in_flight:
            self.sqs.send_message(QueueUrl=self.queues[name], MessageBody=body)
        self._in_flight.clear()

    def _make_buckets(self) -> None:
        for name in (INBOX, DATA):
            self.s3.create_bucket(Bucket=name)
            self.s3.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )
