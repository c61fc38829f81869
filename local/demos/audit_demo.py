"""`make run-audit`: the audit function deployed on this machine, and a theft that it rings for."""

import json
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
from rich.console import Console
from rich.text import Text

from local.demos.audit_scenario import Event, Scene, attack, quiet_days
from local.world.stack import Wishes, World, make_world
from local.world.workspace import keep_logs, passing_home

ADMIN_KEY_PARAMETER = "/batchdrop/openai-admin-key"
MADE_UP_KEY = "sk-admin-made-up-for-the-small-openai"
PATIENCE = 60.0  # seconds for events to land
LOUD = {"CRITICAL": "bold red", "HIGH": "red", "MEDIUM": "yellow"}
WANTED = frozenset({"A4", "A5", "A6", "D2", "D5", "K1", "S2", "S4"})  # what the tale has to ring


def main(letters: bool) -> int:
    console = Console(highlight=False, soft_wrap=True)
    parameters = {"OpenAIAdminKeyParameter": ADMIN_KEY_PARAMETER, "AuditFirstDays": "30"}
    missing = set(WANTED)
    with passing_home() as home:
        try:
            wishes = Wishes(openai=(), parameters=parameters)
            world = make_world(home, wishes, lambda text: console.print(text, markup=False))
            missing = Story(world, console, letters).play()
        finally:
            if missing:
                print(f"the logs are in {keep_logs(home)}", file=sys.stderr)
    return 1 if missing else 0


class Story:
    """Feeds the small OpenAI's audit log, has the function read it, and shows what it sends."""

    def __init__(self, world: World, console: Console, letters: bool) -> None:
        self._world = world
        self._console = console
        self._letters = letters
        self._fed: list[str] = []
        self._rung: set[str] = set()
        world.client("ssm").put_parameter(
            Name=ADMIN_KEY_PARAMETER, Value=MADE_UP_KEY, Type="SecureString", Overwrite=True
        )
        self._mailbox = self._subscribed()

    def play(self) -> set[str]:
        """What should have rung and did not."""
        now = int(time.time())
        self._show(Scene(f"{len(quiet_days(now))} events of twenty quiet days", quiet_days(now)))
        for scene in attack(now):
            self._show(scene)
        self._sum_up()
        return set(WANTED - self._rung)

    def _show(self, scene: Scene) -> None:
        self._console.print(Text(f"\n{scene.told}", style="bold"))
        self._feed(scene.events)
        self._read_until_landed()
        letters = list(self._received())
        for letter in letters:
            self._tell(letter["Subject"], letter["Message"])
        if not letters:
            self._console.print(Text("  nothing rings", style="dim"))

    def _feed(self, events: list[Event]) -> None:
        named = [
            event | {"id": f"audit_log-{len(self._fed) + n:04d}"} for n, event in enumerate(events)
        ]
        lines = "\n".join(json.dumps(event) for event in named)
        root = self._world.openai.removesuffix("/v1")
        httpx.post(f"{root}/_small/audit_events", content=lines, trust_env=False).raise_for_status()
        self._fed += [event["id"] for event in named]

    def _read_until_landed(self) -> None:
        """The clock ticks by itself once a minute; a spectator does not want to wait for it."""
        until = time.monotonic() + PATIENCE
        name = self._world.outputs["AuditFunctionName"]
        while not self._has_landed(self._fed[-1]):
            if time.monotonic() > until:
                raise SystemExit("the events did not land within a minute")
            self._world.client("lambda").invoke(FunctionName=name, Payload=b"{}")
            time.sleep(0.5)

    def _has_landed(self, event: str) -> bool:
        table = self._world.outputs["AuditEventsTableName"]
        asked = {"TableName": table, "Key": {"id": {"S": event}}}
        return "Item" in self._world.client("dynamodb").get_item(**asked)

    def _tell(self, subject: str, letter: str) -> None:
        told = re.match(r"Alert Raised: \w+ (\w\d) ", subject)
        if told is None:
            return
        detection = told[1]
        severity, _, title = letter.splitlines()[0].partition(": ")
        self._rung.add(detection)
        self._console.print(Text(f"  {severity:<8} {detection}  {title}", style=LOUD[severity]))
        lines = letter.splitlines() if self._letters else _facts(letter)
        for line in lines:
            self._console.print(
                Text(f"               {line}", style="" if self._letters else "dim")
            )

    def _sum_up(self) -> None:
        bucket = self._world.outputs["DataBucketName"]
        s3 = self._world.client("s3")
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="audit/alerts/").get("Contents", [])
        alerts = [
            json.loads(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read())
            for each in listed
        ]
        quiet = sorted(
            {f"{a['detection']} {a['title']}" for a in alerts if a["severity"] == "signal"}
        )
        self._console.print(Text("\nStored and not sent", style="bold"))
        for title in quiet:
            self._console.print(Text(f"  signal   {title}", style="dim"))
        rung, events = ", ".join(sorted(self._rung)), len(self._fed)
        self._console.print(
            f"\n{events} events landed in s3://{bucket}/audit/events/; rung: {rung}"
        )

    def _received(self) -> Iterator[dict[str, Any]]:
        """What the topic sent until it is silent for a second."""
        sqs = self._world.client("sqs")
        asked = {"QueueUrl": self._mailbox, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1}
        while messages := sqs.receive_message(**asked).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=self._mailbox, ReceiptHandle=message["ReceiptHandle"])
                yield json.loads(message["Body"])

    def _subscribed(self) -> str:
        """A queue that hears what the topic tells people."""
        sqs = self._world.client("sqs")
        url: str = sqs.create_queue(QueueName="spectator")["QueueUrl"]
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self._world.client("sns").subscribe(
            TopicArn=self._world.outputs["TopicArn"],
            Protocol="sqs",
            Endpoint=asked["Attributes"]["QueueArn"],
        )
        return url


def _facts(letter: str) -> Iterator[str]:
    """Who, from where, and what was before and after, of a letter."""
    facts = letter.split("\n\n")[1].splitlines()
    told = [line for line in facts if not line.startswith(("What ", "When "))]
    yield " · ".join(" ".join(line.split()) for line in told)
