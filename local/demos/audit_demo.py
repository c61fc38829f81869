"""`make run-audit`: the audit function, deployed here, sends alerts about a theft."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
from rich.console import Console
from rich.text import Text

from local.demos.audit_scenario import Event, Scene, attack, quiet_days
from local.world.stack import World, WorldOptions, make_world
from local.world.workspace import logs_kept_on_failure, temporary_home

ADMIN_KEY_PARAMETER = "/batchdrop/openai-admin-key"
MADE_UP_KEY = "sk-admin-made-up-for-the-small-openai"
TIMEOUT = 60.0  # seconds for events to land
STYLES = {"CRITICAL": "bold red", "HIGH": "red", "MEDIUM": "yellow"}
EXPECTED = frozenset({"A4", "A5", "A6", "D2", "D5", "K1", "S2", "S4"})  # by the attack


def main(full: bool) -> int:
    console = Console(highlight=False, soft_wrap=True)
    parameters = {"OpenAIAdminKeyParameter": ADMIN_KEY_PARAMETER, "AuditFirstDays": "30"}
    options = WorldOptions(openai=(), parameters=parameters)
    with temporary_home() as home, logs_kept_on_failure(home):
        world = make_world(home, options, lambda text: console.print(text, markup=False))
        missing = Demo(world, console, full).play()
        if missing:
            raise SystemExit(f"missing: {', '.join(sorted(missing))}")
    return 0


class Demo:
    """Adds events to the small OpenAI's audit log, runs the function, prints its alerts."""

    def __init__(self, world: World, console: Console, full: bool) -> None:
        self._world = world
        self._console = console
        self._full = full
        self._event_ids: list[str] = []
        self._alerted: set[str] = set()
        world.client("ssm").put_parameter(
            Name=ADMIN_KEY_PARAMETER, Value=MADE_UP_KEY, Type="SecureString", Overwrite=True
        )
        self._queue = self._subscribe()

    def play(self) -> set[str]:
        """The detections that should have alerted and did not."""
        now = int(time.time())
        self._play(Scene(f"{len(quiet_days(now))} events of twenty quiet days", quiet_days(now)))
        for scene in attack(now):
            self._play(scene)
        self._print_summary()
        return set(EXPECTED - self._alerted)

    def _play(self, scene: Scene) -> None:
        self._console.print(Text(f"\n{scene.title}", style="bold"))
        self._add_events(scene.events)
        self._wait_until_landed()
        alerts = list(self._receive())
        for alert in alerts:
            self._print_alert(alert["Subject"], alert["Message"])
        if not alerts:
            self._console.print(Text("  no alert", style="dim"))

    def _add_events(self, events: list[Event]) -> None:
        named = [
            event | {"id": f"audit_log-{len(self._event_ids) + n:04d}"}
            for n, event in enumerate(events)
        ]
        lines = "\n".join(json.dumps(event) for event in named)
        root = self._world.openai.removesuffix("/v1")
        httpx.post(f"{root}/_small/audit_events", content=lines, trust_env=False).raise_for_status()
        self._event_ids += [event["id"] for event in named]

    def _wait_until_landed(self) -> None:
        """Runs the function now: its own schedule is once a minute."""
        until = time.monotonic() + TIMEOUT
        name = self._world.outputs["AuditFunctionName"]
        while not self._has_landed(self._event_ids[-1]):
            if time.monotonic() > until:
                raise SystemExit("the events did not land within a minute")
            self._world.client("lambda").invoke(FunctionName=name, Payload=b"{}")
            time.sleep(0.5)

    def _has_landed(self, event: str) -> bool:
        table = self._world.outputs["AuditEventsTableName"]
        query = {"TableName": table, "Key": {"id": {"S": event}}}
        return "Item" in self._world.client("dynamodb").get_item(**query)

    def _print_alert(self, subject: str, text: str) -> None:
        raised = re.match(r"Alert Raised: \w+ (\w\d) ", subject)
        if raised is None:
            return
        detection = raised[1]
        severity, _, title = text.splitlines()[0].partition(": ")
        self._alerted.add(detection)
        self._console.print(Text(f"  {severity:<8} {detection}  {title}", style=STYLES[severity]))
        lines = text.splitlines() if self._full else _details(text)
        for line in lines:
            self._console.print(Text(f"               {line}", style="" if self._full else "dim"))

    def _print_summary(self) -> None:
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
        self._console.print(Text("\nStored, not sent", style="bold"))
        for title in quiet:
            self._console.print(Text(f"  signal   {title}", style="dim"))
        detections, events = ", ".join(sorted(self._alerted)), len(self._event_ids)
        self._console.print(
            f"\n{events} events landed in s3://{bucket}/audit/events/; alerts: {detections}"
        )

    def _receive(self) -> Iterator[dict[str, Any]]:
        """What the topic sends, until it sends nothing for a second."""
        sqs = self._world.client("sqs")
        request = {"QueueUrl": self._queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1}
        while messages := sqs.receive_message(**request).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                yield json.loads(message["Body"])

    def _subscribe(self) -> str:
        """A queue that gets what the topic sends to people."""
        sqs = self._world.client("sqs")
        url: str = sqs.create_queue(QueueName="demo")["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self._world.client("sns").subscribe(
            TopicArn=self._world.outputs["TopicArn"],
            Protocol="sqs",
            Endpoint=found["Attributes"]["QueueArn"],
        )
        return url


def _details(text: str) -> Iterator[str]:
    """One line with who, from where, and what changed, without what and when."""
    details = text.split("\n\n")[1].splitlines()
    kept = [line for line in details if not line.startswith(("What ", "When "))]
    yield " · ".join(" ".join(line.split()) for line in kept)
