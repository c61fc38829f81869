"""`make run-audit`: the audit function, deployed here, sends alerts about a theft."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
from rich.console import Console
from rich.text import Text

from local.demos.audit_scenario import Scene, attack, quiet_days
from local.openai.audit.everyday import Event
from local.world.stack import ADMIN_KEY_PARAMETER, World, WorldOptions, make_world
from local.world.up_down import standing_world
from local.world.workspace import logs_kept_on_failure, temporary_home
from shared.audit.alert_text import shown_name

TIMEOUT = 60.0  # seconds for events to land
STYLES = {"critical": "bold red", "high": "red", "medium": "yellow"}
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


def play_in_standing_world() -> int:
    """The theft, beside the everyday life that goes on there; the same can be played again."""
    world = standing_world()
    if world is None or world.real:
        raise SystemExit("No world of the small OpenAI is up; first: make up")
    play_theft(world, Console(highlight=False, soft_wrap=True))
    return 0


def play_theft(world: World, console: Console) -> None:
    now = int(time.time())
    demo = Demo(world, console, full=False, prefix=f"theft-{now}-")
    for scene in attack(now):
        demo.play_scene(scene)
    demo.print_places()


class Demo:
    """Adds events to the small OpenAI's audit log, runs the function, prints its alerts."""

    def __init__(self, world: World, console: Console, full: bool, prefix: str = "") -> None:
        self._world = world
        self._prefix = prefix  # of the events' ids
        self._console = console
        self._full = full
        self._event_ids: list[str] = []
        self._alerted: set[str] = set()
        self._alerts: list[Event] = []
        self._objects: set[str] = set()
        self._queue = self._subscribe()
        self._new_alerts()  # what was there before is not ours
        self._alerts.clear()

    def play(self) -> set[str]:
        """The detections that should have alerted and did not."""
        now = int(time.time())
        quiet = quiet_days(now)
        self.play_scene(Scene(f"{len(quiet)} events of twenty quiet days", quiet))
        for scene in attack(now):
            self.play_scene(scene)
        self._print_summary()
        return set(EXPECTED - self._alerted)

    def play_scene(self, scene: Scene) -> None:
        self._console.print(Text(f"\n{scene.title}", style="bold"))
        self._add_events(scene.events)
        self._wait_until_landed()
        told = list(self._receive())
        alerts = [each for each in self._new_alerts() if each["severity"] in STYLES]
        for alert in alerts:
            first_line = f"{alert['severity'].upper()}: {alert['title']}"
            is_told = any(each["Message"].startswith(first_line) for each in told)
            self._print_alert(alert, is_told=is_told)
        for message in told if self._full else ():
            self._console.print(Text(message["Message"]))
        if not alerts:
            self._console.print(Text("  no alert", style="dim"))

    def _new_alerts(self) -> list[Event]:
        """Those in S3 that were not there before, or were not as bad."""
        bucket, s3 = self._world.outputs["AuditBucketName"], self._world.client("s3")
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="alerts/").get("Contents", [])
        new = sorted(each["Key"] for each in listed if each["Key"] not in self._objects)
        self._objects.update(new)
        texts = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in new]
        found = [json.loads(line) for text in texts for line in text.splitlines()]
        self._alerts += found
        return sorted(found, key=lambda each: (each["time"], each["detection"]))

    def _add_events(self, events: list[Event]) -> None:
        named = [
            event | {"id": f"audit_log-{self._prefix}{len(self._event_ids) + n:04d}"}
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

    def _print_alert(self, alert: Event, *, is_told: bool) -> None:
        severity, detection = alert["severity"].upper(), alert["detection"]
        self._alerted.add(detection)
        line = f"  {severity:<8} {detection}  {alert['title']}"
        self._console.print(Text(line, style=STYLES[alert["severity"]]))
        told = "  → people are told" if is_told else ""
        self._console.print(Text(f"               {_details(alert)}{told}", style="dim"))

    def _print_summary(self) -> None:
        bucket = self._world.outputs["AuditBucketName"]
        quiet = {
            f"{a['detection']} {a['title']}" for a in self._alerts if a["severity"] == "signal"
        }
        self._console.print(Text("\nStored, not sent", style="bold"))
        for title in sorted(quiet):
            self._console.print(Text(f"  signal   {title}", style="dim"))
        incidents = len({each["incident"] for each in self._alerts if each["severity"] in STYLES})
        alerts = len({each["id"] for each in self._alerts if each["severity"] in STYLES})
        detections, events = ", ".join(sorted(self._alerted)), len(self._event_ids)
        self._console.print(
            f"\n{events} events landed in s3://{bucket}/events/; "
            f"{alerts} alerts in {incidents} incident: {detections}"
        )

    def print_places(self) -> None:
        """Where it can be looked at now."""
        out = self._world.outputs
        self._console.print(
            f"\nIn S3          s3://{out['AuditBucketName']}/alerts/"
            f"\nIn the table   batchdrop investigate user-owner"
            f"\nOn the bus     {out['BusName']}, detail-type Alert Raised"
            f"\nOn the topic   {out['AlertTopicArn']}"
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
            TopicArn=self._world.outputs["AlertTopicArn"],
            Protocol="sqs",
            Endpoint=found["Attributes"]["QueueArn"],
        )
        return url


def _details(alert: Event) -> str:
    """One line with who, from where, and what changed, without what and when."""
    context = [f"{shown_name(name)} {text}" for name, text in alert["context"] if text]
    return " · ".join([f"Who {alert['who']}", f"From {alert['where']}", *context])
