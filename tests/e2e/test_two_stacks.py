"""Two teams in one account and region: both work, and when one goes the other does not notice."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from local.cli.run import drop
from local.paths import ROOT
from local.world.packages import built_template
from local.world.stack import World, deploy, make_world
from local.world.up_down import standing_options
from local.world.workspace import clear

pytestmark = pytest.mark.e2e
SAMPLE = ROOT / "events" / "sample.jsonl"
PATIENCE = 180  # seconds; the clock ticks once a minute


def until(holds: Callable[[], Any]) -> Any:
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        if found := holds():
            return found
        time.sleep(1)
    raise AssertionError(f"not within {PATIENCE} seconds")


def landed(world: World, name: str) -> list[str]:
    listing = world.client("s3").list_objects_v2(
        Bucket=world.outputs["DataBucketName"], Prefix=f"results/{name}"
    )
    keys = [each["Key"] for each in listing.get("Contents", [])]
    return [key for key in keys if key.endswith("results.jsonl")]


def audited(world: World) -> int:
    table = world.resource("dynamodb").Table(world.outputs["AuditEventsTableName"])
    return len(table.scan(Limit=10)["Items"])


def test_two_stacks_work_side_by_side_and_one_outlives_the_other(tmp_path: Path) -> None:
    try:
        first = make_world(tmp_path, standing_options(real=False, port=0), lambda _: None)
        given = replace(first, stack="team-b", outputs={})
        second = deploy(tmp_path, given, built_template(lambda _: None), lambda _: None)

        assert first.outputs.keys() == second.outputs.keys()
        assert not set(first.outputs.values()) & set(second.outputs.values())
        for world in (first, second):
            drop(world, SAMPLE, "inbox/sample.jsonl", {})
        for world in (first, second):
            until(partial(landed, world, "sample"))
            until(partial(audited, world))

        cloudformation = first.client("cloudformation")
        cloudformation.delete_stack(StackName="team-b")
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName="team-b", WaiterConfig={"Delay": 1}
        )

        drop(first, SAMPLE, "inbox/afterwards.jsonl", {})
        until(lambda: landed(first, "afterwards"))
        assert landed(second, "sample"), "what was paid for stays"
        schedules = first.client("scheduler").list_schedules()["Schedules"]
        names = {each["Name"] for each in schedules}
        assert names == {"batchdrop-audit", "batchdrop-poll", "batchdrop-sweep"}
    finally:
        clear(tmp_path)
