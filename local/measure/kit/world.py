"""Where the functions are measured: a local AWS and the small OpenAI, each a process of its own."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx

from local.measure.kit.processes import started
from local.template import read_template
from local.world.servers import start_aws, start_openai
from shared.jobs.edges import Edges
from shared.objects import Source
from shared.settings import Settings

INBOX, DATA = "bench-inbox", "bench-data"
KEY_NAME = "/batchdrop/openai-api-key"
PATIENCE = 600.0  # seconds; the small OpenAI writes a batch's output when somebody looks
QUICKLY = ("--speed", "100000")


@dataclass(frozen=True)
class Wires:
    """How fast the ways to S3 and to OpenAI are, in MB/s each way; 0: as fast as they go."""

    name: str
    s3: float = 0
    openai: float = 0


LOOPBACK = Wires("this machine's loopback")
# A Lambda function was measured to move 400 to 700 Mbit/s; one connection across the internet
# moves less, how much less is anybody's guess.
WIRES = Wires("S3 75 MB/s, OpenAI 20 MB/s", 75, 20)


@dataclass(frozen=True)
class World:
    """Made once a bench; `edges` are those of a function, its code as it is."""

    settings: Settings
    session: boto3.Session
    wires: Wires

    def edges(self, **settings: object) -> Edges:
        settings_ = self.settings.model_copy(update=settings)
        return Edges(settings_, lambda: datetime.now(UTC), self.session)

    def client(self, service: Any) -> Any:
        return self.session.client(service)

    def openai(self) -> httpx.Client:
        """A client of the bench's own, more patient than a function's."""
        headers = {"Authorization": "Bearer sk-bench"}
        return httpx.Client(
            base_url=self.settings.openai_base_url, headers=headers, timeout=PATIENCE
        )

    def rows(self) -> list[dict[str, Any]]:
        """The ledger, whole; there are few rows."""
        return list(self.session.resource("dynamodb").Table("ledger").scan()["Items"])

    def restore(self, rows: list[dict[str, Any]]) -> None:
        table = self.session.resource("dynamodb").Table("ledger")
        for row in rows:
            table.put_item(Item=row)

    def known(self, path: Path) -> Source:
        """What intake is told of a file that lies in S3's folder already."""
        return Source(bucket=INBOX, key=f"inbox/{path.name}", etag="1", size=path.stat().st_size)

    def put(self, path: Path, **options: str) -> Source:
        """Drops a file; what intake is told of it."""
        metadata = {name.replace("_", "-"): value for name, value in options.items()}
        s3 = self.client("s3")
        key = f"inbox/{path.name}"
        s3.upload_file(str(path), INBOX, key, ExtraArgs={"Metadata": metadata})
        head = s3.head_object(Bucket=INBOX, Key=key)
        version, etag = head.get("VersionId"), head["ETag"].strip('"')
        return Source(bucket=INBOX, key=key, version=version, etag=etag, size=head["ContentLength"])


def make_world(
    home: Path, openai: Sequence[str] = (), s3: str = "", wires: Wires = LOOPBACK
) -> World:
    """s3: another address for S3 alone."""
    aws = start_aws(home, 0, real=False)
    base_url = start_openai(home, [*QUICKLY, *openai])
    if wires.s3:
        s3 = _wire(home, "wire-s3", s3 or aws, wires.s3)
        base_url = _wire(home, "wire-openai", base_url, wires.openai) + "/v1"
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
    return World(_made(session, base_url), session, wires)


def _wire(home: Path, name: str, url: str, speed: float) -> str:
    port = re.search(r":(\d+)", url.removeprefix("http:"))
    return started(home, name, "local.measure.kit.relay", [port[1] if port else "", f"{speed}"])


def _made(session: boto3.Session, base_url: str) -> Settings:
    s3, sqs = session.client("s3"), session.client("sqs")
    for bucket in (INBOX, DATA):
        s3.create_bucket(Bucket=bucket)
    queues = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("in", "submit", "land")]
    _make_table(session)
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
        topic_arn=session.client("sns").create_topic(Name="told")["TopicArn"],
        openai_base_url=base_url,
        openai_key_secret=KEY_NAME,
    )


def _make_table(session: boto3.Session) -> None:
    template: Any = read_template()
    table = template["Resources"]["Ledger"]["Properties"]
    names = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")
    wanted = {name: table[name] for name in names}
    session.client("dynamodb").create_table(TableName="ledger", **wanted)
