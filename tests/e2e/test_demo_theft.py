"""`make up`, then a theft in its audit log: the incident is in table, S3, bus and topic at once."""

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.demos.audit_demo import play_theft
from local.world.stack import World, make_world
from local.world.up_down import standing_options
from local.world.workspace import clear
from shared.audit.investigate import Investigation

pytestmark = pytest.mark.e2e
A_MINUTE = 60  # seconds; all of the demonstration takes half of that


def on_bus(world: World) -> str:
    """A queue that gets what the bus says of alerts."""
    sqs, events, bus = world.client("sqs"), world.client("events"), world.outputs["BusName"]
    url: str = sqs.create_queue(QueueName="on-bus")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    pattern = {"source": ["batchdrop"], "detail-type": ["Alert Raised"]}
    events.put_rule(Name="alerts", EventBusName=bus, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": asked["Attributes"]["QueueArn"]}
    events.put_targets(Rule="alerts", EventBusName=bus, Targets=[target])
    return url


def received(world: World, url: str) -> list[dict[str, Any]]:
    asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 2}
    found = world.client("sqs").receive_message(**asked).get("Messages", [])
    return [json.loads(each["Body"])["detail"] for each in found]


def test_a_theft_is_everywhere_within_a_minute(tmp_path: Path) -> None:
    printed = io.StringIO()
    try:
        world = make_world(tmp_path, standing_options(real=False, port=0), lambda _: None)
        bus = on_bus(world)
        begun = time.monotonic()
        play_theft(world, Console(file=printed, width=200))
        took = time.monotonic() - begun
        told = received(world, bus)
        table = world.outputs["AuditEventsTableName"]
        dynamodb = world.resource("dynamodb").meta.client
        now = int(time.time())
        found = Investigation(dynamodb, table).about("192.0.2.66", now - 3_600, now)
    finally:
        clear(tmp_path)

    text = printed.getvalue()
    assert took < A_MINUTE
    assert "→ people are told" in text
    assert "CRITICAL D2" in text
    assert {each["alert"]["actor"] for each in told} == {"user-owner"}
    assert [each.type for each in found][:2] == ["project.updated", "api_key.created"]
    assert "s3://batchdrop-audit-" in text
