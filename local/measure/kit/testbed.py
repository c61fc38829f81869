"""What the functions are measured against: a local AWS and the small OpenAI, as processes."""

import os
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx

from local.measure.kit.processes import start_helper
from local.measure.kit.tables import create_table
from local.world.servers import start_aws, start_openai
from shared.jobs.edges import JobEdges
from shared.jobs.part import Part, PartState
from shared.objects import Source
from shared.settings import Settings

INBOX, DATA = "bench-inbox", "bench-data"
KEY_NAME = "/batchdrop/openai-api-key"
TIMEOUT = 600.0  # seconds; the small OpenAI writes a batch's output when somebody looks
QUICKLY = ("--speed", "100000")


@dataclass(frozen=True)
class Network:
    """How fast S3 and OpenAI are reached, in MB/s each way; 0 is unlimited."""

    name: str
    s3: float = 0
    openai: float = 0


LOOPBACK = Network("this machine's loopback")
# A Lambda function was measured to move 400 to 700 Mbit/s; one connection across the internet
# moves less; how much less is not known.
INTERNET = Network("S3 75 MB/s, OpenAI 20 MB/s", 75, 20)


@dataclass(frozen=True)
class Testbed:
    """Made once for a measurement; `edges` are what a function gets."""

    settings: Settings
    session: boto3.Session
    network: Network

    def edges(self, **settings: object) -> JobEdges:
        settings_ = self.settings.model_copy(update=settings)
        return JobEdges(settings_, lambda: datetime.now(UTC), self.session)

    def client(self, service: Any) -> Any:
        return self.session.client(service)

    def openai(self) -> httpx.Client:
        """A client that waits longer than a function's."""
        headers = {"Authorization": "Bearer sk-bench"}
        return httpx.Client(
            base_url=self.settings.openai_base_url, headers=headers, timeout=TIMEOUT
        )

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the ledger; there are few."""
        return list(self.session.resource("dynamodb").Table("ledger").scan()["Items"])

    def restore(self, rows: list[dict[str, Any]]) -> None:
        table = self.session.resource("dynamodb").Table("ledger")
        for row in rows:
            table.put_item(Item=row)

    def source(self, path: Path) -> Source:
        """The event of a file that is in S3's folder already."""
        return Source(bucket=INBOX, key=f"inbox/{path.name}", etag="1", size=path.stat().st_size)

    def wait_for_batches(self, parts: Iterable[Part]) -> None:
        """Returns when the batch of each part has completed."""
        with self.openai() as http:
            for part in parts:
                if part.state is not PartState.SUBMITTED:
                    raise AssertionError((part.name, part.state, part.reason))
                while (found := http.get(f"/batches/{part.batch_id}").json())[
                    "status"
                ] != "completed":
                    if found["status"] == "failed":
                        raise AssertionError((part.name, found["errors"]))
                    time.sleep(0.1)

    def put(self, path: Path, **options: str) -> Source:
        """Drops a file; the event that intake gets for it."""
        metadata = {name.replace("_", "-"): value for name, value in options.items()}
        s3 = self.client("s3")
        key = f"inbox/{path.name}"
        s3.upload_file(str(path), INBOX, key, ExtraArgs={"Metadata": metadata})
        head = s3.head_object(Bucket=INBOX, Key=key)
        version, etag = head.get("VersionId"), head["ETag"].strip('"')
        return Source(bucket=INBOX, key=key, version=version, etag=etag, size=head["ContentLength"])


def make_testbed(
    home: Path, openai: Sequence[str] = (), s3: str = "", network: Network = LOOPBACK
) -> Testbed:
    """s3: the address of another S3."""
    aws = start_aws(home, 0, real=False)
    base_url = start_openai(home, [*QUICKLY, *openai])
    if network.s3:
        s3 = _slow_down(home, "relay-s3", s3 or aws, network.s3)
        base_url = _slow_down(home, "relay-openai", base_url, network.openai) + "/v1"
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws,
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    os.environ.pop("AWS_PROFILE", None)
    os.environ.update(environment | {"AWS_ENDPOINT_URL_S3": s3 or aws})
    session = boto3.Session()
    return Testbed(_make_resources(session, base_url), session, network)


def _slow_down(home: Path, name: str, url: str, speed: float) -> str:
    port = re.search(r":(\d+)", url.removeprefix("http:"))
    return start_helper(
        home, name, "local.measure.kit.relay", [port[1] if port else "", f"{speed}"]
    )


def _make_resources(session: boto3.Session, base_url: str) -> Settings:
    s3, sqs = session.client("s3"), session.client("sqs")
    for bucket in (INBOX, DATA):
        s3.create_bucket(Bucket=bucket)
    queues = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("in", "submit", "land")]
    create_table(session, "Ledger", "ledger")
    session.client("events").create_event_bus(Name="bus")
    session.client("ssm").put_parameter(Name=KEY_NAME, Value="sk-bench", Type="SecureString")
    return Settings(
        ledger_table="ledger",
        inbox_bucket=INBOX,
        data_bucket=DATA,
        intake_queue_url=queues[0],
        submit_queue_url=queues[1],
        land_queue_url=queues[2],
        bus_name="bus",
        topic_arn=session.client("sns").create_topic(Name="published")["TopicArn"],
        openai_base_url=base_url,
        openai_key_secret=KEY_NAME,
    )
